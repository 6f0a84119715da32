"""axe-core on a page, in light and dark, on a telephone and on a desk; sizes for a thumb; photographs
where they are asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Page, ViewportSize
from support_browser import DESKTOP, PHONE

SCREENS = Path(__file__).resolve().parents[1] / ".screens"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# Only colours differ in the dark.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
#: What a width can change: a page is the same document on every screen.
LAYOUT = {
    "runOnly": {
        "type": "rule",
        "values": ["color-contrast", "link-in-text-block", "target-size",
                   "scrollable-region-focusable", "region"],
    }
}  # fmt: skip
#: On which screens whole ways are gone. What is looked at on the way is looked at on both.
SCREENS_OF_WAYS = ("phone", "desktop") if os.environ.get("BARBERPRO_EVERY_PAGE") else ("phone",)
SCHEMES: dict[Literal["light", "dark"], dict[str, Any]] = {"light": RULES, "dark": COLOURS}
AXE = AXE_FILE_PATH.read_text("utf-8")
# Only what is wrong comes back: whole results take longer to carry than to find.
RUN_AXE = """options => axe.run(document, {...options, resultTypes: ['violations']}).then(r => ({
  passes: r.passes.length,
  violations: r.violations.map(v => [v.id, v.nodes.map(n => n.html + ' ' + n.failureSummary)]),
}))"""
# 44 CSS pixels as in WCAG 2.5.5; links inside a sentence and labelled boxes are exempt there too.
TARGETS = """() => [...document.querySelectorAll('button, a.button, a.service, a.day, .chip, select,'
  + ' input:not([type=hidden]):not([type=checkbox]):not([type=radio]), .top a, .foot-links a, .side a, summary')]
  .filter(e => e.offsetParent !== null && !e.closest('.visually-hidden, .skip'))
  .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
  .filter(([, box]) => box.height < 44 || box.width < 44)
  .map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)"""


def check(page: Page, name: str) -> None:
    """As `check_here`, and on the other screen what a width can change. Leaves the page in the dark, on
    the screen that it had."""
    check_here(page, name)
    own = page.viewport_size
    assert own is not None
    other = DESKTOP if own["width"] == PHONE["width"] else PHONE
    page.set_viewport_size(ViewportSize(width=other["width"], height=other["height"]))
    try:
        _photograph(page, f"{name}-{other['width']}")
        _obeys(page, LAYOUT, f"{name} {other['width']}")
        _fits(page, name)
    finally:
        page.set_viewport_size(own)


def check_here(page: Page, name: str) -> None:
    """No violation in either scheme, nothing wider than the screen, controls fit for a thumb."""
    page.wait_for_load_state()
    assert page.locator("[data-server-error]").count() == 0, f"{name}: a server error"
    page.evaluate(AXE)
    for scheme, options in SCHEMES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        _photograph(page, f"{name}-{scheme}")
        _obeys(page, options, f"{name} {scheme}")
    _fits(page, name)


def _photograph(page: Page, name: str) -> None:
    if os.environ.get("BARBERPRO_SCREENS"):
        SCREENS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENS / f"{name}.png", full_page=True)


def _obeys(page: Page, options: dict[str, Any], name: str) -> None:
    found = page.evaluate(RUN_AXE, options)
    assert found["passes"] > 0, f"{name}: axe looked at nothing"
    if log := os.environ.get("BARBERPRO_AXE_LOG"):
        with Path(log).open("a", encoding="utf-8") as lines:
            lines.write(f"{name} {len(found['violations'])}\n")
    assert found["violations"] == [], f"{name} {page.url} {found['violations']}"


def _fits(page: Page, name: str) -> None:
    size = page.viewport_size
    assert size is not None
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size["width"], f"{name} is {width} pixels wide, on {size['width']}"
    small = page.evaluate(TARGETS)
    assert small == [], f"{name} on {size['width']}: {small}"
