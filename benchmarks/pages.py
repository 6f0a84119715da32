"""The way to a booking on a phone, on the deployment that the first command makes: its weight, its
screens and taps, and the time of somebody who reads and types.

Measured in a real Chromium through the deployment's own router, over HTTPS, as bytes on the wire.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / part) for part in ("tests/support", "app/src", "platform/src")]

from figures import Figure, emit  # noqa: E402 - after the path above
from homes import deploy, operator  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402
from support_browser import PHONE, launch  # noqa: E402

#: Of an adult on a phone: 36 words a minute (Palin et al., "How do people type on mobile devices?",
#: MobileHCI 2019) are three letters a second; looking at a screen, and finding where to touch.
LETTER_SECONDS, LOOK_SECONDS, TAP_SECONDS = 0.33, 4.0, 1.0
NAME, MAIL = "Ana Pérez", "ana.perez@example.com"
#: Neither Booksy nor Fresha publishes the steps of its clients in what could be read; a British peer
#: of salons does, and names services, staff, time, summary, account, and a code by SMS.
PEERS = (
    "Booksy, Fresha: no published list of steps found; Slick's has 6 and an account"
    " (help.getslick.com, article 5062916); read 2026-11-24"
)


@dataclass
class Way:
    """One visitor's phone, and what went over the wire. `human` waits as a person would."""

    page: Page
    human: bool = False
    screens: int = 0
    taps: int = 0
    bytes: Counter[str] = field(default_factory=Counter)
    hosts: set[str] = field(default_factory=set)

    def watch(self) -> None:
        session = self.page.context.new_cdp_session(self.page)
        session.send("Network.enable")
        kinds: dict[str, str] = {}

        def answered(event: dict[str, object]) -> None:
            kinds[str(event["requestId"])] = str(event["type"])

        def finished(event: dict[str, object]) -> None:
            kind = kinds.get(str(event["requestId"]), "Other")
            self.bytes[kind] += int(str(event["encodedDataLength"]).partition(".")[0])

        session.on("Network.responseReceived", answered)
        session.on("Network.loadingFinished", finished)
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def screen(self) -> None:
        self.screens += 1
        self._wait(LOOK_SECONDS)

    def tap(self, selector: str) -> None:
        self.taps += 1
        self._wait(TAP_SECONDS)
        self.page.locator(selector).first.click()

    def write(self, selector: str, text: str) -> None:
        self.tap(selector)
        self._wait(LETTER_SECONDS * len(text))
        self.page.keyboard.insert_text(text)

    def _wait(self, seconds: float) -> None:
        if self.human:
            self.page.wait_for_timeout(seconds * 1000)


def phone(browser: Browser, *, scripts: bool) -> Page:
    page = browser.new_context(
        viewport={"width": PHONE["width"], "height": PHONE["height"]},
        locale="es-AR",
        java_script_enabled=scripts,
        has_touch=True,
        ignore_https_errors=True,
    ).new_page()
    page.set_default_timeout(30_000)
    return page


def book(way: Way, url: str) -> float:
    """From the link to the confirmation; seconds."""
    started = time.monotonic()
    way.page.goto(url)
    way.screen()
    way.tap("a.service")
    way.page.wait_for_url("**/reservar?**")
    way.screen()
    way.tap("button.slot")
    way.page.wait_for_url("**/reservar/datos/**")
    way.screen()
    way.write("#nombre", NAME)
    way.write("#email", MAIL)
    way.tap("form[action*='/reservar/datos/'] button.full")
    way.page.wait_for_url("**/reservar/listo/**")
    way.screens += 1
    return time.monotonic() - started


def main() -> None:
    with operator() as someone, sync_playwright() as playwright:
        deploy(someone, "Uno")
        url = someone.data("status", "uno")["url"]
        browser = launch(playwright)
        first = Way(phone(browser, scripts=True))
        first.watch()
        first.page.goto(url, wait_until="networkidle")
        kilobytes = sum(first.bytes.values()) / 1000
        parts = ", ".join(f"{kind} {size / 1000:.1f}" for kind, size in first.bytes.most_common())
        emit(
            Figure("booking page, first load over HTTPS", kilobytes, "kB", 60, note=f"kB: {parts}")
        )
        plain = Way(phone(browser, scripts=False))
        plain.watch()
        book(plain, url)
        person = Way(phone(browser, scripts=True), human=True)
        person.watch()
        seconds = book(person, url)
        own = urlsplit(url).netloc
        others = {host for way in (first, plain, person) for host in way.hosts} - {own}
        name = "hosts of others that the way to a booking asks"
        emit(Figure(name, len(others), "", 0, note=" ".join(sorted(others))))
        note = f"{plain.taps} taps, two of them into fields; no account. {PEERS}"
        name = "screens from the link to the confirmed booking, without scripts"
        emit(Figure(name, plain.screens, "", 4, note=note))
        note = "letters at 0.33 s, 4 s to look at each screen, 1 s for each tap"
        emit(
            Figure("link to confirmed booking at the pace of a person", seconds, "s", 60, note=note)
        )
        browser.close()


if __name__ == "__main__":
    main()
