"""A client books on a phone, the provider sees it, the client cancels: in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, Response, expect
from support_browser import PHONE, ZONE, ServedVertical, book, times_of

pytestmark = pytest.mark.xdist_group("browser")
Serving = Callable[[str], ServedVertical]
WORDS = {
    "barbershop": "El turno quedó confirmado",
    "psychology": "La sesión quedó confirmada",
    "fitness": "La clase quedó confirmada",
    "dental": "El turno quedó confirmado",
}


def phone(chromium: Browser, *, scripts: bool = True) -> Page:
    """A page on a small phone that notes every request it makes."""
    context = chromium.new_context(
        viewport={"width": PHONE["width"], "height": PHONE["height"]},
        locale="es-AR",
        java_script_enabled=scripts,
        has_touch=True,
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    return page


def owner_page(chromium: Browser, deployed: ServedVertical) -> Page:
    page = chromium.new_context(locale="es-AR").new_page()
    page.goto(deployed.owner_link())
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url("**/agenda**")
    return page


@pytest.mark.parametrize("name", list(WORDS))
@pytest.mark.parametrize("scripts", [True, False], ids=["javascript", "plain"])
def test_books_seen_by_the_team_and_cancelled(
    chromium: Browser, vertical: Serving, name: str, scripts: bool
) -> None:
    deployed = vertical(name)
    client = phone(chromium, scripts=scripts)
    elsewhere: list[str] = []
    own = urlsplit(deployed.url).netloc
    client.on(
        "request",
        lambda request: (
            elsewhere.append(request.url) if urlsplit(request.url).netloc != own else None
        ),
    )
    failures: list[str] = []
    client.on("pageerror", lambda error: failures.append(str(error)))
    client.on("console", lambda m: failures.append(m.text) if m.type == "error" else None)
    who = f"{name}-{'js' if scripts else 'plain'}"
    # far enough ahead that every vertical's policy still allows to cancel
    client.goto(deployed.url + "/")
    code = book(client, deployed.url, name=who, email=f"{who}@example.com", days_ahead=7)
    expect(client.get_by_role("heading", level=1)).to_have_text(WORDS[name])
    assert client.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    team = owner_page(chromium, deployed)
    client.get_by_role("link", name=re.compile("Ver, cambiar o cancelar")).click()
    day = client.locator("a[href*='/cambiar']")
    expect(day).to_be_visible()
    team.goto(f"{deployed.url}/agenda?dia={deployed.day_of(code)}")
    expect(team.get_by_role("link", name=who, exact=True)).to_be_visible()
    team.get_by_role("link", name=who, exact=True).click()
    expect(team.locator("dd.code")).to_have_text(code)

    client.get_by_role("link", name=re.compile("^Cancelar")).click()
    client.get_by_role("button", name="Sí, cancelar").click()
    expect(client.get_by_role("status")).to_contain_text("Cancelamos")
    team.reload()
    expect(team.locator(".tag").first).to_contain_text("Cancelad")
    assert elsewhere == []
    assert failures == []
    team.context.close()
    client.context.close()


def test_the_countdown_runs_and_a_choice_of_provider_needs_no_button(
    chromium: Browser, vertical: Serving
) -> None:
    deployed = vertical("barbershop")
    page = phone(chromium)
    # not today: in the evening one person may have time and another not
    times_of(page, deployed.url, datetime.now(ZoneInfo(ZONE)).date() + timedelta(days=6))
    expect(page.get_by_role("button", name="Ver horarios")).to_be_hidden()
    chosen = page.locator("input[name=profesional]").nth(1)
    chosen.check(force=True)
    page.wait_for_url(re.compile(r"profesional=[0-9a-f-]{36}"))
    expect(page.locator("input[name=profesional]").nth(1)).to_be_checked()
    page.locator("button.slot").first.click()
    left = page.locator("[data-left]")
    expect(left).to_have_text(re.compile(r"^\d+:\d\d$"))
    before = left.inner_text()
    expect(left).not_to_have_text(before)
    page.get_by_role("button", name="Necesito más tiempo").click()
    expect(left).to_have_text(re.compile(r"^(9|10):\d\d$"))
    page.context.close()


def test_the_first_load_is_light(chromium: Browser, vertical: Serving) -> None:
    """At most 60 kB with everything, even before compression."""
    deployed = vertical("barbershop")
    page = phone(chromium)
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    page.on("response", note)
    page.goto(deployed.url + "/", wait_until="networkidle")
    sizes = [len(answer.body()) for answer in answers]
    assert 4 <= len(sizes) <= 7
    assert sum(sizes) < 60_000
    page.context.close()


def test_books_by_keyboard_alone(chromium: Browser, vertical: Serving) -> None:
    deployed = vertical("fitness")
    page = phone(chromium)
    page.goto(deployed.url + "/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Saltar al contenido")
    page.keyboard.press("Enter")
    for locator, then in (("a.service", "**/reservar?**"), ("button.slot", "**/reservar/datos/**")):
        _tab_to(page, locator)
        page.keyboard.press("Enter")
        page.wait_for_url(then)
    _tab_to(page, "#nombre")
    page.keyboard.type("Teclado")
    page.keyboard.press("Tab")
    page.keyboard.type("teclado@example.com")
    page.keyboard.press("Enter")
    page.wait_for_url("**/reservar/listo/**")
    page.context.close()


def _tab_to(page: Page, selector: str) -> None:
    """Presses Tab until something that matches has the focus, and that focus can be seen."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            style = "getComputedStyle(document.activeElement)"
            assert page.evaluate(f"{style}.outlineStyle") != "none"
            return
    raise AssertionError(f"{selector} cannot be reached")
