"""Requests on the pages: the owner's rule, the client's request, the team's answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
        yield found


def filled(page: Page) -> HtmlForm:
    """The form of who books, not the one for more time."""
    return next(f for f in page.forms if "/datos/" in f.action and "extender" not in f.action)


async def ask(settings: Settings, browser: Browser, name: str = "Ana <b>Paz") -> str:
    """The token of a request by a visitor."""
    service, place = query(
        settings,
        "SELECT service_id, location_id FROM provider_service JOIN provider_location"
        " USING (provider_id) LIMIT 1",
    )[0]
    page = await browser.get(f"/reservar?servicio={service}&sede={place}&dia={DAY}")
    details = await browser.send(page, page.form("/reservar"), inicio=first_slot(page))
    assert "Pedir" in details.text
    done = await browser.send(details, filled(details), nombre=name, email="ana@ask.example")
    assert done.path.startswith("/reserva/"), done.text
    assert "Recibimos tu pedido" in done.text
    return token_of(done.path)


def test_the_owner_s_rule_makes_requests_and_the_desk_answers(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, settings)
        page = await owner.get("/ajustes/aprobacion/nueva")
        wrong = await owner.send(page, page.forms[-1], quien="nadie", responder="0")
        assert wrong.status == 422
        done = await owner.send(page, page.forms[-1], quien="always", sena="after")
        assert "responder en 24 h" in done.text
        browser = Browser(application)
        first = await ask(settings, browser)
        desk = await signed_in(application, settings, "reception")
        listed = await desk.get("/agenda/pedidos")
        assert "Ana &lt;b&gt;Paz" in listed.html
        answered = await desk.send(listed, listed.form("/respuesta"), respuesta="si")
        assert answered.path.startswith("/agenda/pedidos")
        assert "No hay pedidos" in answered.text
        shown = await browser.get(f"/reserva/{first}")
        assert "Confirmado" in shown.text

        second = await ask(settings, browser, "Eva")
        key = query(settings, "SELECT id FROM booking WHERE status = 'requested'")[0][0]
        page = await desk.get(f"/agenda/reserva/{key}")
        silent = await desk.send(page, page.form("/respuesta"), respuesta="no")
        assert silent.status == 422
        await desk.send(page, page.form("/respuesta"), respuesta="no", motivo_no="Sin lugar")
        late = await desk.send(page, page.form("/respuesta"), respuesta="si")
        assert late.status == 409
        shown = await browser.get(f"/reserva/{second}")
        assert "Cancelado" in shown.text

        third = await ask(settings, browser, "Ema")
        page = await browser.get(f"/reserva/{third}/cancelar")
        await browser.send(page, page.form("/cancelar"))
        page = await owner.get("/ajustes/aprobacion")
        gone = await owner.send(page, page.form("/quitar"))
        assert "Nada espera" in gone.text
        states = query(settings, "SELECT status FROM booking ORDER BY created_at")
        assert states == [("confirmed",), ("cancelled",), ("cancelled",)]
        kinds = [
            row[0]
            for row in query(settings, "SELECT kind FROM message WHERE kind !~ '^team' ORDER BY id")
        ]
        assert kinds == ["booking_requested", "booking_confirmed", "booking_requested",
                         "booking_declined", "booking_requested", "booking_cancelled"]  # fmt: skip

    use(settings, steps)
