"""Arrivals and missed bookings on the pages, as a browser sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_team import query, signed_in
from support_web import Browser, deployment, first_slot, token_of, use

from barberpro_app.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server) as found:
        yield found


async def book(browser: Browser, email: str = "ana@a.example") -> str:
    """The path of the page after booking, or of the one that refused."""
    page = await browser.get((await browser.get("/")).link("/reservar"))
    page = await browser.send(page, page.form("/reservar"), inicio=first_slot(page))
    form = next(form for form in page.forms if "nombre" in form.values)
    page = await browser.send(page, form, nombre="Ana", email=email)
    return page.path if page.status == 200 else page.text


def another_day(settings: Settings) -> None:
    query(settings, "UPDATE booking SET starts_at = starts_at + interval '3 days',"
                    " ends_at = ends_at + interval '3 days'")  # fmt: skip


def today(settings: Settings) -> None:
    """All bookings start in half an hour, in a zone where that is the same day."""
    query(
        settings,
        "UPDATE booking SET starts_at = now() + interval '30 min',"
        " ends_at = now() + interval '1 h', zone = 'Etc/GMT' || CASE WHEN h >= 12"
        " THEN '+' || (h - 12) ELSE '-' || (12 - h) END"
        " FROM (SELECT extract(hour FROM now() AT TIME ZONE 'UTC')::integer AS h) clock",
    )


def test_a_client_checks_in_and_reception_sees_when(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        ana = Browser(application)
        token = token_of(await book(ana))
        done = await ana.get(f"/reservar/listo/{token}")
        assert "Mostralo al llegar" in done.text
        assert done.inline == []
        another_day(settings)
        page = await ana.get(f"/reserva/{token}")
        assert not [form for form in page.forms if "llegue" in form.action]
        today(settings)
        page = await ana.get(f"/reserva/{token}")
        page = await ana.send(page, page.form("/llegue"))
        assert "Avisamos que llegaste" in page.text
        assert (await ana.post(f"/reserva/{token}/llegue")).status == 403  # no token of ours
        desk = await signed_in(application, settings, "reception")
        key = query(settings, "SELECT id FROM booking")[0][0]
        assert "Llegó a las" in (await desk.get(f"/agenda/reserva/{key}")).text

    use(settings, steps)


def test_a_code_is_scanned_or_typed(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        ana, desk = Browser(application), await signed_in(application, settings, "reception")
        token = token_of(await book(ana))
        another_day(settings)
        code = query(settings, "SELECT code FROM booking")[0][0]
        short = application.state.booking_links.short_url(code).rpartition("/q/")[2]
        assert (await ana.get(f"/q/{short}")).path == f"/reserva/{token}"
        assert (await ana.get(f"/q/{short[:-1]}2")).status in (404, 200)
        assert (await ana.get("/q/nada")).status == 404
        page = await desk.get(f"/q/{short}")
        assert page.path == f"/agenda/llegada?codigo={code}"
        assert "camera=(self)" in page.response.headers["permissions-policy"]
        wrong = await desk.send(page, page.form("/agenda/llegada"))
        assert wrong.status == 409
        assert "otro día" in wrong.text
        today(settings)
        arrived = await desk.send(page, page.form("/agenda/llegada"))
        assert "Llegó Ana" in arrived.text
        for typed in (code.lower(), f" {code[:4]}-{code[4:]} ", short):
            assert "Ana" in (await desk.get(f"/agenda/llegada?codigo={typed}")).text
        unknown = await desk.get("/agenda/llegada?codigo=" + "<b>" * 30)
        assert unknown.status == 422
        assert "<b><b>" not in unknown.html

    use(settings, steps)


def test_the_poster_at_the_door(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        ana, desk = Browser(application), await signed_in(application, settings, "reception")
        await book(ana)
        another_day(settings)
        place = query(settings, "SELECT id FROM location")[0][0]
        code = query(settings, "SELECT code FROM booking")[0][0]
        poster = await desk.get(f"/agenda/cartel/{place}")
        assert f"/llegue/{place}" in poster.text
        assert "<svg" in poster.html
        door = await ana.get(f"/llegue/{place}")
        early = await ana.send(door, door.form("/llegue/"), codigo=code)
        assert early.status == 409
        today(settings)
        unknown = await ana.send(door, door.form("/llegue/"), codigo="ZZZZ2222")
        assert unknown.status == 409
        assert "No encontramos" in unknown.text
        done = await ana.send(door, door.form("/llegue/"), codigo=code.lower())
        assert done.headings == ["¡Listo!"]
        assert "Ana" not in done.text
        nowhere = await ana.get("/llegue/018f0000-0000-7000-8000-000000000000")
        assert nowhere.status == 404

    use(settings, steps)


def test_missed_bookings_close_booking_online_until_they_are_forgiven(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        ana, owner = Browser(application), await signed_in(application, settings)
        page = await owner.get("/ajustes/ausencias")
        form = next(form for form in page.forms if "bloqueo" in form.values)
        saved = await owner.send(page, form, bloqueo="1")
        assert "hecho=1" in saved.path
        assert (await owner.send(page, form, bloqueo="2")).status == 409
        await book(ana)
        query(
            settings,
            "UPDATE booking SET status = 'no_show', version = version + 1,"
            " starts_at = now() - interval '1 day', ends_at = now() - interval '23 h'",
        )
        refused = await book(Browser(application))
        assert "Por ausencias anteriores" in refused
        client = query(settings, "SELECT id FROM client")[0][0]
        page = await owner.get(f"/clientes/{client}/ausencias")
        assert "1 ausencia" in page.text
        assert "no puede reservar en línea" in page.text
        empty = await owner.send(page, page.form("/perdonar"), motivo=" ")
        assert empty.status == 422
        page = await owner.send(page, page.form("/perdonar"), motivo="Avisó por teléfono")
        assert re.search("Perdonada", page.text)
        assert "/reservar/listo/" in await book(Browser(application))
        mine = await signed_in(application, settings, "provider")
        assert (await mine.get(f"/clientes/{client}/ausencias")).status == 403

    use(settings, steps)
