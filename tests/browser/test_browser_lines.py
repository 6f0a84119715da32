"""Series, waiting list, walk-ins, arrivals, requests and personal data, in a real browser, by axe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize
from support_axe import SCREENS_OF_WAYS, check
from support_browser import DESKTOP, PHONE, ServedVertical, book

Serving = Callable[[str], ServedVertical]


@pytest.fixture(params=SCREENS_OF_WAYS)
def screen(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(chromium: Browser, screen: str) -> Iterator[Page]:
    size = PHONE if screen == "phone" else DESKTOP
    context = chromium.new_context(
        viewport=ViewportSize(width=size["width"], height=size["height"]),
        locale="es-AR",
        bypass_csp=True,  # axe is put into the page
    )
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    yield opened
    context.close()


def _owner(page: Page, deployed: ServedVertical) -> None:
    page.goto(deployed.owner_link())
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url("**/agenda**")


def _location(deployed: ServedVertical) -> str:
    return str(deployed.rows("SELECT id FROM location ORDER BY key LIMIT 1")[0][0])


def test_a_client_repeats_a_booking(page: Page, vertical: Serving, screen: str) -> None:
    deployed = vertical("psychology")
    email = f"series-{screen}@example.com"
    book(page, deployed.url, name="Sofía Peralta", email=email, days_ahead=9)
    page.get_by_role("link", name=re.compile("Ver, cambiar o cancelar")).click()
    home = page.url
    page.goto(home + "/repetir")
    check(page, f"l-series-ask-{screen}")
    page.get_by_label("Cantidad de veces").fill("4")
    page.locator("main form button.button").first.click()
    check(page, f"l-series-preview-{screen}")
    assert page.locator("ul.dates li").count() == 4
    assert page.locator("ul.dates a, ul.dates .tag").count() == 0  # nothing of it is booked yet
    page.locator("main form button.button").first.click()
    page.wait_for_url("**/serie**")
    check(page, f"l-series-{screen}")
    assert page.locator("ul.dates li a").count() == 4
    page.goto(home + "/serie/cambiar")
    check(page, f"l-series-move-{screen}")


def test_a_place_in_the_waiting_list(page: Page, vertical: Serving, screen: str) -> None:
    deployed = vertical("barbershop")
    place = _location(deployed)
    service = deployed.rows("SELECT id FROM service WHERE capacity = 1 ORDER BY key LIMIT 1")[0][0]
    page.goto(f"{deployed.url}/espera?servicio={service}&sede={place}")
    check(page, f"l-waiting-ask-{screen}")
    page.get_by_label("Nombre y apellido").fill("Bruno Ferro")
    page.get_by_label("Correo electrónico").fill(f"waits-{screen}@example.com")
    page.locator("main form button.button").first.click()
    page.wait_for_url("**/espera/**")
    check(page, f"l-waiting-place-{screen}")


def test_who_walks_in_and_who_arrives(page: Page, vertical: Serving, screen: str) -> None:
    deployed = vertical("barbershop")
    place = _location(deployed)
    code = book(
        page, deployed.url, name="Lara Quiroga", email=f"q-{screen}@example.com", days_ahead=5
    )
    _owner(page, deployed)
    for path in ("/agenda/fila", "/agenda/llegada", f"/agenda/cartel/{place}", "/agenda/espera",
                 "/agenda/pedidos"):  # fmt: skip
        page.goto(deployed.url + path)
        check(page, f"l{path.replace('/', '-')[:20]}-{screen}")
    page.goto(f"{deployed.url}/agenda/fila?sede={place}")
    if not page.get_by_label("Nombre y apellido").is_visible():  # closed while somebody waits
        page.locator("summary", has_text="Anotar en la fila").click()
    page.get_by_label("Nombre y apellido").fill("Pedro Walker")
    page.get_by_label("Servicio").select_option(index=1)
    page.get_by_role("button", name="Anotar en la fila").click()
    page.wait_for_url("**turno=**")
    assert page.get_by_text("Pedro").first.is_visible()
    check(page, f"l-walk-in-{screen}")
    page.goto(f"{deployed.url}/fila/{place}")
    assert page.get_by_text("Pedro").first.is_visible()
    check(page, f"l-queue-screen-{screen}")
    page.goto(f"{deployed.url}/llegue/{place}")
    check(page, f"l-arrived-{screen}")
    client = deployed.rows("SELECT client_id FROM booking WHERE code = %s", code)[0][0]
    page.goto(f"{deployed.url}/clientes/{client}/ausencias")
    check(page, f"l-missed-{screen}")


def test_the_owner_s_rules_and_personal_data(page: Page, vertical: Serving, screen: str) -> None:
    deployed = vertical("barbershop")
    _owner(page, deployed)
    for path in ("series", "espera", "ausencias", "aprobacion", "aprobacion/nueva",
                 "datos-personales", "marca"):  # fmt: skip
        page.goto(f"{deployed.url}/ajustes/{path}")
        check(page, f"l-rules-{path.replace('/', '-')}-{screen}")
    page.goto(f"{deployed.url}/baja")
    check(page, f"l-baja-{screen}")
