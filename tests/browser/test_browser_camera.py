"""A camera that sees a QR code, and queues that are looked at, in a real Chromium."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import segno
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from support_browser import ARGUMENTS, CHROMIUM, ServedVertical, book

pytestmark = pytest.mark.xdist_group("browser")
Serving = Callable[[str], ServedVertical]
WIDTH, HEIGHT = 640, 480
#: As a browser that reads codes by itself does, over the same picture.
DETECTOR = """
window.BarcodeDetector = class {
  static getSupportedFormats() { return Promise.resolve(["qr_code"]); }
  async detect(video) {
    window.detected = (window.detected ?? 0) + 1;
    return video.videoWidth && window.detected > 2 ? [{ rawValue: window.seen }] : [];
  }
};
"""


def film(path: Path, text: str) -> None:
    """A film of two pictures, of which the second has the code: uncompressed YUV4MPEG2."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="png", scale=8, border=4)
    code = Image.open(drawn).convert("L")
    code.thumbnail((HEIGHT - 40, HEIGHT - 40))
    wall = Image.new("L", (WIDTH, HEIGHT), 150)
    shown = wall.copy()
    shown.paste(code, ((WIDTH - code.width) // 2, (HEIGHT - code.height) // 2))
    grey = bytes([128]) * (WIDTH * HEIGHT // 2)
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode())
        for picture in (wall, *[shown] * 9):
            out.write(b"FRAME\n" + picture.tobytes() + grey)


@pytest.fixture(scope="module")
def film_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera shows; written before the browser first looks at it."""
    return tmp_path_factory.mktemp("camera") / "seen.y4m"


@pytest.fixture(scope="module")
def chromium(film_path: Path) -> Iterator[Browser]:
    """With a camera that shows our film."""
    if not CHROMIUM:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    camera = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film_path}",
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *camera])
        yield browser
        browser.close()


def owner(chromium: Browser, shop: ServedVertical, **options: Any) -> Page:
    page = chromium.new_context(locale="es-AR", **options).new_page()
    page.set_default_timeout(60_000)
    page.goto(shop.owner_link())
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url("**/agenda**")
    return page


def test_the_camera_lets_a_client_in(chromium: Browser, vertical: Serving, film_path: Path) -> None:
    shop = vertical("barbershop")
    visitor = chromium.new_context(locale="es-AR").new_page()
    code = book(visitor, shop.url, name="Quique Código", email="q@example.com", days_ahead=8)
    shop.rows(
        "UPDATE booking SET starts_at = now() + interval '5 min', ends_at = now() + interval"
        " '35 min' WHERE code = %s", code,
    )  # fmt: skip
    film(film_path, f"{shop.url}/q/{code}-23456789")  # a forged end: the team may scan it anyway
    page = owner(chromium, shop)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(shop.url + "/agenda/llegada")
    assert page.evaluate("typeof window.jsQR") == "undefined"  # loaded when it is needed
    film(film_path, code)
    page.get_by_role("button", name="Abrir la cámara").click()
    page.wait_for_url("**/agenda/llegada?codigo=*", timeout=60_000)
    expect(page.get_by_role("heading", name="Quique Código")).to_be_visible()
    page.get_by_role("button", name="Llegó").click()
    expect(page.get_by_text("Quique Código").first).to_be_visible()
    assert shop.rows("SELECT status FROM booking WHERE code = %s", code) == [("arrived",)]
    assert not failures


def test_a_browser_that_reads_codes_is_used_as_it_is(
    chromium: Browser, vertical: Serving, film_path: Path
) -> None:
    shop = vertical("barbershop")
    visitor = chromium.new_context(locale="es-AR").new_page()
    code = book(visitor, shop.url, name="Rita Lista", email="r@example.com", days_ahead=9)
    film(film_path, "nothing of ours")
    page = owner(chromium, shop)
    page.add_init_script(DETECTOR + f"window.seen = '{shop.url}/q/{code}';")
    page.goto(shop.url + "/agenda/llegada")
    page.get_by_role("button", name="Abrir la cámara").click()
    page.wait_for_url("**/agenda/llegada?codigo=*")
    expect(page.get_by_role("heading", name="Rita Lista")).to_be_visible()


def test_without_a_camera_the_code_is_typed(chromium: Browser, vertical: Serving) -> None:
    shop = vertical("barbershop")
    page = owner(chromium, shop)
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no'))"
    )
    page.goto(shop.url + "/agenda/llegada")
    page.get_by_role("button", name="Abrir la cámara").click()
    expect(page.locator("[data-said]")).not_to_be_empty()
    expect(page.get_by_role("button", name="Abrir la cámara")).to_be_visible()
    expect(page.get_by_label("Código")).to_be_visible()


def test_a_queue_follows_what_happens(chromium: Browser, vertical: Serving) -> None:
    shop = vertical("barbershop")
    team = owner(chromium, shop)
    place = shop.rows("SELECT id FROM location ORDER BY key LIMIT 1")[0][0]
    team.goto(f"{shop.url}/agenda/fila?sede={place}")
    team.get_by_label("Nombre").first.fill("Zoe Espera")
    team.get_by_role("button", name="Anotar").click()
    team.wait_for_url("**hecho=anotado**")
    board = chromium.new_context(locale="es-AR").new_page()
    board.clock.install()
    board.goto(f"{shop.url}/fila/{place}")
    expect(board.locator("[data-refresh]")).to_contain_text("Zoe")
    shop.rows("UPDATE walk_in SET state = 'left'")
    board.clock.run_for(11_000)
    expect(board.locator("[data-refresh]")).not_to_contain_text("Zoe")
    # a network that was away for a turn
    board.context.set_offline(True)
    shop.rows("UPDATE walk_in SET state = 'waiting'")
    board.clock.run_for(11_000)
    board.context.set_offline(False)
    board.clock.run_for(11_000)
    expect(board.locator("[data-refresh]")).to_contain_text("Zoe")
