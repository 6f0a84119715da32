"""The pages of calendars in a real browser, with axe: a provider connects one, the owner settles a clash.

With BARBERPRO_SCREENS=1 every page is also photographed into tests/.screens/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize
from support_axe import check_here as check
from support_browser import DESKTOP, PHONE, ServedVertical, book, served
from support_postgres import TestServer

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module", params=["barbershop", "psychology"])
def deployed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory,
    postgres_server: TestServer, chromium: Browser,
) -> Iterator[ServedVertical]:  # fmt: skip
    assert chromium.is_connected()
    folder = tmp_path_factory.mktemp("calendars")
    with served(request.param, folder, postgres_server, "calendar-sync") as running:
        yield running


@pytest.mark.parametrize("screen", ["phone", "desktop"])
def test_calendars(chromium: Browser, deployed: ServedVertical, screen: str) -> None:
    size = PHONE if screen == "phone" else DESKTOP
    context = chromium.new_context(
        viewport=ViewportSize(width=size["width"], height=size["height"]),
        locale="es-AR", bypass_csp=True,
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(60_000)
    try:
        _walk(page, deployed, f"{deployed.name}-{screen}")
    finally:
        context.close()


def _walk(page: Page, deployed: ServedVertical, tag: str) -> None:
    deployed.rows("DELETE FROM calendar_feed")
    deployed.rows("DELETE FROM calendar_connection")
    code = book(page, deployed.url, name="Carla Sosa", email=f"{tag}@example.com", days_ahead=8)
    page.goto(deployed.owner_link())
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url("**/agenda**")
    page.goto(deployed.url + "/calendarios")
    check(page, f"12-calendars-{tag}")
    ((provider,),) = deployed.rows("SELECT provider_id FROM booking WHERE code = %s", code)
    home = f"{deployed.url}/calendarios/{provider}"
    page.goto(home)
    check(page, f"12-calendar-empty-{tag}")
    page.get_by_role("button", name="Crear la dirección").click()
    page.goto(home + "/caldav")
    page.get_by_role("button", name=re.compile("^Buscar")).click()
    check(page, f"12-calendar-problems-{tag}")
    _settle(page, deployed, home, code)
    check(page, f"12-calendar-{tag}")
    page.goto(deployed.url + "/calendarios")
    check(page, f"12-calendars-conflict-{tag}")
    ((choosing,), *_) = deployed.rows(
        "SELECT id FROM calendar_connection WHERE state = 'choosing' AND provider_id = %s", provider
    )
    page.goto(f"{home}/conexion/{choosing}")
    check(page, f"12-calendar-choose-{tag}")
    page.goto(home)
    page.get_by_role("button", name=re.compile("^Ese evento no ocupa")).click()
    assert page.get_by_text("Para resolver").count() == 0


def _settle(page: Page, deployed: ServedVertical, home: str, code: str) -> None:
    """Connections in every state and an event on the booking, as the worker would have found it."""
    provider = home.rpartition("/")[2]
    for state, title, error in (("active", "Personal", None), ("refused", "Trabajo", "401"),
                                ("choosing", "", None)):  # fmt: skip
        deployed.rows(
            "INSERT INTO calendar_connection (provider_id, kind, state, account, calendar, title,"
            " sealed, last_success_at, last_error, choices, next_sync_at) VALUES (%s, 'caldav', %s,"
            " %s, %s, %s, '', now(), %s, %s, now() + interval '1 day') ON CONFLICT DO NOTHING",
            provider, state, 'martin@example.com', title or "x", title, error,
            json.dumps([{"calendar": "a", "title": "Personal"}, {"calendar": "b", "title": "Familia"}]),
        )  # fmt: skip
    deployed.rows("DELETE FROM busy_time")
    deployed.rows(
        "INSERT INTO busy_time (provider_id, connection_id, source, uid, period)"
        " SELECT k.provider_id, k.id, 'x', 'x', tstzrange(b.starts_at + interval '10 min',"
        " b.ends_at + interval '20 min') FROM calendar_connection k, booking b"
        " WHERE k.state = 'active' AND k.provider_id = %s AND b.code = %s LIMIT 1",
        provider, code,
    )  # fmt: skip
    deployed.rows("SELECT calendar_find_conflicts()")
    page.goto(home)
