"""The team's pages: the agenda, a booking for who calls, and the owner's settings."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_web import Browser, Page, deployment, use

from barberpro_app.identity.repository import Subject
from barberpro_app.settings import Settings

TOMORROW = datetime.now(UTC).date() + timedelta(days=2)


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server) as found:
        yield found


def query(settings: Settings, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return list(cursor.fetchall()) if cursor.description else []


async def signed_in(application: FastAPI, settings: Settings, role: str = "owner") -> Browser:
    """A browser of a member of the team; who is not there yet is added."""
    query(
        settings,
        "INSERT INTO staff_user (email, name, role, provider_id) SELECT %s, %s, %s,"
        " CASE WHEN %s = 'provider' THEN (SELECT id FROM provider LIMIT 1) END"
        " ON CONFLICT (email) DO NOTHING",
        f"{role}@example.com", role.title(), role, role,
    )  # fmt: skip
    user = query(settings, "SELECT id FROM staff_user WHERE email = %s", f"{role}@example.com")
    browser = Browser(application)
    page = await browser.sign_in(application, Subject(staff_id=user[0][0]))
    assert page.path == "/agenda/hoy"
    return browser


async def add(browser: Browser, day: date = TOMORROW, **values: str) -> Page:
    """A booking by the team at the first free hour."""
    page = await browser.get(f"/agenda/nuevo?dia={day}")
    form = page.form("/agenda/nuevo")
    hours = re.findall(r'type="radio" name="inicio" value="([^"]+)"', page.html)
    filled = {"inicio": hours[0], "nombre": "Carla Sosa", "telefono": "11 2345 6789", **values}
    return await browser.send(page, form, **filled)


def test_reception_books_and_the_day_shows_it(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        desk = await signed_in(application, settings, "reception")
        made = await add(desk)
        assert made.path.startswith("/agenda/reserva/")
        assert made.headings == ["Carla Sosa"]
        day = await desk.get(f"/agenda?dia={TOMORROW}")
        assert "Carla Sosa" in day.text
        assert "1 turno" in day.text
        arrived = await desk.send(day, day.form("/estado"), estado="arrived")
        assert "Guardado" in arrived.text
        assert 'class="tag arrived"' in arrived.html
        stale = await desk.send(day, day.form("/estado"), estado="completed")
        assert stale.status == 409
        assert "Alguien cambió esto" in stale.text
        assert (await desk.get("/ajustes/marca")).status == 403

    use(settings, steps)


def test_an_hour_outside_the_offer_needs_a_reason_and_never_overlaps(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        desk = await signed_in(application, settings, "manager")
        none = await add(desk, hora="21:30")
        assert none.status == 422
        assert "hace falta un motivo" in none.text
        assert 'value="Carla Sosa"' in none.html
        made = await add(desk, hora="21:30", razon="Vecino")
        assert made.path.startswith("/agenda/reserva/")
        again = await add(desk, hora="21:30", razon="Vecino", profesional="")
        assert again.status == 409

    use(settings, steps)


def test_the_team_moves_and_cancels(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        desk = await signed_in(application, settings)
        made = await add(desk)
        here = made.path.partition("?")[0]
        page = await desk.get(f"{here}/cambiar")
        hour = [value for form in page.forms for name, value in form.buttons if name == "inicio"]
        moved = await desk.send(page, page.form("/cambiar"), inicio=hour[-1])
        assert "Listo: cambiamos el turno" in moved.text
        nothing = await desk.send(moved, moved.form("/cancelar"), motivo="")
        assert nothing.status == 422
        gone = await desk.send(moved, moved.form("/cancelar"), motivo="Llamó")
        assert "El turno quedó cancelado" in gone.text
        changes = query(settings, "SELECT action FROM audit_event ORDER BY id DESC LIMIT 2")
        assert changes == [("booking.cancelled",), ("booking.rescheduled",)]

    use(settings, steps)


def test_a_blocked_time_is_not_offered_until_it_is_freed(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        desk = await signed_in(application, settings, "provider")
        page = await desk.get(f"/agenda?dia={TOMORROW}")
        form = page.form("/agenda/bloqueo")
        wrong = await desk.send(page, form, desde="12:00", hasta="11:00")
        assert wrong.status == 422
        blocked = await desk.send(page, form, desde="09:00", hasta="20:00", razon="Curso")
        assert "Bloqueamos ese horario" in blocked.text
        assert "Curso" in blocked.text
        new = await desk.get(f"/agenda/nuevo?dia={TOMORROW}")
        assert 'name="inicio"' not in new.html
        free = await desk.send(blocked, blocked.form("/quitar"))
        assert "volvió a estar libre" in free.text

    use(settings, steps)


def test_a_provider_sees_the_own_agenda_alone(settings: Settings) -> None:
    query(settings, "INSERT INTO provider (key, name) VALUES ('otra', 'Otra Persona')")

    async def steps(application: FastAPI) -> None:
        own = await signed_in(application, settings, "provider")
        page = await own.get("/agenda")
        assert "Martín" in page.text
        assert "Otra Persona" not in page.text
        other = query(settings, "SELECT id FROM provider WHERE key = 'otra'")[0][0]
        assert "Otra Persona" not in (await own.get(f"/agenda?profesional={other}")).text
        form = page.form("/agenda/bloqueo")
        refused = await own.send(
            page, form, bloqueo_profesional=str(other), bloqueo_dia=str(TOMORROW), desde="10:00",
            hasta="11:00",
        )  # fmt: skip
        assert refused.status in (403, 409)
        assert query(settings, "SELECT count(*) FROM time_off") == [(0,)]
        for path in ("/ajustes", "/ajustes/equipo", "/ajustes/api", "/ajustes/auditoria"):
            assert (await own.get(path)).status == 403

    use(settings, steps)


def test_a_provider_cannot_open_a_booking_of_somebody_else(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        desk = await signed_in(application, settings, "reception")
        here = (await add(desk)).path.partition("?")[0]
        query(settings, "INSERT INTO provider (key, name) VALUES ('otra', 'Otra Persona')")
        query(
            settings,
            "INSERT INTO staff_user (email, name, role, provider_id) SELECT"
            " 'provider@example.com', 'Otra', 'provider', id FROM provider WHERE key = 'otra'",
        )
        other = await signed_in(application, settings, "provider")
        for path in (here, f"{here}/cambiar"):
            assert (await other.get(path)).status == 404
        page = await other.get("/agenda")
        token = page.form("/salir").values["form_token"]
        for path, values in (("/estado", {"estado": "no_show"}), ("/cancelar", {"motivo": "x"})):
            assert (await other.post(here + path, form_token=token, **values)).status == 404
        assert query(settings, "SELECT status FROM booking") == [("confirmed",)]

    use(settings, steps)


def test_settings_are_changed_once_per_version(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings)
        rules = await owner.get("/ajustes/reglas")
        wrong = await owner.send(rules, rules.forms[-1], hold_minutes="0")
        assert wrong.status == 422
        saved = await owner.send(rules, rules.forms[-1], hold_minutes="7")
        assert "Guardado" in saved.text
        stale = await owner.send(rules, rules.forms[-1], hold_minutes="9")
        assert stale.status == 409
        assert 'value="9"' in stale.html

    use(settings, steps)


def test_services_places_and_people(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings)
        page = await owner.get("/ajustes/servicios/nuevo")
        wrong = await owner.send(page, page.forms[-1], nombre_es="", precio="mucho")
        assert wrong.status == 422
        assert 'value="mucho"' in wrong.html
        people = re.findall(r'name="profesionales" value="([^"]+)"', page.html)
        made = await owner.send(
            page, page.forms[-1], nombre_es="Afeitado", precio="12.345,50", profesionales=people
        )
        assert "Afeitado" in made.text
        assert "$ 12.345,50" in made.text
        shown = await Browser(application).get("/")
        assert "Afeitado" in shown.text

        page = await owner.get("/ajustes/sedes/nueva")
        assert "Norte" in (await owner.send(page, page.forms[-1], nombre="Norte")).text
        page = await owner.get("/ajustes/profesionales/nuevo")
        place = re.findall(r'name="sedes" value="([^"]+)"', page.html)[0]
        person = await owner.send(page, page.forms[-1], nombre="Nadia", sedes=place)
        assert person.headings == ["Nadia"]
        hours = person.form("/horario")
        wrong = await owner.send(person, hours, desde_1="18:00", hasta_1="09:00")
        assert wrong.status == 422
        set_ = await owner.send(
            person, hours, desde_1="09:00", hasta_1="18:00", pausa_desde_1="13:00",
            pausa_hasta_1="14:00",
        )  # fmt: skip
        assert 'value="13:00"' in set_.html
        away = await owner.send(
            set_, set_.form("/licencia"), licencia_desde="2027-01-04", licencia_hasta="2027-01-08",
            razon="Vacaciones",
        )  # fmt: skip
        assert "Vacaciones" in away.text

    use(settings, steps)


def test_holidays_are_opened_and_added(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings)
        page = await owner.get("/ajustes/feriados")
        assert "Navidad" in page.text
        christmas = f"{TOMORROW.year}-12-25"
        opened = await owner.send(
            page, page.forms[-1], dia=christmas, nombre="Navidad", estado="abierto"
        )
        assert "Abierto" in opened.text
        added = await owner.send(
            page, page.forms[-1], dia=str(TOMORROW), nombre="Mudanza", estado="cerrado"
        )
        assert "Mudanza" in added.text
        assert "Mudanza" in (await owner.get(f"/agenda?dia={TOMORROW}")).text

    use(settings, steps)


def test_staff_and_programs(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings)
        page = await owner.get("/ajustes/equipo/nueva")
        made = await owner.send(page, page.forms[-1], nombre="Rita", email="rita@example.com")
        assert "Rita" in made.text
        twice = await owner.send(page, page.forms[-1], nombre="Rita", email="rita@example.com")
        assert twice.status == 409
        assert "Ya hay una persona con ese correo" in twice.text
        page = await owner.get("/ajustes/api/nuevo")
        wrong = await owner.send(page, page.forms[-1], nombre="Mal Nombre")
        assert wrong.status == 422
        made = await owner.send(
            page, page.forms[-1], nombre="kiosco", permisos=["bookings:read", "nothing:else"]
        )
        assert "no se vuelve a mostrar" in made.text
        secret = re.findall(r'<dd class="code[^"]*">([^<]+)</dd>', made.html)[1]
        listed = await owner.get("/ajustes/api")
        assert "kiosco" in listed.text
        assert secret not in listed.html
        shown = await owner.get("/ajustes/api/kiosco")
        assert "kiosco" not in (await owner.send(shown, shown.form("/quitar"))).text

    use(settings, steps)


def test_the_audit_trail_names_who_did_it(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings)
        await add(owner)
        page = await owner.get("/ajustes/auditoria")
        assert "Confirmó un turno" in page.text
        assert "Carla" not in page.text

    use(settings, steps)
