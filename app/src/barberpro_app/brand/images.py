"""A logo into the two pictures that pages show. Pure: bytes in, bytes out.

New files are made of the pixels alone: no metadata, no script, nothing of what was sent survives. A
vector file is refused, for it may carry both.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

from PIL import Image

from barberpro_app.brand.schemas import ImageKind
from barberpro_app.kit.errors import InvalidRequestError
from barberpro_app.media_processor.images import ImageRefusedError, opened, sniff

#: As it is shown at twice its size on the page, in pixels.
LOGO_BOX = (480, 160)
ICON_SIDE = 192
LARGEST_FILE = 900_000
#: Above this a logo gets a palette, for it is on every page.
HEAVY = 24_000


class LogoRefusedError(InvalidRequestError):
    """This file cannot be a logo."""

    code = "logo_refused"
    field = "logo"


class VectorLogoError(LogoRefusedError):
    """SVG is not accepted, for it may carry programs: save it as PNG."""

    code = "logo_vector"


@dataclass(frozen=True, slots=True)
class Picture:
    """`name` is the SHA-256 of `content`."""

    kind: ImageKind
    name: str
    width: int
    height: int
    content: bytes


def pictures(content: bytes) -> tuple[Picture, Picture]:
    """Logo and icon. Raises `LogoRefusedError`."""
    if len(content) > LARGEST_FILE:
        raise LogoRefusedError("The file is larger than 900 kB.")
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<svg", b"<?xml", b"<!doctype svg")):
        raise VectorLogoError
    try:
        sniff(content)
        drawn = opened(content)
    except ImageRefusedError as error:
        raise LogoRefusedError(error.message) from error
    box = drawn.getbbox(alpha_only=True)
    if box is None:
        raise LogoRefusedError("The picture is empty.")
    drawn = drawn.crop(box)
    return _logo(drawn), _icon(drawn)


def _logo(drawn: Image.Image) -> Picture:
    shown = drawn.copy()
    shown.thumbnail(LOGO_BOX, Image.Resampling.LANCZOS)
    return _picture("logo", shown)


def _icon(drawn: Image.Image) -> Picture:
    """Square, with the logo in the middle."""
    inner = drawn.copy()
    inner.thumbnail((ICON_SIDE, ICON_SIDE), Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (ICON_SIDE, ICON_SIDE), (0, 0, 0, 0))
    square.paste(inner, ((ICON_SIDE - inner.width) // 2, (ICON_SIDE - inner.height) // 2))
    return _picture("icon", square)


def _picture(kind: ImageKind, image: Image.Image) -> Picture:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    if out.tell() > HEAVY:
        out = io.BytesIO()
        image.quantize(192, Image.Quantize.FASTOCTREE).save(out, "PNG", optimize=True)
    name = f"{hashlib.sha256(out.getvalue()).hexdigest()}.png"
    return Picture(kind, name, image.width, image.height, out.getvalue())
