"""The pages of clients, as reception, a provider, the owner and a stranger see them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_team import query, signed_in
from support_web import Browser, HtmlForm, Page, deployment, first_slot, use

from barberpro_app.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server) as found:
        yield found


def client(
    settings: Settings, name: str, email: str | None = None, phone: str | None = None
) -> UUID:
    key: UUID = query(
        settings, "INSERT INTO client (name, email, phone) VALUES (%s, %s, %s) RETURNING id",
        name, email, phone,
    )[0][0]  # fmt: skip
    return key


def writing(page: Page) -> HtmlForm:
    """The form of a new note."""
    return next(form for form in page.forms if form.action.endswith("/notas"))


async def book(browser: Browser, email: str) -> str:
    """The text of the page after a visitor's booking."""
    page = await browser.get((await browser.get("/")).link("/reservar"))
    page = await browser.send(page, page.form("/reservar"), inicio=first_slot(page))
    form = next(form for form in page.forms if "nombre" in form.values)
    return (await browser.send(page, form, nombre="José Núñez", email=email)).text


def test_reception_finds_adds_and_edits(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        desk = await signed_in(application, settings, "reception")
        page = await desk.get("/clientes")
        assert "Todavía no hay nadie" in page.text
        page = await desk.get("/clientes/nuevo")
        page = await desk.send(page, page.forms[-1], nombre="", telefono="no")
        assert page.status == 422
        page = await desk.send(
            page, page.forms[-1], nombre="José <b>Núñez</b>", telefono="011 15 2345-6789",
            email="jose@c.example", etiquetas="frecuente, Frecuente, VIP",
        )  # fmt: skip
        assert "José <b>Núñez</b>" in page.headings[0]
        assert page.inline == []
        assert query(settings, "SELECT tags FROM client") == [(["frecuente", "VIP"],)]
        for text in ("nunez", "JOSE@C", "2345 6789", "+54 9 11 2345-6789", "núñ jos"):
            found = await desk.client.get("/clientes", params={"q": text})
            assert "jose@c.example" in found.text, text
        assert "No encontramos" in (await desk.get("/clientes?q=zzzz")).text
        page = await desk.get(page.link("/editar"))
        page = await desk.send(page, page.forms[-1], nombre="José Núñez", email="")
        assert "Guardado" in page.text
        assert query(settings, "SELECT name, email FROM client") == [("José Núñez", None)]
        assert (await desk.get("/clientes/exportar.csv")).status == 403

    use(settings, steps)


def test_notes_are_for_whom_they_were_written(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        key = client(settings, "Ana")
        owner = await signed_in(application, settings)
        provider = await signed_in(application, settings, "provider")
        desk = await signed_in(application, settings, "reception")
        assert (await provider.get(f"/clientes/{key}")).status == 404  # not theirs
        query(
            settings,
            "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
            " starts_at, ends_at, zone, price_centavos) SELECT new_booking_code(), 'completed', %s,"
            " (SELECT provider_id FROM staff_user WHERE role = 'provider' LIMIT 1),"
            " (SELECT id FROM service LIMIT 1), (SELECT id FROM location LIMIT 1),"
            " now() - interval '2 h', now() - interval '1 h', 'UTC', 1", key,
        )  # fmt: skip
        for who, text, readers in (
            (owner, "Nota de dirección", "management"), (desk, "Nota de mostrador", "desk"),
            (provider, "Nota privada", "author"), (provider, "Nota de todos", "everybody"),
        ):  # fmt: skip
            page = await who.get(f"/clientes/{key}")
            page = await who.send(page, writing(page), nota=text, lectores=readers)
            assert text in page.text
        seen = {
            name: {
                text
                for text in ("dirección", "mostrador", "privada", "todos")
                if f"Nota de {text}" in (await who.get(f"/clientes/{key}")).text
                or f"Nota {text}" in (await who.get(f"/clientes/{key}")).text
            }
            for name, who in (("owner", owner), ("provider", provider), ("desk", desk))
        }
        assert seen == {
            "owner": {"dirección", "mostrador", "todos"},
            "provider": {"privada", "todos"},
            "desk": {"mostrador", "todos"},
        }
        page = await desk.get(f"/clientes/{key}")
        refused = await desk.send(page, writing(page), nota="x", lectores="management")
        assert refused.status == 422
        page = await owner.get(f"/clientes/{key}")
        page = await owner.send(page, page.form("/quitar"))
        assert "Nota quitada" in page.text

    use(settings, steps)


def test_who_is_blocked_is_asked_to_get_in_touch(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        key = client(settings, "José Núñez", "jose@c.example")
        desk = await signed_in(application, settings, "reception")
        page = await desk.get(f"/clientes/{key}")
        page = await desk.send(page, page.form("/bloquear"), motivo="Insultó a Marta")
        assert "Insultó a Marta" in page.text
        refused = await book(Browser(application), "jose@c.example")
        assert "Comunicate con nosotros" in refused
        assert "Insultó" not in refused
        assert query(settings, "SELECT 1 FROM booking WHERE client_id IS NOT NULL") == []
        page = await desk.send(page, page.form("/desbloquear"))
        assert "puede reservar de nuevo" in page.text
        assert "Comunicate con nosotros" not in await book(Browser(application), "jose@c.example")

    use(settings, steps)


def test_the_profile_shows_what_there_was(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        await book(Browser(application), "jose@c.example")
        key, booking = query(settings, "SELECT client_id, id FROM booking")[0]
        owner = await signed_in(application, settings)
        page = await owner.get(f"/agenda/reserva/{booking}")
        page = await owner.get(page.link(f"/clientes/{key}"))
        assert page.link(f"/agenda/reserva/{booking}")
        assert "Confirmación" in page.text
        file = await owner.client.get(f"/clientes/{key}/exportar")
        assert file.json()["data"]["client"][0]["email"] == "jose@c.example"
        query(settings, "UPDATE client SET name = '=HYPERLINK(1)', phone = '+541'")
        table = (await owner.client.get("/clientes/exportar.csv")).text
        assert "'=HYPERLINK(1);jose@c.example;'+541" in table
        stranger = Browser(application)
        for path in ("", f"/{key}", f"/{key}/editar", "/repetidos", f"/{key}/exportar"):
            assert (await stranger.get(f"/clientes{path}")).path.startswith("/entrar")

    use(settings, steps)


def test_two_records_are_compared_and_joined(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        one = client(settings, "José Núñez", "jose@c.example", "+5491123456789")
        other = client(settings, "Jose Nuñez", "pepe@c.example", "+5491123456789")
        desk = await signed_in(application, settings, "reception")
        assert "¿Es la misma persona?" in (await desk.get(f"/clientes/{one}")).text
        page = await desk.get("/clientes/repetidos")
        page = await desk.get(page.link("/unir?con="))
        form = page.form("/unir")
        refused = await desk.send(page, form)
        assert refused.status == 422
        assert "Marcá que es la misma persona" in refused.text
        page = await desk.send(page, form, seguro="1", email="gone", nombre="kept")
        assert "quedó una sola ficha" in page.text
        kept, gone = (one, other) if str(one) in page.path else (other, one)
        assert (await desk.get(f"/clientes/{gone}")).path == f"/clientes/{kept}"
        assert query(settings, "SELECT count(*) FROM client WHERE merged_into IS NULL") == [(1,)]
        assert "No encontramos repetidos" in (await desk.get("/clientes/repetidos")).text

    use(settings, steps)


def test_two_people_are_not_suggested_again(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        for name in ("Ana Paz", "Ana Páz"):
            client(settings, name)
        desk = await signed_in(application, settings, "reception")
        page = await desk.get("/clientes/repetidos")
        page = await desk.send(page, page.form("/distintos"))
        assert "No encontramos repetidos" in page.text

    use(settings, steps)
