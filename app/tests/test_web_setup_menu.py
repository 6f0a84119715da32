"""The settings' menu, and services in categories with their deposits on the first page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from support_postgres import TestServer
from support_team import query, signed_in
from support_web import Browser, deployment, use

from barberpro_app.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    services = ("payment", "provider-verification-service", "class-management-service")
    with deployment(tmp_path, postgres_server, services=services) as found:
        yield found


def test_every_page_of_the_menu_is_there(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings, "owner")
        start = await owner.get("/ajustes")
        assert start.status == 200
        addresses = {link for link in start.links if link.startswith(("/ajustes/", "/matri"))}
        assert {"/ajustes/marca", "/ajustes/api", "/ajustes/clases", "/matriculas"} <= addresses
        for address in sorted(addresses):
            page = await owner.get(address)
            assert page.status == 200, address
            assert page.html.count('aria-current="page"') == 1, address
            assert page.link("/ajustes") == "/ajustes", address

    use(settings, steps)


def test_the_menu_shows_what_one_may_see(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        manager = await signed_in(application, settings, "manager")
        links = (await manager.get("/ajustes")).links
        assert "/ajustes/auditoria" in links
        assert "/ajustes/api" not in links
        assert "/calendarios" not in links  # that service is not enabled
        reception = await signed_in(application, settings, "reception")
        assert (await reception.get("/ajustes")).status == 403

    use(settings, steps)


def another_service(settings: Settings) -> None:
    query(
        settings,
        "WITH made AS (INSERT INTO service (key, name, minutes, price_centavos, sort) VALUES"
        " ('other', '{\"es-AR\": \"Otro\"}', 30, 100, 9) RETURNING id)"
        " INSERT INTO provider_service (provider_id, service_id)"
        " SELECT p.id, made.id FROM provider p, made",
    )


def test_services_are_shown_by_category(settings: Settings) -> None:
    another_service(settings)

    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings, "owner")
        assert "Más servicios" not in (await owner.get("/")).text
        page = await owner.get("/ajustes/servicios")
        form = await owner.get(page.link("/ajustes/servicios/0"))
        values = {"categoria_es": "<b>Color</b>", "categoria_en": "Colour"}
        saved = await owner.send(form, form.forms[-1], **values)
        assert saved.status == 200
        home = await owner.get("/")
        assert "&lt;b&gt;Color&lt;/b&gt;" in home.html
        assert "Más servicios" in home.text
        owner.client.headers["accept-language"] = "en"
        assert "Colour" in (await owner.get("/")).text
        again = await owner.get(page.link("/ajustes/servicios/0"))
        long = await owner.send(again, again.forms[-1], categoria_es="x" * 61)
        assert long.status == 422
        none = await owner.send(again, again.forms[-1], categoria_es="", categoria_en="")
        assert none.status == 200
        assert "Colour" not in (await owner.get("/")).text

    use(settings, steps)


def test_the_first_page_names_the_deposit(settings: Settings) -> None:
    another_service(settings)
    first, price = query(settings, "SELECT id, price_centavos FROM service ORDER BY sort, key")[0]
    query(
        settings,
        "INSERT INTO deposit_rule (service_id, applies, kind, percent) VALUES (%s, 'always',"
        " 'percent', 30)",
        first,
    )

    async def steps(application: FastAPI) -> None:
        visitor = Browser(application)
        amount = f"{price * 30 // 10_000:,}".replace(",", ".")
        page = await visitor.get("/")
        assert page.text.count("Seña") == 1
        assert f"Seña $\u00a0{amount}" in page.html
        query(settings, "UPDATE deposit_rule SET applies = 'new_client'")
        assert "Puede pedir seña" in (await visitor.get("/")).text

    use(settings, steps)
