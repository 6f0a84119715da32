"""The agenda in a real Chromium: what one page does another shows, and dragging moves a booking."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from support_browser import DESKTOP, PHONE, ZONE, ServedVertical, book, served, times_of
from support_postgres import TestServer

pytestmark = pytest.mark.xdist_group("browser")
Serving = Callable[[str], ServedVertical]

MAKE = """
WITH b AS (
    INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id, starts_at,
                         ends_at, zone, price_centavos, source)
    SELECT new_booking_code(), 'confirmed', c.id, p.id, s.id, l.id, %s, %s, l.zone, 100, 'staff'
    FROM (INSERT_CLIENT) c, provider p, provider_service ps, service s, location l
    WHERE p.key = %s AND ps.provider_id = p.id AND s.id = ps.service_id
      AND l.id = (SELECT location_id FROM provider_location WHERE provider_id = p.id LIMIT 1)
    ORDER BY s.sort LIMIT 1 RETURNING id, provider_id, starts_at, ends_at
)
INSERT INTO occupancy (booking_id, resource_id, period)
SELECT id, provider_id, tstzrange(starts_at, ends_at) FROM b RETURNING booking_id
"""


def day_off_from_holidays(ahead: int) -> date:
    """A Thursday: the catalog's barbers all work then."""
    day = datetime.now(ZoneInfo(ZONE)).date() + timedelta(days=ahead)
    return day + timedelta(days=(3 - day.weekday()) % 7)


def make(deployed: ServedVertical, name: str, provider: str, day: date, hour: int) -> str:
    """A booking of 30 minutes at this hour; its key."""
    deployed.rows("INSERT INTO client (name) VALUES (%s)", name)
    start = datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(ZONE))
    query = MAKE.replace("INSERT_CLIENT", "SELECT id FROM client ORDER BY created_at DESC LIMIT 1")
    rows = deployed.rows(query, start, start + timedelta(minutes=30), provider)
    return str(rows[0][0])


def team(chromium: Browser, deployed: ServedVertical, **options: object) -> Page:
    page = chromium.new_context(
        locale="es-AR", viewport={"width": DESKTOP["width"], "height": DESKTOP["height"]}, **options
    ).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(60_000)
    page.goto(deployed.owner_link())
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url("**/agenda**")
    return page


@pytest.fixture
def shop(vertical: Serving) -> ServedVertical:
    return vertical("barbershop")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[ServedVertical, TestServer]]:
    """A deployment whose PostgreSQL is its own, to be restarted."""
    server = TestServer.start()
    try:
        with served("barbershop", tmp_path, server) as deployed:
            yield deployed, server
    finally:
        server.stop()


def test_a_booking_appears_and_goes_without_reloading(
    chromium: Browser, shop: ServedVertical
) -> None:
    client = chromium.new_context(locale="es-AR").new_page()
    code = book(client, shop.url, name="Vera Luz", email="vera@example.com", days_ahead=12)
    day = shop.day_of(code)
    agenda = team(chromium, shop)
    for view in ("dia", "semana", "lista"):
        shown = agenda.context.new_page()
        shown.goto(f"{shop.url}/agenda?vista={view}&dia={day}")
        expect(shown.get_by_role("link", name=re.compile("Vera Luz")).first).to_be_visible()
    pages = agenda.context.pages[1:]
    later = chromium.new_context(locale="es-AR").new_page()
    times_of(later, shop.url, date.fromisoformat(str(day)))
    hours = later.locator("button.slot")
    gone = hours.first.get_attribute("value")
    book(client, shop.url, name="Otro Día", email="otro@example.com", days_ahead=40)
    shop.rows("UPDATE booking SET note = 'x' WHERE code = %s", code)

    agenda.goto(f"{shop.url}/agenda?vista=dia&dia={day}")
    shop.rows(
        "INSERT INTO time_off (provider_id, period) SELECT id, tstzrange(%s, %s) FROM provider",
        datetime.fromisoformat(str(gone)),
        datetime.fromisoformat(str(gone)) + timedelta(minutes=30),
    )
    expect(later.locator(f"button.slot[value='{gone}']")).to_have_count(0)
    expect(later.locator("[data-said]")).to_have_text("Los horarios se actualizaron.")
    shop.rows("UPDATE client SET name = 'Vera Nueva' WHERE name = 'Vera Luz'")
    shop.rows("UPDATE booking SET status = 'arrived', contact = NULL WHERE code = %s", code)
    for page in (agenda, *pages):
        expect(page.get_by_role("link", name=re.compile("Vera Nueva")).first).to_be_visible()
    shop.rows("DELETE FROM time_off")


