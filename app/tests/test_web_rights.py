"""What the law gives every client, in any kind of business: see, take away, correct, erase, end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_web import Browser, deployment, use

from barberpro_app.identity.repository import Subject
from barberpro_app.settings import Settings

SERVICES = ["api-gateway", "booking", "provider", "client", "catalog", "payment", "notification",
            "loyalty-program-service", "portfolio-service"]  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server, services=SERVICES) as found:
        yield found


def query(settings: Settings, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return list(cursor.fetchall()) if cursor.description else []


def a_client(settings: Settings, email: str = "ana@example.com") -> UUID:
    """A client with a booking of yesterday."""
    key = query(
        settings,
        "INSERT INTO client (name, email, phone, note) VALUES ('Ana Paz', %s, '+541123456789',"
        " 'rulos') RETURNING id", email,
    )[0][0]  # fmt: skip
    query(
        settings,
        "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        " starts_at, ends_at, zone, price_centavos) SELECT new_booking_code(), 'completed', %s,"
        " p.id, s.id, l.id, now() - interval '1 day', now() - interval '23 h', l.zone, 1200000"
        " FROM provider p, service s, location l LIMIT 1", key,
    )  # fmt: skip
    assert isinstance(key, UUID)
    return key


async def signed_in(application: FastAPI, client: UUID) -> Browser:
    browser = Browser(application)
    await browser.sign_in(application, Subject(client_id=client))
    return browser


def test_data_are_seen_corrected_and_taken_away(settings: Settings) -> None:
    client = a_client(settings)

    async def steps(application: FastAPI) -> None:
        own = await signed_in(application, client)
        mine = await own.get("/mis-reservas")
        page = await own.get(mine.link("/mis-datos"))
        assert page.status == 200
        wrong = await own.send(page, page.form("/corregir"), nombre="", telefono="nada")
        assert wrong.status == 422
        assert {"nombre-error", "telefono-error"} <= set(wrong.ids)
        saved = await own.send(page, page.form("/corregir"), nombre="Ana <b>Paz</b> Gil")
        assert "Datos corregidos" in saved.text
        stale = await own.send(page, page.form("/corregir"), nombre="Otra")
        assert stale.status == 409
        everything = await own.get("/mis-datos/ver")
        assert "Ana <b>Paz</b> Gil" in everything.text
        assert "<b>Paz</b>" not in everything.html
        assert "rulos" in everything.text
        assert "$\xa012.000" in everything.text or "$ 12.000" in everything.text
        data = (await own.get("/mis-datos/descargar")).response.json()
        assert data["data"]["booking"][0]["status"] == "completed"
        nobody = Browser(application)
        for path in ("/mis-datos", "/mis-datos/ver", "/mis-datos/descargar"):
            assert "/entrar" in (await nobody.get(path)).path

    use(settings, steps)


def test_a_client_erases_the_own_data_at_once(settings: Settings) -> None:
    client = a_client(settings)
    rule = query(
        settings,
        "INSERT INTO loyalty_rule (name, stamps, percent, valid_days) VALUES ('T', 2, 50, 30)"
        " RETURNING id",
    )[0][0]
    query(settings, "SELECT loyalty_give('{\"kind\": \"staff\", \"id\": \"\", \"name\": \"\","
          " \"request_id\": \"\"}', %s, %s, 'UTC', 'x')", rule, client)  # fmt: skip

    async def steps(application: FastAPI) -> None:
        own = await signed_in(application, client)
        page = await own.get("/mis-datos")
        unsure = await own.send(page, page.form("/borrar"))
        assert unsure.status == 422
        query(settings, "UPDATE booking SET status = 'confirmed', starts_at = now() + '1 h',"
              " ends_at = now() + '2 h' WHERE client_id = %s", client)  # fmt: skip
        coming = await own.send(page, page.form("/borrar"), seguro="1")
        assert coming.status == 409
        assert query(settings, "SELECT name FROM client WHERE id = %s", client) == [("Ana Paz",)]
        query(settings, "UPDATE booking SET status = 'completed', starts_at = now() - interval '9 h',"
              " ends_at = now() - interval '8 h' WHERE client_id = %s", client)  # fmt: skip
        done = await own.send(page, page.form("/borrar"), seguro="1")
        assert "Tus datos se borraron" in done.text
        assert "Sellos: borrado" in done.text
        assert "/entrar" in (await own.get("/mis-datos")).path

    use(settings, steps)
    assert query(settings, "SELECT name, email, phone, note FROM client WHERE id = %s", client) == [
        ("—", None, None, "")
    ]
    assert query(settings, "SELECT kind, state FROM data_request") == [("erasure", "done")]
    assert query(settings, "SELECT state FROM loyalty_stamp WHERE booking_id IS NULL") == [
        ("taken_back",)
    ]
    assert query(settings, "SELECT coalesce(sum(amount), 0)::int FROM ledger_line") == [(0,)]


def test_the_owner_sees_requests_of_any_business(settings: Settings) -> None:
    client = a_client(settings)

    async def steps(application: FastAPI) -> None:
        own = await signed_in(application, client)
        page = await own.get("/mis-datos")
        await own.send(page, page.form("/pedido"), que="rectification", detalle="Mi correo es otro")
        key = query(settings, "SELECT id FROM staff_user WHERE role = 'owner'")[0][0]
        owner = Browser(application)
        await owner.sign_in(application, Subject(staff_id=key))
        work = await owner.get("/ajustes/datos-personales")
        assert "Mi correo es otro" in work.text
        done = await owner.send(work, work.form("/datos-personales/"), respuesta="done")
        assert done.status == 200

    use(settings, steps)
    assert query(settings, "SELECT state FROM data_request") == [("done",)]


def member(settings: Settings, client: UUID) -> UUID:
    """A paid membership of thirty days."""
    plan = query(
        settings,
        "INSERT INTO plan (name, kind, credits, days, price_centavos) VALUES ('Mensual',"
        " 'membership', 4, 30, 100) RETURNING id",
    )[0][0]
    query(
        settings,
        "SELECT pass_sell('{\"kind\": \"staff\", \"id\": \"\", \"name\": \"\", \"staff\": true,"
        " \"request_id\": \"\"}', '{}', jsonb_build_object('plan_id', %s::uuid, 'client_id',"
        " %s::uuid, 'method', 'cash'), 'ARS', 30, NULL)", plan, client,
    )  # fmt: skip
    key = query(settings, "SELECT id FROM pass")[0][0]
    assert isinstance(key, UUID)
    return key


def test_a_membership_is_ended_online_with_a_code_at_once(settings: Settings) -> None:
    client, other = a_client(settings), a_client(settings, "otra@example.com")
    key = member(settings, client)

    async def steps(application: FastAPI) -> None:
        stranger = await signed_in(application, other)
        assert (await stranger.get(f"/mis-abonos/{key}/baja")).status == 404
        own = await signed_in(application, client)
        home = await own.get("/")
        button = await own.get(home.link("/baja"))
        page = await own.get(button.link("/mis-abonos"))
        ask = await own.get(page.link("/baja"))
        assert "hasta el" in ask.text
        done = await own.send(ask, ask.forms[-1])
        code = done.path.rsplit("/", 1)[1]
        assert code.startswith("B")
        assert code in done.text
        again = await own.send(ask, ask.forms[-1])
        assert again.path == done.path
        assert "Dada de baja" in (await own.get("/mis-abonos")).text
        assert query(
            settings, "SELECT code, kind, answered_at IS NOT NULL FROM withdrawal_request"
        ) == [(code, "cancellation", True)]

    use(settings, steps)
    assert query(
        settings, "SELECT kind, recipient FROM message WHERE kind LIKE 'ending%%' ORDER BY 1"
    ) == [
        ("ending_received", "ana@example.com"),
        ("ending_to_answer", "hola@barbershop-test.localhost"),
    ]
    plan = query(settings, "SELECT plan_id FROM pass")[0][0]
    with pytest.raises(psycopg.DatabaseError, match="membership_ended"):
        query(settings, "INSERT INTO purchase (plan_id, pass_id, client_id) VALUES (%s, %s, %s)",
              plan, key, client)  # fmt: skip


def test_who_has_no_account_asks_to_end_a_service(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        browser = Browser(application)
        page = await browser.get("/baja")
        empty = await browser.send(page, page.forms[-1])
        assert empty.status == 422
        done = await browser.send(
            page, page.forms[-1], nombre="Eva", email="eva@example.com", detalle="La membresía"
        )
        assert done.path.startswith("/baja/B")

    use(settings, steps)
    assert query(settings, "SELECT kind, answered_at FROM withdrawal_request") == [
        ("cancellation", None)
    ]
