"""The pages of messages in a real browser: a client agrees to WhatsApp, the owner sets reminders."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize
from support_axe import SCREENS_OF_WAYS, check
from support_browser import DESKTOP, PHONE, ServedVertical, book, served
from support_postgres import TestServer
from support_whatsapp import SECRETS


@pytest.fixture(scope="module")
def deployed(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer, chromium: Browser
) -> Iterator[ServedVertical]:
    assert chromium.is_connected()
    folder = tmp_path_factory.mktemp("messages")
    services = ("whatsapp-webhook", "integration-processor")
    with served("barbershop", folder, postgres_server, *services) as running:
        for name, value in SECRETS.items():
            (folder / "secrets" / name).write_text(value)
        running.rows(
            "INSERT INTO whatsapp_usage (day, category, country, billable) VALUES"
            " ('2026-10-05', 'utility', 'AR', 120), ('2026-11-05', 'utility', 'AR', 87)"
        )
        yield running


@pytest.fixture(params=SCREENS_OF_WAYS)
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    size = PHONE if request.param == "phone" else DESKTOP
    context = chromium.new_context(
        viewport=ViewportSize(width=size["width"], height=size["height"]),
        locale="es-AR", bypass_csp=True,
    )  # fmt: skip
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    yield opened
    context.close()


def _screen(page: Page) -> str:
    size = page.viewport_size
    return "phone" if size and size["width"] == PHONE["width"] else "desktop"


def test_the_owner_sets_reminders(page: Page, deployed: ServedVertical) -> None:
    page.goto(deployed.owner_link())
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url("**/agenda**")
    page.goto(deployed.url + "/ajustes/recordatorios")
    check(page, f"m1-reminders-{_screen(page)}")
    page.get_by_role("link", name="Agregar recordatorio").click()
    check(page, f"m2-reminder-new-{_screen(page)}")
    page.get_by_label("Cuántas horas antes").fill("3" if _screen(page) == "phone" else "4")
    page.get_by_label("Qué").select_option(label="preguntar si viene")
    page.get_by_role("button", name="Guardar").click()
    page.get_by_text("h antes: preguntar si viene").first.wait_for()
    page.get_by_label("Avisar por WhatsApp a quienes lo aceptaron").check()
    page.get_by_label("Desde").fill("21:30")
    page.get_by_role("button", name="Guardar").click()
    page.wait_for_url("**/recordatorios?hecho=1")
    assert page.get_by_label("Avisar por WhatsApp a quienes lo aceptaron").is_checked()
    check(page, f"m3-reminders-saved-{_screen(page)}")


def test_a_client_agrees_to_whatsapp(page: Page, deployed: ServedVertical) -> None:
    email = f"m-{_screen(page)}@example.com"
    book(page, deployed.url, name="Ana María Pérez", email=email, days_ahead=12)
    key = deployed.rows("SELECT id FROM client WHERE email = %s", email)[0][0]
    token = secrets.token_urlsafe(32)
    deployed.rows(
        "INSERT INTO sign_in_link (token_hash, client_id, next_path, expires_at)"
        " VALUES (%s, %s, '/mis-reservas', now() + interval '5 min')",
        hashlib.sha256(token.encode()).digest(), key,
    )  # fmt: skip
    page.goto(f"{deployed.url}/sign-in/{token}")
    page.get_by_role("button", name="Entrar").click()
    page.get_by_role("link", name="Mis avisos").click()
    page.get_by_label("Quiero recibir por WhatsApp").check()
    page.get_by_role("button", name="Guardar").click()
    page.locator("#telefono-error").wait_for()
    check(page, f"m4-notices-wrong-{_screen(page)}")
    page.get_by_label("Celular con WhatsApp").fill("11 2345-6789")
    page.get_by_role("button", name="Guardar").click()
    page.wait_for_url("**/mis-avisos?hecho=1")
    check(page, f"m5-notices-{_screen(page)}")
    found = deployed.rows("SELECT address, agreed FROM contact_channel WHERE client_id = %s", key)
    assert found == [("5491123456789", True)]
