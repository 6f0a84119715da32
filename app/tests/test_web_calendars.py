"""The pages of calendars, as a provider, the owner and the reception use them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import icalendar
import psycopg
import pytest
from fastapi import FastAPI
from google_calendar import EMAIL, GoogleAccount, google_calendar
from psycopg.rows import dict_row
from support_app import CONFIGURATION
from support_calendars import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    SERVICES,
    USER,
    CalDavServer,
    radicale,
)
from support_postgres import TestServer
from support_web import Browser, Page, deployment, use

from barberpro_app.calendar_sync.working import CalendarWorker
from barberpro_app.identity.repository import Subject
from barberpro_app.settings import Settings

ORIGIN = str(CONFIGURATION["public_url"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalDavServer]:
    with radicale(tmp_path_factory.mktemp("radicale")) as running:
        yield running


@pytest.fixture
def google() -> Iterator[GoogleAccount]:
    with google_calendar() as account:
        yield account


@pytest.fixture
def settings(
    postgres_server: TestServer, tmp_path: Path, google: GoogleAccount
) -> Iterator[Settings]:
    calendars = {"own_network": True, "google_api": google.url, "google_accounts": google.url,
                 "google_oauth": google.url}  # fmt: skip
    with deployment(tmp_path, postgres_server, services=SERVICES, calendars=calendars) as made:
        for name, value in (
            ("google-client-id", CLIENT_ID),
            ("google-client-secret", CLIENT_SECRET),
        ):
            (tmp_path / "secrets" / name).write_text(value)
        yield made


async def person(application: FastAPI, role: str) -> Browser:
    """Signed in; a provider's login is Martín's."""
    async with application.state.database.transaction() as connection:
        cursor = await connection.execute(
            "INSERT INTO staff_user (email, name, role, provider_id) VALUES (%s, %s, %s,"
            " CASE WHEN %s = 'provider' THEN (SELECT id FROM provider LIMIT 1) END) RETURNING id",
            (f"{role}@x.example", role, role, role),
        )
        row = await cursor.fetchone()
    assert row is not None
    browser = Browser(application)
    await browser.sign_in(application, Subject(staff_id=row["id"]))
    return browser


async def work(application: FastAPI) -> None:
    state = application.state
    worker = CalendarWorker(state.settings, state.database, state.metrics)
    while await worker.run():
        pass


def test_a_provider_connects_a_caldav_calendar(settings: Settings, server: CalDavServer) -> None:
    async def steps(application: FastAPI) -> None:
        browser = await person(application, "provider")
        home = await browser.get("/calendarios")
        assert home.status == 200
        asking = await browser.get(home.link("/caldav"))
        wrong = await browser.send(
            asking, asking.form("/caldav"), direccion=server.url, usuario=USER, clave="no"
        )
        assert wrong.status == 422
        assert "no acepta ese usuario" in wrong.text
        assert "no" not in wrong.form("/caldav").values.get("clave", [""])
        asking = await browser.send(
            asking, asking.form("/caldav"), direccion="ftp://x", usuario=USER, clave="x"
        )
        assert "empezar con https" in asking.text
        choosing = await browser.send(asking, asking.form("/caldav"), direccion=server.url, usuario=USER,
                                      clave=PASSWORD)  # fmt: skip
        assert choosing.status == 200
        assert "Mi agenda" in choosing.text
        done = await browser.send(choosing, choosing.form("/conexion/"))
        assert "Mi agenda" in done.text
        assert "Conectado" in done.text
        await work(application)
        assert "Al día" in (await browser.get(done.path)).text
        options = await browser.get(done.link("/conexion/"))
        nothing = await browser.send(options, options.form("/conexion/"), escribe="", ocupa="")
        assert nothing.status == 422
        gone = await browser.send(done, done.form("/quitar"))
        assert "Desconectado" in gone.text
        await work(application)

    use(settings, steps)


def test_google_from_the_link_to_the_calendar(settings: Settings, google: GoogleAccount) -> None:
    async def steps(application: FastAPI) -> None:
        browser = await person(application, "provider")
        home = await browser.get("/calendarios")
        browser.client.follow_redirects = False
        away = await browser.client.get(home.link("/google"))
        assert away.status_code == 303
        async with httpx.AsyncClient() as outside:
            back = (await outside.get(away.headers["location"])).headers["location"]
        browser.client.follow_redirects = True
        choosing = await browser.get(back.removeprefix(ORIGIN))
        assert EMAIL in choosing.text
        assert "Feriados" not in choosing.text
        done = await browser.send(choosing, choosing.form("/conexion/"))
        assert EMAIL in done.text
        await work(application)
        assert "Al día" in (await browser.get(done.path)).text
        # the same address a second time, and one of another person
        again = await browser.get(back.removeprefix(ORIGIN))
        assert again.status == 409
        owner = await person(application, "owner")
        assert (await owner.get(back.removeprefix(ORIGIN))).status == 409
        refused = await browser.get("/calendarios/google/vuelta?error=access_denied&state=x.y.z.w")
        assert refused.status == 409
        assert "Google no dio" in refused.text

    use(settings, steps)


def test_the_address_to_subscribe_to(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = await person(application, "provider")
        page = await browser.get("/calendarios")
        page = await browser.send(page, page.form("/suscripcion"), detalle="service")
        address = feed_address(page)
        outside = Browser(application)
        answer = await outside.client.get(address)
        assert answer.headers["content-type"].startswith("text/calendar")
        assert icalendar.Calendar.from_ical(answer.text)["NAME"].endswith("Martín")
        same = await outside.client.get(address, headers={"if-none-match": answer.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        changed = await browser.send(page, page.form("/suscripcion"), nueva="1")
        assert feed_address(changed) != address
        assert (await outside.client.get(address)).status_code == 404
        assert (await outside.client.get(feed_address(changed))).status_code == 200
        removed = await browser.send(changed, changed.form("/suscripcion/quitar"))
        assert "calendario/" not in removed.html
        assert (await outside.client.get(feed_address(changed))).status_code == 404

    use(settings, steps)


def feed_address(page: Page) -> str:
    start = page.html.index(f"{ORIGIN}/calendario/")
    return page.html[start : page.html.index(".ics", start) + 4].removeprefix(ORIGIN)


def test_who_sees_what(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        async with application.state.database.transaction() as connection:
            cursor = await connection.execute(
                "INSERT INTO provider (key, name) VALUES ('otra', 'Otra') RETURNING id"
            )
            row = await cursor.fetchone()
        other = row["id"]
        provider = await person(application, "provider")
        assert (await provider.get(f"/calendarios/{other}")).status == 403
        assert (
            await provider.post(f"/calendarios/{other}/suscripcion", detalle="busy")
        ).status == 403
        owner = await person(application, "owner")
        everybody = await owner.get("/calendarios")
        assert f"/calendarios/{other}" in everybody.links
        assert (await owner.get(f"/calendarios/{other}")).status == 200
        reception = await person(application, "reception")
        assert (await reception.get("/calendarios")).status == 200
        assert (await reception.get(f"/calendarios/{other}")).status == 403
        nobody = Browser(application)
        assert (await nobody.get("/calendarios")).path.startswith("/entrar")

    use(settings, steps)


def test_health_data_shows_nothing_outside(postgres_server: TestServer, tmp_path: Path) -> None:
    async def steps(application: FastAPI) -> None:
        browser = await person(application, "provider")
        page = await browser.get("/calendarios")
        assert "Por privacidad" in page.text
        page = await browser.send(page, page.form("/suscripcion"), detalle="full")
        assert page.html.count(f"{ORIGIN}/calendario/") == 1
        async with application.state.database.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute("SELECT detail FROM calendar_feed")
            assert await cursor.fetchall() == [{"detail": "busy"}]

    with deployment(tmp_path, postgres_server, services=SERVICES,
                    compliance={"health_data": True}) as made:  # fmt: skip
        use(made, steps)


def test_the_agenda_shows_what_calendars_disagree_about(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        async with application.state.database.transaction() as connection:
            await connection.execute(
                "WITH k AS (INSERT INTO calendar_connection (provider_id, kind, state, title,"
                " sealed, next_sync_at) SELECT id, 'caldav', 'active', 'Mi agenda', '', 'infinity'"
                " FROM provider LIMIT 1 RETURNING id, provider_id),"
                " b AS (INSERT INTO booking (code, status, client_id, provider_id, service_id,"
                "  location_id, starts_at, ends_at, zone, price_centavos)"
                "  SELECT new_booking_code(), 'confirmed', c.id, k.provider_id, s.id, l.id,"
                "  now() + interval '1 hour', now() + interval '90 min', l.zone, 1"
                "  FROM k, service s, location l, client c LIMIT 1 RETURNING id, starts_at, ends_at)"
                " INSERT INTO calendar_conflict (kind, subject_id, provider_id, connection_id,"
                "  source, period) SELECT 'overlap', b.id, k.provider_id, k.id, 'x',"
                "  tstzrange(b.starts_at, b.ends_at) FROM b, k"
            )
            cursor = await connection.execute(
                "SELECT (starts_at AT TIME ZONE zone)::date AS day FROM booking"
            )
            row = await cursor.fetchone()
        assert row is not None
        for role in ("provider", "owner", "reception"):
            browser = await person(application, role)
            for view in ("dia", "semana", "lista"):
                page = await browser.get(f"/agenda?vista={view}&dia={row['day']}")
                assert "Un calendario de afuera no coincide" in page.text, (role, view)
                assert "Choca con otro calendario" in page.text, (role, view)
            solving = await browser.get(page.link("/calendarios#choques"))
            assert "Para resolver" in solving.text, role
            assert "choques" in solving.ids
        other = await browser.get("/agenda?vista=dia&dia=2030-01-01")
        assert "no coincide" not in other.text
        done = await browser.send(solving, solving.form("/conflicto/"), decision="kept")
        assert done.status == 200
        page = await browser.get(f"/agenda?vista=dia&dia={row['day']}")
        assert "no coincide" not in page.text

    a_client(settings)
    use(settings, steps)


def a_client(settings: Settings) -> None:
    """Somebody who can be booked."""
    with psycopg.connect(settings.secrets.database_url) as connection:
        connection.execute("INSERT INTO client (name) VALUES ('Ana')")
