"""Repeated bookings on the pages, of a client and of the team."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_team import query, signed_in
from support_web import Browser, Page, deployment, first_slot, token_of, use

from barberpro_app.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server) as found:
        query(
            found,
            "INSERT INTO holiday_override (day, open) SELECT current_date + n, true"
            " FROM generate_series(0, 100) n",
        )
        yield found


async def book(browser: Browser) -> str:
    """The token of a booking in ten days."""
    page = await browser.get((await browser.get("/")).link("/reservar"))
    day = [link for link in page.links if "dia=" in link][10]
    page = await browser.get(day)
    page = await browser.send(page, page.form("/reservar"), inicio=first_slot(page))
    form = next(form for form in page.forms if "nombre" in form.values)
    page = await browser.send(page, form, nombre="Ana", email="ana@a.example")
    return token_of(page.path)


async def repeat(browser: Browser, home: str, **values: str) -> Page:
    page = await browser.get(f"{home}/repetir")
    page = await browser.send(page, page.form("/repetir"), **values)
    assert page.status == 200, page.text
    return page


def test_a_client_sees_every_date_before_it_is_booked(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        ana = Browser(application)
        token = await book(ana)
        home = f"/reserva/{token}"
        assert (await ana.get(home)).link("/repetir")
        query(
            settings,
            "UPDATE holiday_override SET open = false FROM booking b"
            " WHERE day = (b.starts_at AT TIME ZONE b.zone)::date + 7",
        )
        seen = await repeat(ana, home, veces="4")
        assert "Feriado" in seen.text
        assert "Agendar 3 fechas" in seen.text
        assert query(settings, "SELECT count(*) FROM series") == [(0,)]
        made = await ana.send(seen, seen.form("/repetir"))
        assert "las fechas quedaron agendadas" in made.text
        assert query(settings, "SELECT count(*) FROM booking") == [(3,)]
        assert (await ana.get(f"{home}/repetir")).path == f"{home}/serie"
        ended = await ana.send(made, made.form("/terminar"), alcance="all")
        assert ended.status == 200
        assert query(settings, "SELECT count(*) FROM booking WHERE status = 'cancelled'") == [(3,)]

    use(settings, steps)


def test_what_is_typed_wrong_is_said_beside_it(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        ana = Browser(application)
        home = f"/reserva/{await book(ana)}"
        page = await ana.get(f"{home}/repetir")
        for values in (
            {"cada": "0"}, {"cada": "x"}, {"veces": "-3"}, {"termina": "dia", "ultimo": "31/31"},
            {"termina": "nada"}, {"cerrado": "nada"},
        ):  # fmt: skip
            answer = await ana.send(page, page.form("/repetir"), **values)
            assert answer.status == 422, values
        odd = await ana.send(
            page, page.form("/repetir"), confirmar="1", saltear=["x", "2026-13-99"], veces="2"
        )
        assert odd.status == 200
        assert (await ana.get("/reserva/" + "A" * 43 + "/serie")).status == 404

    use(settings, steps)


def test_the_team_moves_what_follows_and_sees_what_stays(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        token = await book(Browser(application))
        desk = await signed_in(application, settings, "reception")
        key = query(settings, "SELECT id FROM booking")[0][0]
        home = f"/agenda/reserva/{key}"
        assert (await desk.get(home)).link("/repetir")
        seen = await repeat(desk, home, veces="3")
        await desk.send(seen, seen.form("/repetir"))
        query(
            settings,
            "WITH b AS (SELECT max(starts_at) AS at FROM booking) INSERT INTO time_off"
            " (provider_id, period) SELECT p.id, tstzrange(b.at + interval '2 h', b.at + interval"
            " '20 h') FROM provider p, b",
        )
        page = await desk.get(f"{home}/serie/cambiar")
        slots = [v for form in page.forms for n, v in form.buttons if n == "inicio"]
        form = page.form("/serie/cambiar")
        looked = await desk.send(page, form, inicio=slots[-1])
        assert "Quedan como están" in looked.text or "Cambian" in looked.text
        moved = await desk.send(looked, looked.form("/serie/cambiar"))
        assert "las fechas cambiaron" in moved.text
        bad = await desk.send(page, form, inicio="mañana")
        assert bad.status == 409
        stale = await desk.send(page, form, inicio=slots[-2])
        assert stale.status == 409
        shown = await Browser(application).get(f"/reserva/{token}/serie")
        assert shown.status == 200
        provider = await signed_in(application, settings, "provider")
        assert (await provider.get(f"{home}/serie")).status == 200

    use(settings, steps)
