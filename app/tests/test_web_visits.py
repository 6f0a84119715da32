"""A client books several services in one visit, on four pages, and changes it by the signed link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_team import query, signed_in
from support_web import Browser, HtmlForm, Page, deployment, first_slot, token_of, use

from barberpro_app.settings import Settings

DAY = datetime.now(UTC).date() + timedelta(days=5)


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server) as found:
        query(
            found,
            "WITH s AS (INSERT INTO service (key, name, minutes, price_centavos, sort)"
            ' VALUES (\'visit-2\', \'{"es-AR": "Barba", "en": "Beard"}\', 25, 500000, 99)'
            " RETURNING id) INSERT INTO provider_service (provider_id, service_id)"
            " SELECT DISTINCT ps.provider_id, s.id FROM provider_service ps, s",
        )
        yield found


def address(settings: Settings, count: int = 2) -> str:
    place = query(settings, "SELECT id FROM location ORDER BY sort, key LIMIT 1")[0][0]
    provider = query(
        settings,
        "SELECT provider_id FROM provider_location JOIN provider_service USING (provider_id)"
        " WHERE location_id = %s GROUP BY provider_id HAVING count(*) >= %s LIMIT 1",
        place,
        count,
    )[0][0]
    services = query(
        settings, "SELECT service_id FROM provider_service WHERE provider_id = %s", provider
    )
    pairs = [("servicio", row[0]) for row in services[:count]]
    return f"/reservar?{urlencode([*pairs, ('sede', place), ('dia', DAY)])}"


def filled(page: Page) -> HtmlForm:
    """The form of who books, not the one for more time."""
    return next(f for f in page.forms if "/datos/" in f.action and "extender" not in f.action)


async def booked(browser: Browser, settings: Settings) -> str:
    """The token of a visit of two services."""
    page = await browser.get(address(settings))
    assert " + " in page.text
    details = await browser.send(page, page.form("/reservar"), inicio=first_slot(page))
    assert details.status == 200, details.text
    done = await browser.send(details, filled(details), nombre="Ana Paz", email="ana@visit.example")
    assert done.path.startswith("/reservar/listo/"), done.text
    return token_of(done.path)


def test_two_services_in_four_pages(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        home = await browser.get("/")
        assert 'form="together" name="servicio"' in home.html
        token = await booked(browser, settings)
        rows = query(
            settings,
            "SELECT status, visit_line, client_id IS NULL FROM booking ORDER BY visit_line",
        )
        assert rows == [("confirmed", 1, False), ("confirmed", 2, False)]
        calendar = await browser.get(f"/reserva/{token}/calendario.ics")
        assert calendar.html.count("BEGIN:VEVENT") == 1
        assert " + " in calendar.html
        assert query(settings, "SELECT count(*) FROM message WHERE kind !~ '^team'") == [(1,)]

    use(settings, steps)


def test_one_service_of_a_visit_is_cancelled_then_all_moves(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        token = await booked(browser, settings)
        ask = await browser.get(f"/reserva/{token}/cancelar")
        line = query(settings, "SELECT id FROM booking WHERE visit_line = 2")[0][0]
        after = await browser.send(ask, ask.form("/cancelar"), que=str(line))
        assert after.status == 200
        statuses = query(settings, "SELECT status FROM booking ORDER BY visit_line")
        assert statuses == [("confirmed",), ("cancelled",)]
        choose = await browser.get(f"/reserva/{token}/cambiar?dia={DAY + timedelta(days=1)}")
        moved = await browser.send(choose, choose.form("/cambiar"), inicio=first_slot(choose))
        assert "hecho=cambiada" in moved.path
        ask = await browser.get(f"/reserva/{token}/cancelar")
        await browser.send(ask, ask.form("/cancelar"))
        assert query(settings, "SELECT DISTINCT status FROM booking") == [("cancelled",)]
        kinds = [
            row[0]
            for row in query(settings, "SELECT kind FROM message WHERE kind !~ '^team' ORDER BY id")
        ]
        assert kinds == ["booking_confirmed", "booking_rescheduled", "booking_rescheduled",
                         "booking_cancelled"]  # fmt: skip

    use(settings, steps)


def test_all_of_a_visit_moves_and_more_time_is_given(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await browser.get(address(settings))
        details = await browser.send(page, page.form("/reservar"), inicio=first_slot(page))
        for _ in range(2):  # the second time it is held anew
            details = await browser.send(details, details.form("/extender"))
            assert details.status == 200
        held = query(settings, "SELECT count(*) FROM booking WHERE status = 'held'")
        assert held == [(2,)]
        query(settings, "UPDATE booking SET hold_expires_at = now() - interval '1 s'"
              " WHERE status = 'held'")  # fmt: skip
        query(settings, "UPDATE occupancy SET expires_at = now() - interval '1 s'"
              " WHERE expires_at IS NOT NULL")  # fmt: skip
        late = await browser.get(details.path)
        done = await browser.send(late, filled(late), nombre="Ana Paz", telefono="11 2345 6789")
        assert done.path.startswith("/reservar/listo/"), done.text
        token = token_of(done.path)
        choose = await browser.get(f"/reserva/{token}/cambiar?dia={DAY + timedelta(days=1)}")
        moved = await browser.send(choose, choose.form("/cambiar"), inicio=first_slot(choose))
        assert "hecho=cambiada" in moved.path
        gaps = query(
            settings,
            "SELECT max(starts_at) - min(starts_at) < interval '4 hours', count(*) FROM booking"
            " WHERE status = 'confirmed'",
        )
        assert gaps == [(True, 2)]

    use(settings, steps)


def test_the_team_sees_the_visit_and_cancels_it_whole(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        await booked(Browser(application), settings)
        desk = await signed_in(application, settings, "reception")
        lines = query(settings, "SELECT id FROM booking ORDER BY visit_line")
        page = await desk.get(f"/agenda/reserva/{lines[0][0]}")
        assert f"/agenda/reserva/{lines[1][0]}" in page.html
        await desk.send(page, page.form("/cancelar"), motivo="Enfermo", toda="1")
        assert query(settings, "SELECT DISTINCT status FROM booking") == [("cancelled",)]

    use(settings, steps)


@pytest.mark.parametrize("wrong", ["x", "00000000-0000-0000-0000-000000000000", ""])
def test_wrong_services_are_not_found(settings: Settings, wrong: str) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        good = re.sub(r"servicio=[^&]+&sede", f"servicio={wrong}&sede", address(settings))
        page = await browser.get(good)
        assert page.status in {200, 404}
        unknown = await browser.get(
            f"/reservar?servicio={uuid4()}&servicio={uuid4()}&sede={uuid4()}"
        )
        assert unknown.status == 404
        many = "&".join(f"servicio={uuid4()}" for _ in range(150))
        assert (await browser.get(f"/reservar?{many}&sede={uuid4()}")).status == 404

    use(settings, steps)


def test_the_team_books_several_services_in_one_visit(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        desk = await signed_in(application, settings, "reception")
        services = [str(row[0]) for row in query(settings, "SELECT id FROM service ORDER BY key")]
        place = query(settings, "SELECT id FROM location")[0][0]
        client = query(settings, "INSERT INTO client (name) VALUES ('Beto') RETURNING id")[0][0]
        wish = f"servicio={services[0]}&ademas={services[1]}&ademas=&sede={place}&dia={DAY}"
        page = await desk.get(f"/agenda/nuevo?{wish}&cliente={client}")
        form = next(form for form in page.forms if "nota" in form.values)
        assert "nombre" not in form.values
        assert form.values["ademas"] == [services[1]]
        hour = re.search(r'name="inicio" value="([^"]+)"', page.html)
        assert hour is not None
        done = await desk.send(page, form, inicio=hour[1])
        assert "hecho=agendado" in done.path
        rows = query(
            settings,
            "SELECT service_id::text, client_id, status, count(*) OVER (PARTITION BY visit_id)"
            " FROM booking ORDER BY visit_line",
        )
        assert rows == [(key, client, "confirmed", 2) for key in services[:2]]
        # what makes no sense is one clear answer, and nothing is stored
        taken = await desk.send(page, form, inicio=hour[1])
        assert taken.status == 409
        for wrong in ("x", str(client)):
            odd = await desk.get(f"/agenda/nuevo?servicio={services[0]}&ademas={wrong}&cliente=9")
            assert odd.status == 200
        lost = await desk.send(page, form, inicio=hour[1], cliente=str(uuid4()))
        assert lost.status in (404, 409, 422)
        assert query(settings, "SELECT count(*) FROM booking") == [(2,)]

    use(settings, steps)


def test_a_visit_is_repeated_and_all_of_it_moves(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        ana = Browser(application)
        query(
            settings,
            "INSERT INTO holiday_override (day, open) SELECT current_date + n, true"
            " FROM generate_series(0, 100) n",
        )
        home = f"/reserva/{await booked(ana, settings)}"
        page = await ana.get((await ana.get(home)).link("/repetir"))
        page = await ana.send(page, page.form("/repetir"), veces="3")
        assert " + " in page.text
        await ana.send(page, page.form("/repetir"))
        days = (
            "SELECT count(*), array_agg(DISTINCT (starts_at AT TIME ZONE zone)::date - first.day),"
            " min(starts_at) FROM booking, (SELECT min(starts_at AT TIME ZONE zone)::date AS day"
            " FROM booking) first WHERE series_id IS NOT NULL AND visit_line = 1"
        )
        before = query(settings, days)[0]
        assert before[:2] == (3, [0, 7, 14])
        page = await ana.get(f"{home}/serie/cambiar")
        page = await ana.send(page, page.form("/serie/cambiar"), inicio=first_slot(page))
        moved = await ana.send(page, page.form("/serie/cambiar"))
        assert moved.status == 200, moved.text
        after = query(settings, days)[0]
        assert after[:2] == (3, [0, 7, 14])
        assert after[2] != before[2]

    use(settings, steps)