def test_dragging_asks_and_moves(chromium: Browser, shop: ServedVertical) -> None:
    day = day_off_from_holidays(20)
    booking = make(shop, "Dora Mueve", "martin", day, 11)
    page = team(chromium, shop)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(f"{shop.url}/agenda?vista=dia&dia={day}")
    event = page.locator(f"[data-event='{booking}']")
    event.scroll_into_view_if_needed()
    box = event.bounding_box()
    assert box is not None
    row = box["height"] / 6
    page.mouse.move(box["x"] + 40, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 45, box["y"] + 30, steps=3)
    page.mouse.move(box["x"] + 45, box["y"] + 10 + row * 12, steps=6)
    page.mouse.up()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("¿Mover a Dora Mueve a las 12:00 con Martín Ledesma?")
    dialog.get_by_role("button", name="Mover").click()
    expect(page.locator("[data-undo]")).to_contain_text("Dora Mueve pasó a las 12:00.")
    expect(event.locator(".hours")).to_contain_text("12:00")
    page.get_by_role("button", name="Deshacer").click()
    expect(event.locator(".hours")).to_contain_text("11:00")
    assert not failures
    trail = shop.rows(
        "SELECT changes->>'override' FROM audit_event WHERE action = 'booking.rescheduled'"
        " AND object_id = %s", booking,
    )  # fmt: skip
    assert len(trail) == 2


def test_a_refused_move_says_why_and_changes_nothing(
    chromium: Browser, shop: ServedVertical
) -> None:
    day = day_off_from_holidays(27)
    booking = make(shop, "Ema Queda", "martin", day, 11)
    make(shop, "Fede Está", "martin", day, 12)
    page = team(chromium, shop)
    page.goto(f"{shop.url}/agenda?vista=dia&dia={day}")
    event = page.locator(f"[data-event='{booking}']")
    event.scroll_into_view_if_needed()

    def drag(rows: float) -> None:
        box = event.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 40, box["y"] + 10)
        page.mouse.down()
        page.mouse.move(box["x"] + 45, box["y"] + 30, steps=3)
        page.mouse.move(box["x"] + 45, box["y"] + 10 + box["height"] / 6 * rows, steps=6)
        page.mouse.up()

    dialog = page.get_by_role("dialog")
    drag(12)
    dialog.get_by_role("button", name="Mover").click()
    expect(dialog.get_by_role("alert")).to_contain_text("ocup")
    expect(dialog.get_by_role("button", name="Mover")).to_be_hidden()
    dialog.get_by_role("button", name="Dejar como está").click()
    expect(event.locator(".hours")).to_contain_text("11:00")

    shop.rows("UPDATE booking SET version = version + 1 WHERE id = %s", booking)
    expect(event).to_have_attribute("data-version", "2")
    drag(27)  # into the barber's pause, from 13:00
    dialog.get_by_role("button", name="Mover").click()
    expect(dialog.get_by_role("alert")).to_contain_text("pausa")
    dialog.get_by_role("button", name="Mover igual").click()
    expect(event.locator(".hours")).to_contain_text("13:15")


def test_moving_without_scripts_or_pointer(chromium: Browser, shop: ServedVertical) -> None:
    day = day_off_from_holidays(34)
    booking = make(shop, "Gala Teclas", "martin", day, 11)
    page = team(chromium, shop, java_script_enabled=False)
    page.goto(f"{shop.url}/agenda?vista=dia&dia={day}")
    page.locator(f"[data-event='{booking}'] summary").click()
    page.get_by_role("link", name=re.compile("^Mover ?: Gala Teclas")).click()
    page.get_by_label("Hora", exact=True).fill("15:30")
    page.get_by_role("button", name="Mover").click()
    expect(page.get_by_role("status").first).to_contain_text("cambiamos")
    expect(page.locator(f"[data-event='{booking}'] .hours")).to_contain_text("15:30")
    free = page.locator("li.free a").first
    assert "/agenda/nuevo?dia=" in str(free.get_attribute("href"))


