"""Classes in a real browser: booked from the timetable on a phone, every page looked at by axe."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ViewportSize
from support_axe import SCREENS_OF_WAYS, check
from support_browser import DESKTOP, PHONE, ServedVertical, served
from support_postgres import TestServer

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def gym(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer, chromium: Browser
) -> Iterator[ServedVertical]:
    assert chromium.is_connected()
    services = ("payment", "class-management-service")
    with served("fitness", tmp_path_factory.mktemp("gym"), postgres_server, *services) as found:
        yield found


@pytest.mark.parametrize("screen", SCREENS_OF_WAYS)
def test_a_class_is_booked_and_noted(gym: ServedVertical, chromium: Browser, screen: str) -> None:
    size = PHONE if screen == "phone" else DESKTOP
    context = chromium.new_context(
        viewport=ViewportSize(width=size["width"], height=size["height"]),
        locale="es-AR",
        bypass_csp=True,
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(gym.url + "/")
    page.get_by_role("link", name="Horario de clases").click()
    check(page, f"classes-1-timetable-{screen}")
    page.locator("li.class button").nth(5).click()
    page.get_by_label("Nombre y apellido").fill("Ana Pérez")
    page.get_by_label("Correo electrónico").fill(f"gym-{screen}@example.com")
    page.get_by_role("button", name=re.compile("^Confirm")).click()
    page.wait_for_url("**/reservar/listo/**")
    check(page, f"classes-2-done-{screen}")
    ((session, day),) = gym.rows(
        "SELECT g.id, (g.starts_at AT TIME ZONE g.zone)::date FROM group_session g"
        " JOIN booking b ON b.session_id = g.id JOIN client c ON c.id = b.client_id"
        " WHERE c.email = %s",
        f"gym-{screen}@example.com",
    )
    page.goto(gym.owner_link())
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url("**/agenda**")
    page.goto(f"{gym.url}/agenda/clases?dia={day}")
    check(page, f"classes-3-day-{screen}")
    page.goto(f"{gym.url}/agenda/clases/{session}")
    check(page, f"classes-4-roll-{screen}")
    page.get_by_role("button", name=re.compile("^Llegó")).first.click()
    check(page, f"classes-5-noted-{screen}")
    page.goto(f"{gym.url}/agenda?dia={day}")
    check(page, f"classes-6-agenda-{screen}")
    for path in ("clases", "clases/nueva", "clases/reglas", "servicios/nuevo"):
        page.goto(f"{gym.url}/ajustes/{path}")
        check(page, f"classes-7-{path.replace('/', '-')}-{screen}")
    page.goto(f"{gym.url}/ajustes/clases")
    page.locator(".grid-week li a").first.click()
    check(page, f"classes-8-class-{screen}")
    context.close()
