"""Loyalty from the owner's settings to the till: cards and levels set up, earned, seen, spent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_web import Browser, HtmlForm, Page, deployment, use

from barberpro_app.identity.repository import Subject
from barberpro_app.loyalty import jobs
from barberpro_app.settings import Settings

SERVICES = ["api-gateway", "booking", "provider", "client", "catalog", "payment", "notification",
            "loyalty-program-service"]  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server, services=SERVICES) as found:
        yield found


def query(settings: Settings, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return list(cursor.fetchall()) if cursor.description else []


def booking(settings: Settings, client: UUID, hours: int, status: str = "confirmed") -> UUID:
    """A booking so many hours ago."""
    made: UUID = query(
        settings,
        "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        " starts_at, ends_at, zone, price_centavos) SELECT new_booking_code(), %s, %s,"
        " p.id, s.id, l.id, now() - make_interval(hours => %s),"
        " now() - make_interval(hours => %s) + interval '30 min', l.zone, 1200000"
        " FROM provider p, service s, location l LIMIT 1 RETURNING id",
        status, client, hours, hours,
    )[0][0]  # fmt: skip
    return made


def main_form(page: Page) -> HtmlForm:
    """The one that is sent to the page itself."""
    return next(form for form in page.forms if form.action == "")


def balanced(settings: Settings) -> bool:
    return query(settings, "SELECT coalesce(sum(amount), 0)::int FROM ledger_line") == [(0,)]


async def member(application: FastAPI, settings: Settings, role: str) -> Browser:
    provider = query(settings, "SELECT id FROM provider")[0][0] if role == "provider" else None
    key = query(
        settings,
        "INSERT INTO staff_user (email, name, role, provider_id) VALUES (%s, %s, %s, %s)"
        " RETURNING id", f"{uuid4().hex[:8]}@example.com", role, role, provider,
    )[0][0]  # fmt: skip
    browser = Browser(application)
    await browser.sign_in(application, Subject(staff_id=key))
    return browser


def test_from_the_rules_to_the_till(settings: Settings) -> None:
    client = query(settings, "INSERT INTO client (name, email) VALUES ('Ana <i>Paz</i>',"
                   " 'ana@example.com') RETURNING id")[0][0]  # fmt: skip
    first, second, third = (booking(settings, client, hours) for hours in (3, 2, 1))

    async def steps(application: FastAPI) -> None:
        owner = await member(application, settings, "owner")
        start = await owner.get("/ajustes/marca")
        empty = await owner.get(start.link("/ajustes/premios"))
        form = await owner.get(empty.link("/premios/nueva"))
        bad = await owner.send(form, main_form(form), nombre="", sellos="0", descuento="101",
                               como="amount", monto="")  # fmt: skip
        assert bad.status == 422
        assert {"nombre-error", "sellos-error", "descuento-error", "monto-error"} <= set(bad.ids)
        made = await owner.send(form, main_form(form), nombre="Tres <b>cortes</b>", como="amount",
                                monto="6.000", sellos="5", descuento="50")  # fmt: skip
        assert "5 sellos: 50 % de descuento" in made.text
        assert "un sello cada $\xa06.000" in made.text.replace("$ 6.000", "$\xa06.000")
        assert "<b>cortes" not in made.html
        form = await owner.get(made.link("/niveles/nuevo"))
        made = await owner.send(form, main_form(form), nombre="Oro", visitas="2", sellos="2")
        assert "Desde 2 visitas en un año" in made.text
        twice = await owner.send(form, main_form(form), nombre="Plata", visitas="2", sellos="3")
        assert twice.status == 409

        desk = await member(application, settings, "reception")
        page = await desk.get(f"/agenda/reserva/{third}")
        assert "0 de 5 sellos" in page.text
        assert "Usar el premio" not in page.text
        for done in (first, second):  # 12.000 at 6.000 a stamp: 2, then twice 2 with the level
            seen = await desk.get(f"/agenda/reserva/{done}")
            await desk.send(seen, seen.form("/estado"), estado="completed")
        own = Browser(application)
        await own.sign_in(application, Subject(client_id=client))
        mine = await own.get((await own.get("/mis-reservas")).link("/mis-premios"))
        assert "6 de 5 sellos Premio listo" in mine.text
        assert "Nivel Oro" in mine.text
        assert "vence el" in mine.text

        barber = await member(application, settings, "provider")
        assert "Usar el premio" not in (await barber.get(f"/agenda/reserva/{third}")).text
        page = await desk.get(f"/agenda/reserva/{third}")
        rule = page.form("/premio").values["regla"][0]
        forged = await barber.send(page, page.form("/premio"))
        assert forged.status == 403
        used = await desk.send(page, page.form("/premio"))
        assert "Premio aplicado" in used.text
        assert "$\xa06.000" in used.html
        again = await desk.send(page, page.form("/premio"))
        assert again.status == 409
        assert "se usa una vez" in again.text
        mine = await own.get("/mis-premios")
        assert "1 de 5 sellos" in mine.text
        assert "Premios usados" in mine.text

        page = await desk.get(f"/agenda/reserva/{third}")
        short = await desk.send(page, page.form("/sello"), motivo_sello="x")
        assert short.status == 422
        given = await desk.send(page, page.form("/sello"), motivo_sello="Vino sin turno")
        assert "Sello dado" in given.text
        assert "2 de 5 sellos" in given.text
        back = await desk.send(given, given.form("/quitar"))
        assert "Sello quitado" in back.text
        assert "1 de 5 sellos" in back.text
        assert "Sellos dados a mano" not in back.text
        twice = await desk.send(given, given.form("/quitar"))
        assert "1 de 5 sellos" in twice.text
        strange = given.form("/quitar").action.replace("/quitar", "")[:-36] + f"{uuid4()}/quitar"
        token = {"form_token": page.form("/sello").values["form_token"]}
        assert (await desk.post(strange, **token)).status == 404
        assert (await barber.send(given, given.form("/quitar"))).status == 403
        given = await desk.send(page, page.form("/sello"), motivo_sello="Vino sin turno")
        assert "2 de 5 sellos" in given.text
        query(settings, "UPDATE loyalty_stamp SET expires_at = now() WHERE booking_id IS NULL")
        assert "1 de 5 sellos" in (await own.get("/mis-premios")).text
        assert await jobs.run(application.state.database) == 1
        over = await desk.send(given, given.form("/quitar"))
        assert over.status == 409
        assert "ya se usó o venció" in over.text
        for body in ({"regla": "x"}, {"regla": str(uuid4())}, {}):
            token = {"form_token": page.form("/sello").values["form_token"]}
            answer = await desk.post(f"/agenda/reserva/{third}/premio", **token, **body)
            assert answer.status in {404, 409}, body
        listed = await owner.get("/ajustes/premios")
        ended = await owner.send(listed, listed.form(f"/{rule}/estado"))
        assert "Terminada" in ended.text
        gone = await owner.send(ended, ended.form("/quitar"))
        assert "Oro" not in gone.text
        assert (await desk.get("/ajustes/premios/nueva")).status == 403

    use(settings, steps)
    assert balanced(settings)
    assert query(settings, "SELECT price_centavos FROM booking WHERE id = %s", third) == [(600000,)]


def test_a_reward_is_never_more_than_what_is_left_to_pay(settings: Settings) -> None:
    client = query(settings, "INSERT INTO client (name) VALUES ('Ana') RETURNING id")[0][0]
    done, paid = booking(settings, client, 2), booking(settings, client, 1)
    query(settings, "INSERT INTO loyalty_rule (name, stamps, percent, valid_days)"
          " VALUES ('T', 1, 100, 30)")  # fmt: skip
    query(settings, "UPDATE booking SET status = 'completed' WHERE id = %s", done)

    async def steps(application: FastAPI) -> None:
        desk = await member(application, settings, "reception")
        page = await desk.get(f"/agenda/reserva/{paid}")
        part = await desk.send(page, page.form("/pago"), medio="cash", importe="5.000")
        used = await desk.send(part, part.form("/premio"))
        assert "Premio aplicado" in used.text

    use(settings, steps)
    assert query(settings, "SELECT discount_centavos FROM loyalty_reward") == [(700000,)]
    assert query(settings, "SELECT price_centavos FROM booking WHERE id = %s", paid) == [(500000,)]
    assert balanced(settings)
