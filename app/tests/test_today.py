"""Where the team lands: the next bookings with one tap, and what waits, by role."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from psycopg.rows import dict_row
from support_app import CONFIGURATION
from support_postgres import TestServer
from support_team import query, signed_in
from support_web import deployment, use

from barberpro_app.identity.principal import ROLES, staff_principal
from barberpro_app.live.hub import Change, Interest, read_change
from barberpro_app.settings import Settings
from barberpro_app.today import repository, service

HOME = "/agenda/hoy"


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    services = [*CONFIGURATION["services"], "payment"]
    with deployment(tmp_path, postgres_server, services=services) as found:
        yield found


def put(settings: Settings, starts: datetime, status: str, client: str, place: int = 0) -> str:
    """A booking as it lies there, of the provider at that place; its key."""
    ((key,),) = query(
        settings,
        "WITH c AS (INSERT INTO client (name) VALUES (%s) RETURNING id)"
        " INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id, starts_at, ends_at,"
        " zone, price_centavos, hold_expires_at)"
        " SELECT new_booking_code(), %s, c.id, p.id, s.id, l.id, %s, %s, l.zone, 100,"
        " CASE WHEN %s IN ('requested', 'held') THEN now() + interval '9 h' END"
        " FROM c, (SELECT * FROM provider ORDER BY id OFFSET %s LIMIT 1) p,"
        " (SELECT * FROM service LIMIT 1) s, (SELECT * FROM location LIMIT 1) l RETURNING id",
        client, status, starts, starts + timedelta(minutes=30), status, place,
    )  # fmt: skip
    return str(key)


def test_everybody_lands_on_what_is_next_and_what_waits(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        empty = await (await signed_in(application, settings, "reception")).get(HOME)
        assert "Está todo al día" in empty.text
        assert "No hay turnos en los próximos 7 días" in empty.text
        now = datetime.now(UTC)
        current = put(settings, now - timedelta(minutes=1), "confirmed", "<b>Ana</b> Ahora")
        put(settings, now + timedelta(days=1), "requested", "Rita Pide")
        put(settings, now - timedelta(days=2), "confirmed", "Vera Vino")
        query(settings, "INSERT INTO message (kind, recipient, payload, state, dedupe_key)"
              " VALUES ('booking_confirmed', 'a@example.com', '{}', 'failed', 'lost')")  # fmt: skip
        query(settings, "INSERT INTO withdrawal_request (code, name, email, locale)"
              " VALUES ('A23456789B', 'Ana', 'ana@example.com', 'es-AR')")  # fmt: skip
        query(settings, "INSERT INTO data_request (client_id, kind, due_at)"
              " SELECT id, 'access', now() + interval '9 days' FROM client LIMIT 1")  # fmt: skip
        owed = put(settings, now + timedelta(days=3), "held", "Sara Seña")
        query(settings, "UPDATE booking SET deposit_centavos = 50, hold_expires_at = now()"
              " + interval '1 day' WHERE id = %s", owed)  # fmt: skip
        for role in ROLES:
            browser = await signed_in(application, settings, role)
            page = await browser.get(HOME)
            assert "&lt;b&gt;Ana" in page.html or role == "provider", role
            managing = role in {"owner", "manager"}
            assert ("1 mensaje no salió" in page.text) is managing, role
            assert ("/ajustes/arrepentimientos" in page.links) is managing, role
            assert ("1 pedido sobre datos personales" in page.text) is managing, role
            if role != "provider":
                assert "1 pedido por responder" in page.text
                assert "1 turno que ya pasó" in page.text
                assert "1 turno que espera su seña" in page.text
            for link in {link for link in page.links if link.startswith("/")}:
                assert (await browser.get(link)).status == 200, (role, link)
        desk = await signed_in(application, settings, "reception")
        page = await desk.get(HOME)
        done = await desk.send(
            page, page.form(f"/agenda/reserva/{current}/estado"), estado="arrived"
        )
        assert done.path.startswith(HOME)
        assert "Guardado" in done.text
        assert 'class="tag arrived"' in done.html

    use(settings, steps)


def test_a_provider_sees_the_own_day_alone(settings: Settings) -> None:
    now = datetime.now(UTC)
    ((first,),) = query(settings, "SELECT id FROM provider")
    query(settings, "INSERT INTO provider (key, name) VALUES ('other', 'Other')")
    ((user,),) = query(settings, "SELECT id FROM staff_user LIMIT 1")
    put(settings, now + timedelta(minutes=50), "confirmed", "Pepa Propia", 0)
    put(settings, now + timedelta(minutes=50), "confirmed", "Oto Otro", 1)
    own = staff_principal(user, "Own", "provider", first)

    async def look() -> service.Board:
        async with await psycopg.AsyncConnection.connect(
            settings.secrets.database_url, row_factory=dict_row
        ) as connection:
            # every kind is a statement that runs, whatever this business has
            kinds = list(repository.WAITS)
            await repository.waits(connection, kinds, now, now - service.BACK, None)
            return await service.look(
                connection, own, settings.app.services, now, settings.app.zone
            )

    board = asyncio.run(look())
    names = {item.client for item in board.coming}
    assert "Pepa Propia" in names
    assert "Oto Otro" not in names


def test_open_pages_of_the_team_hear_of_what_waits_and_visitors_do_not(settings: Settings) -> None:
    day = datetime.now(UTC).date()
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as heard:
        heard.execute("LISTEN agenda")
        for statement in (
            "INSERT INTO walk_in (location_id, day, number, name, service_id)"
            " SELECT l.id, current_date, 1, 'Ana', s.id FROM location l, service s LIMIT 1",
            "WITH c AS (INSERT INTO client (name) VALUES ('Ana') RETURNING id)"
            " INSERT INTO data_request (client_id, kind, due_at) SELECT id, 'access', now() + interval '1 day' FROM c",
            "INSERT INTO withdrawal_request (code, name, email, locale)"
            " VALUES ('B23456789B', 'Ana', 'ana@example.com', 'es-AR')",
            "INSERT INTO message (kind, recipient, payload, dedupe_key)"
            " VALUES ('booking_confirmed', 'a@example.com', '{}', 'x')",
            "UPDATE message SET state = 'sending'",
            "UPDATE message SET state = 'failed'",
        ):
            query(settings, statement)
        told = [read_change(notice.payload) for notice in heard.notifies(timeout=20, stop_after=4)]
    assert [change.kind for change in told] == ["walk_in", "request", "request", "message"]
    team, visitor = Interest(None, day, day), Interest(None, day, day, team=False)
    assert all(team.covers(change) for change in told)
    assert not any(visitor.covers(change) for change in told)
    assert visitor.covers(Change("booking"))