def test_pressing_an_empty_time_books_it(chromium: Browser, shop: ServedVertical) -> None:
    day = day_off_from_holidays(41)
    page = team(chromium, shop)
    page.goto(f"{shop.url}/agenda?vista=dia&dia={day}")
    free = page.locator("li.free a").first
    free.scroll_into_view_if_needed()
    free.click(position={"x": 50, "y": 100})
    page.wait_for_url("**/agenda/nuevo?**")
    assert re.search(r"hora=\d\d%3A(00|15|30|45)", page.url)
    assert page.locator("input[name=inicio]:checked").count() == 1


def test_a_provider_on_a_phone_drags_by_a_long_touch(
    chromium: Browser, shop: ServedVertical
) -> None:
    day = day_off_from_holidays(48)
    booking = make(shop, "Hugo Dedo", "martin", day, 11)
    page = team(chromium, shop, has_touch=True)
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(f"{shop.url}/agenda?vista=dia&dia={day}")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    event = page.locator(f"[data-event='{booking}']")
    event.scroll_into_view_if_needed()
    finger = Finger(page)
    grid = page.locator("[data-grid]")
    before = grid.evaluate("e => e.scrollTop") + page.evaluate("scrollY")
    x, y = middle(event)
    finger.down(x, y)  # a quick stroke scrolls and moves nothing
    for step in range(1, 9):
        finger.move(x, y - step * 15)
    finger.up()
    expect(page.locator(".ghost")).to_have_count(0)
    page.wait_for_function(
        "before => document.querySelector('[data-grid]').scrollTop + scrollY !== before", arg=before
    )
    event.scroll_into_view_if_needed()
    x, y = middle(event)
    row = (event.bounding_box() or {"height": 0})["height"] / 6
    scrolled = grid.evaluate("e => e.scrollTop") + page.evaluate("scrollY")
    finger.down(x, y)
    expect(page.locator(".ghost")).to_have_count(1)  # held long enough
    for step in range(1, 13):
        finger.move(x, y + step * row)
    assert grid.evaluate("e => e.scrollTop") + page.evaluate("scrollY") == scrolled
    finger.up()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("¿Mover a Hugo Dedo a las 12:00 con Martín Ledesma?")
    dialog.get_by_role("button", name="Mover").tap()
    expect(page.locator("[data-undo]")).to_contain_text("Hugo Dedo pasó a las 12:00.")
    expect(event.locator(".hours")).to_contain_text("12:00")
    assert not failures


class Finger:
    """One finger on the screen, by the browser's own touch events."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def down(self, x: float, y: float) -> None:
        self._send("touchStart", [{"x": x, "y": y}])

    def move(self, x: float, y: float) -> None:
        self._send("touchMove", [{"x": x, "y": y}])

    def up(self) -> None:
        self._send("touchEnd", [])

    def _send(self, kind: str, points: list[dict[str, float]]) -> None:
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def middle(event: Locator) -> tuple[float, float]:
    """Where a thumb would hold a booking: not on its menu."""
    box = event.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 3, box["y"] + box["height"] - 8


def test_right_again_after_postgresql_was_restarted(
    chromium: Browser, fresh: tuple[ServedVertical, TestServer]
) -> None:
    deployed, server = fresh
    client = chromium.new_context(locale="es-AR").new_page()
    code = book(client, deployed.url, name="Iris Vuelve", email="iris@example.com", days_ahead=12)
    page = team(chromium, deployed)
    page.goto(f"{deployed.url}/agenda?vista=dia&dia={deployed.day_of(code)}")
    event = page.locator(".event", has_text="Iris Vuelve")
    expect(event).to_be_visible()
    server.restart()
    deployed.rows("UPDATE booking SET status = 'arrived' WHERE code = %s", code)
    expect(event).to_have_class(re.compile("arrived"), timeout=60_000)
    # and when the browser's own connection was cut
    page.context.set_offline(True)
    deployed.rows("UPDATE booking SET status = 'completed' WHERE code = %s", code)
    page.context.set_offline(False)
    expect(event).to_have_class(re.compile("completed"), timeout=60_000)
