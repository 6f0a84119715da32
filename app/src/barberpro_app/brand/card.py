"""The pictures that networks show beside a shared address (ogp.me): 1200 × 630 pixels. Pure.

No sentence is drawn: the network writes the title beside it, in the reader's letters.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from barberpro_app.brand.colours import parse, readable_on

WIDTH, HEIGHT = 1200, 630
_STRIPE, _GAP = 18, 10


def of_brand(name: str, primary: str, accent: str, logo: bytes | None) -> bytes:
    """A PNG: the logo on white, or the first letter of the name, in the colours of the brand."""
    ground = parse(primary)
    picture = Image.new("RGB", (WIDTH, HEIGHT), ground)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, HEIGHT - _STRIPE, WIDTH, HEIGHT), fill=parse(accent))
    if logo is not None:
        _put_logo(picture, draw, logo)
    else:
        ink = readable_on(ground)
        draw.ellipse((WIDTH / 2 - 190, 110, WIDTH / 2 + 190, 490), fill=ink)
        draw.text((WIDTH / 2, 300), _letter(name), fill=ground, anchor="mm",
                  font=ImageFont.load_default(230))  # fmt: skip
    into = io.BytesIO()
    picture.save(into, "PNG", optimize=True)
    return into.getvalue()


def _put_logo(picture: Image.Image, draw: ImageDraw.ImageDraw, logo: bytes) -> None:
    with Image.open(io.BytesIO(logo), formats=["PNG"]) as source:
        drawn = ImageOps.contain(source.convert("RGBA"), (720, 300), Image.Resampling.LANCZOS)
    left, top = (WIDTH - drawn.width) // 2, (HEIGHT - drawn.height) // 2
    draw.rounded_rectangle(
        (left - 50, top - 40, left + drawn.width + 50, top + drawn.height + 40), 28, fill="white"
    )
    picture.paste(drawn, (left, top), drawn)


def _letter(name: str) -> str:
    """The first letter or digit, without an accent: the built-in letters have none."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return next((sign.upper() for sign in plain if sign.isalnum()), "")


def of_photographs(photographs: Sequence[bytes], accent: str) -> bytes:
    """A JPEG: the photographs side by side, each cut to its share."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), parse(accent))
    share = (WIDTH - _GAP * (len(photographs) - 1)) // len(photographs)
    for place, content in enumerate(photographs):
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as source:
            part = ImageOps.fit(
                source.convert("RGB"),
                (share, HEIGHT),
                Image.Resampling.LANCZOS,
                centering=(0.5, 0.4),
            )
        picture.paste(part, (place * (share + _GAP), 0))
    into = io.BytesIO()
    picture.save(into, "JPEG", quality=82, optimize=True)
    return into.getvalue()
