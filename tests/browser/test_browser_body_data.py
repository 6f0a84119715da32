"""Progress, activities and nutrition in a real Chromium: a person's way from consent to a signed plan,
and every page looked at by axe."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize
from support_activities import fit_file
from support_axe import SCREENS_OF_WAYS, check
from support_browser import DESKTOP, PHONE, ServedVertical, served
from support_postgres import TestServer

pytestmark = pytest.mark.xdist_group("browser")
SERVICES = ("biometric-integration-service", "progress-tracking-service", "nutrition-service")


@pytest.fixture(scope="module")
def gym(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer, chromium: Browser
) -> Iterator[ServedVertical]:
    """The owner is the nutritionist, and attends."""
    assert chromium.is_connected()
    folder: Path = tmp_path_factory.mktemp("gym")
    with served("fitness", folder, postgres_server, *SERVICES) as found:
        found.rows(
            "UPDATE staff_user SET provider_id = (SELECT id FROM provider ORDER BY sort LIMIT 1)"
        )
        yield found


@pytest.fixture(params=SCREENS_OF_WAYS)
def screen(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(chromium: Browser, screen: str) -> Iterator[Page]:
    size = PHONE if screen == "phone" else DESKTOP
    context = chromium.new_context(
        viewport=ViewportSize(width=size["width"], height=size["height"]),
        locale="es-AR",
        bypass_csp=True,
    )
    found = context.new_page()
    found.set_default_timeout(60_000)
    yield found
    context.close()


def a_client(gym: ServedVertical, name: str) -> Any:
    return gym.rows(
        "WITH c AS (INSERT INTO client (name, email) VALUES (%s, %s) RETURNING id)"
        " INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        "  starts_at, ends_at, zone, price_centavos)"
        " SELECT new_booking_code(), 'arrived', c.id, u.provider_id, s.id, l.id,"
        "  now() - interval '1 min', now() + interval '40 min', l.zone, 0"
        " FROM c, location l, service s, staff_user u LIMIT 1 RETURNING client_id",
        name, f"{secrets.token_hex(4)}@gym.example",
    )[0][0]  # fmt: skip


def sign_in(page: Page, gym: ServedVertical, client: Any = None) -> None:
    """The owner, who attends, or a client."""
    if client is None:
        page.goto(gym.owner_link())
    else:
        token = secrets.token_urlsafe(32)
        gym.rows(
            "INSERT INTO sign_in_link (token_hash, client_id, expires_at)"
            " VALUES (%s, %s, now() + interval '5 min')",
            hashlib.sha256(token.encode()).digest(), client,
        )  # fmt: skip
        page.goto(f"{gym.url}/sign-in/{token}")
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)


def agree(page: Page) -> None:
    """To the first text on the page."""
    form = page.locator("form", has=page.locator("input[name=proposito]")).first
    form.get_by_role("checkbox").check()
    form.get_by_label("nombre").fill("Ana Paz")
    form.get_by_role("button", name="Aceptar").click()
    page.get_by_text("Ya podés empezar").wait_for()


def test_the_pages_of_a_person(
    page: Page, gym: ServedVertical, screen: str, tmp_path: Path
) -> None:
    client = a_client(gym, "Ana Paz")
    sign_in(page, gym, client)
    page.goto(gym.url + "/mi-progreso")
    check(page, f"b-consent-{screen}")
    agree(page)
    gym.rows(
        "INSERT INTO measurement (client_id, kind, measured_on, value, written_by) SELECT %s,"
        " 'weight', current_date - 7 * n, 70 + n, 'client' FROM generate_series(1, 8) AS n",
        client,
    )
    page.goto(gym.url + "/mi-progreso")
    page.get_by_label("Valor").fill("69,5")
    page.get_by_role("button", name="Anotar").click()
    page.get_by_text("Guardado").wait_for()
    page.get_by_text("Poner un objetivo").click()
    page.get_by_label("A cuánto querés llegar").fill("65")
    page.get_by_label("Para cuándo").fill("2034-01-01")
    page.get_by_role("button", name="Poner objetivo").click()
    page.locator("progress").wait_for()
    check(page, f"b-progress-{screen}")
    page.get_by_label("Valor").fill("mucho")
    page.get_by_role("button", name="Anotar").click()
    page.locator("#problems").wait_for()
    check(page, f"b-problems-{screen}")
    page.goto(gym.url + "/mi-progreso/medida/weight")
    check(page, f"b-measure-{screen}")
    page.goto(gym.url + "/mi-progreso/actividades")
    agree(page)
    file = tmp_path / "run.fit"
    file.write_bytes(fit_file(datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)))
    page.set_input_files("#archivo", str(file))
    page.get_by_role("button", name="Importar").click()
    page.get_by_text("Se importó una actividad").wait_for()
    check(page, f"b-activities-{screen}")
    page.goto(gym.url + "/mi-plan")
    agree(page)
    check(page, f"b-nutrition-{screen}")
    page.goto(gym.url + "/mi-progreso/permisos")
    check(page, f"b-permissions-{screen}")
    page.get_by_role("button", name="Retirar").first.click()
    page.get_by_role("button", name="Sí, retirar").wait_for()
    check(page, f"b-withdraw-{screen}")


def test_the_pages_of_who_attends(page: Page, gym: ServedVertical, screen: str) -> None:
    client, closed = a_client(gym, "Ana Paz"), a_client(gym, "Eva Sol")
    for purpose in ("activity_data", "progress_data", "nutrition_data", "share_progress"):
        gym.rows(
            "INSERT INTO consent (client_id, purpose, text_version, locale, text_sha256, text, how,"
            " given_by) VALUES (%s, %s, '1', 'es-AR', sha256('x'), 'x', 'own_session', 'client')",
            client, purpose,
        )  # fmt: skip
    sign_in(page, gym)
    page.goto(gym.url + "/progreso")
    check(page, f"b-clients-{screen}")
    for path in ("", "/actividades", "/plan"):
        page.goto(f"{gym.url}/progreso/{client}{path}")
        check(page, f"b-of-client{path.replace('/', '-')}-{screen}")
    page.goto(f"{gym.url}/progreso/{closed}")
    check(page, f"b-closed-{screen}")
    for path in ("medidas", "medidas/nueva", "medidas/weight", "nutricionistas"):
        page.goto(f"{gym.url}/ajustes/{path}")
        check(page, f"b-{path.replace('/', '-')}-{screen}")
    page.locator("tbody a").first.click()
    page.get_by_label("Matrícula").fill("MN 100")
    page.get_by_label("Jurisdicción").fill("Nacional")
    check(page, f"b-nutritionist-{screen}")
    page.get_by_role("button", name="Guardar").click()
    page.get_by_text("Puede firmar").wait_for()
    page.goto(f"{gym.url}/alimentos")
    page.get_by_text("Agregar un alimento").click()
    check(page, f"b-foods-{screen}")
    page.goto(f"{gym.url}/progreso/{client}/plan")
    page.get_by_text("Armar un plan").click()
    page.get_by_label("Nombre del plan").fill("Semana 1")
    page.get_by_role("button", name="Empezar").click()
    page.locator("#f-0-0").select_option("oats")
    page.locator("#g-0-0").fill("50")
    page.get_by_role("button", name="Agregar Desayuno").click()
    page.get_by_role("button", name="Quitar Avena").wait_for()
    check(page, f"b-editor-{screen}")
    page.get_by_label("Revisé este plan").check()
    page.get_by_role("button", name="Firmar").click()
    page.get_by_text("La persona ya lo ve").wait_for()
    page.context.clear_cookies()
    sign_in(page, gym, client)
    page.goto(gym.url + "/mi-plan")
    page.get_by_role("link", name="Semana 1").click()
    page.get_by_text("Avena arrollada").wait_for()
    check(page, f"b-plan-{screen}")
