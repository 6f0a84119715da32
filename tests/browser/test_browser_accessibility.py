"""axe-core finds nothing on any page (WCAG 2.2 A and AA), in light and dark, on phone and desktop.

With BARBERPRO_SCREENS=1 every page is also photographed into tests/.screens/.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, Page, ViewportSize
from support_browser import DESKTOP, PHONE, ServedVertical, book

pytestmark = pytest.mark.xdist_group("browser")
Serving = Callable[[str], ServedVertical]
SCREENS = Path(__file__).resolve().parents[1] / ".screens"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# Only colours differ in the dark.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
SCHEMES: dict[Literal["light", "dark"], dict[str, Any]] = {"light": RULES, "dark": COLOURS}
AXE = AXE_FILE_PATH.read_text("utf-8")
# Only what is wrong comes back: whole results take longer to carry than to find.
RUN_AXE = """options => axe.run(document, {...options, resultTypes: ['violations']}).then(r => ({
  passes: r.passes.length,
  violations: r.violations.map(v => [v.id, v.nodes.map(n => n.html + ' ' + n.failureSummary)]),
}))"""
# 44 CSS pixels as in WCAG 2.5.5; links inside a sentence and labelled boxes are exempt there too.
TARGETS = """() => [...document.querySelectorAll('button, a.button, a.service, a.day, .chip, select,'
  + ' input:not([type=hidden]):not([type=checkbox]), .top a, .foot-links a, .side a, summary')]
  .filter(e => e.offsetParent !== null && !e.closest('.visually-hidden, .skip'))
  .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
  .filter(([, box]) => box.height < 44 || box.width < 44)
  .map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)"""


def check(page: Page, name: str) -> None:
    """No violation in either scheme, nothing wider than the screen, controls fit for a thumb."""
    page.evaluate(AXE)
    for scheme, options in SCHEMES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if os.environ.get("BARBERPRO_SCREENS"):
            SCREENS.mkdir(exist_ok=True)
            page.screenshot(path=SCREENS / f"{name}-{scheme}.png", full_page=True)
        found = page.evaluate(RUN_AXE, options)
        assert found["passes"] > 0, f"{name}: axe looked at nothing"
        assert found["violations"] == [], f"{name} {page.url}"
    size = page.viewport_size
    assert size is not None
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name
    assert page.evaluate(TARGETS) == [], name


@pytest.fixture(params=["phone", "desktop"])
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
    opened.set_default_timeout(20_000)
    yield opened
    context.close()


@pytest.mark.parametrize("name", ["barbershop", "psychology", "fitness", "dental"])
def test_a_booking(page: Page, vertical: Serving, screen: str, name: str) -> None:
    if screen == "desktop" and name != "barbershop":
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
    page.wait_for_url("**/agenda**")
    page.goto(f"{deployed.url}/agenda?dia={day}")
    check(page, f"9-agenda-{screen}")
    page.get_by_role("link", name="Carla Sosa", exact=True).first.click()
    check(page, f"9-booking-{screen}")
    page.goto(f"{deployed.url}/agenda/nuevo?dia={day}")
    check(page, f"9-new-{screen}")
    for path in ("marca", "sedes", "sedes/nueva", "profesionales", "profesionales/nuevo",
                 "servicios", "servicios/nuevo", "feriados", "reglas", "equipo", "equipo/nueva",
                 "api", "api/nuevo", "arrepentimientos", "mensajes", "auditoria"):  # fmt: skip
        page.goto(f"{deployed.url}/ajustes/{path}")
        check(page, f"9-{path.replace('/', '-')}-{screen}")
    page.goto(f"{deployed.url}/ajustes/profesionales")
    page.locator("tbody a").first.click()
    check(page, f"9-provider-{screen}")
