"""axe-core finds nothing on the ways through the pages (WCAG 2.2 A and AA), in light and dark, on phone
and desktop; test_day_*.py look at every page.

With BARBERPRO_SCREENS=1 every page is also photographed into tests/.screens/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize
from support_axe import SCREENS_OF_WAYS, check
from support_browser import DESKTOP, PHONE, ServedVertical, book

pytestmark = pytest.mark.xdist_group("browser")
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
        bypass_csp=True,  # axe is put into the page; the product's own policy is tested elsewhere
    )
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    yield opened
    context.close()


@pytest.mark.parametrize("name", ["barbershop", "psychology", "fitness", "dental"])
def test_a_booking(page: Page, vertical: Serving, screen: str, name: str) -> None:
    if name in {"psychology", "dental"}:
        page.set_viewport_size({"width": 768, "height": 1024})
    deployed = vertical(name)
    tag = f"{name}-{screen}"
    page.goto(deployed.url + "/")
    check(page, f"1-services-{tag}")
    page.locator("a.service").first.click()
    check(page, f"2-time-{tag}")
    page.locator("button.slot").first.click()
    check(page, f"3-details-{tag}")
    page.get_by_role("button", name=re.compile("^Confirm")).click()
    check(page, f"3-problems-{tag}")
    email = f"axe-{tag}@example.com"
    book(page, deployed.url, name="Ana María Pérez", email=email, days_ahead=14)
    check(page, f"4-done-{tag}")
    page.get_by_role("link", name=re.compile("Ver, cambiar o cancelar")).click()
    address = page.url
    check(page, f"5-manage-{tag}")
    page.goto(address + "/cambiar")
    check(page, f"6-move-{tag}")
    page.goto(address + "/cancelar")
    check(page, f"7-cancel-{tag}")


def test_a_visit_of_two_services(page: Page, vertical: Serving, screen: str) -> None:
    deployed = vertical("barbershop")
    page.goto(deployed.url + "/")
    for number in range(2):
        page.locator(".add input").nth(number).check()
    check(page, f"1-ticked-{screen}")
    page.get_by_role("button", name="Elegir día y hora").click()
    check(page, f"2-visit-{screen}")
    later = page.locator(".days a.day:not(.full)").nth(5)
    later.click()
    page.locator("button.slot").first.click()
    check(page, f"3-visit-{screen}")
    page.get_by_label("Nombre y apellido").fill("Ana María Pérez")
    page.get_by_label("Correo electrónico").fill(f"visit-{screen}@example.com")
    page.get_by_role("button", name=re.compile("^Confirm")).click()
    page.wait_for_url("**/reservar/listo/**")
    check(page, f"4-visit-{screen}")
    page.get_by_role("link", name=re.compile("Ver, cambiar o cancelar")).click()
    check(page, f"5-visit-{screen}")
    page.goto(page.url + "/cancelar")
    check(page, f"7-visit-{screen}")


def test_the_other_public_pages(page: Page, vertical: Serving, screen: str) -> None:
    deployed = vertical("psychology")
    for path in ("buscar-reserva", "entrar", "entrar/correo", "arrepentimiento",
                 "arrepentimiento/A23456789B", "privacidad", "terminos", "no-hay"):  # fmt: skip
        page.goto(f"{deployed.url}/{path}")
        check(page, f"8-{path.replace('/', '-')}-{screen}")
    page.goto(deployed.url + "/buscar-reserva")
    page.get_by_role("button", name="Ver mi sesión").click()
    check(page, f"8-buscar-problems-{screen}")


def test_the_pages_of_the_team(page: Page, vertical: Serving, screen: str) -> None:
    deployed = vertical("barbershop")
    email = f"team-{screen}@example.com"
    code = book(page, deployed.url, name="Carla Sosa", email=email, days_ahead=21)
    day = deployed.day_of(code)
    page.goto(deployed.owner_link())
    check(page, f"9-confirm-{screen}")
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url("**/agenda/hoy")
    check(page, f"9-today-{screen}")
    for view in ("lista", "semana", "dia"):
        page.goto(f"{deployed.url}/agenda?vista={view}&dia={day}")
        check(page, f"9-agenda-{view}-{screen}")
    page.locator(".event summary").first.click()
    page.locator(".acts[open] a[href*='/mover']").click()
    check(page, f"9-agenda-move-{screen}")
    page.goto(f"{deployed.url}/agenda?vista=dia&dia={day}")
    page.get_by_role("link", name="Carla Sosa", exact=True).first.click()
    check(page, f"9-booking-{screen}")
    page.goto(f"{deployed.url}/agenda/nuevo?dia={day}")
    check(page, f"9-new-{screen}")
    for path in ("marca", "sedes", "sedes/nueva", "profesionales", "profesionales/nuevo",
                 "servicios", "servicios/nuevo", "recursos", "recursos/nuevo", "feriados", "cartel", "dominio", "reglas",
                 "aprobacion", "aprobacion/nueva", "equipo", "equipo/nueva",
                 "api", "api/nuevo", "arrepentimientos", "mensajes", "correo", "conservacion", "auditoria"):  # fmt: skip
        page.goto(f"{deployed.url}/ajustes/{path}")
        check(page, f"9-{path.replace('/', '-')}-{screen}")
    for path in ("ajustes", "ajustes/primeros-pasos", "informe", "informe?desde=x&hasta=y"):
        page.goto(f"{deployed.url}/{path}")
        name = path.partition("?")[0].replace("/", "-")
        check(page, f"9-{name}-{screen}")
    page.goto(f"{deployed.url}/ajustes/profesionales")
    page.locator("tbody a").first.click()
    check(page, f"9-provider-{screen}")


def test_the_pages_of_clients(page: Page, vertical: Serving, screen: str) -> None:
    deployed = vertical("psychology")
    tag = f"psychology-{screen}"
    keys = [
        deployed.rows(
            "INSERT INTO client (name, email, phone, tags) VALUES (%s, %s, '+5491123450000', %s)"
            " RETURNING id", f"Carla {word} {tag}", f"{word}-{tag}@example.com".lower(), ["VIP"],
        )[0][0]
        for word in ("Sosa", "Soza")
    ]  # fmt: skip
    page.goto(deployed.owner_link())
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url("**/agenda**")
    one, other = keys
    for path, shown in (
        ("", "list"), ("/nuevo", "new"), ("/repetidos", "pairs"), (f"/{one}", "profile"),
        (f"/{one}/editar", "edit"), (f"/{one}/unir", "other"), (f"/{one}/unir?con={other}", "merge"),
    ):  # fmt: skip
        page.goto(f"{deployed.url}/clientes{path}")
        check(page, f"9-clients-{shown}-{tag}")
    page.goto(f"{deployed.url}/agenda/nuevo?cliente={one}")
    check(page, f"9-new-known-{tag}")
    page.goto(f"{deployed.url}/ajustes/avisos-al-equipo")
    check(page, f"9-team-notices-{tag}")
