"""Photographs with everything in them that must not be published."""

from __future__ import annotations

import io

from PIL import Image


def photograph(
    kind: str = "JPEG", size: tuple[int, int] = (1300, 900), *, orientation: int = 1
) -> bytes:
    """Left half red, right half blue; with a place, a camera and an orientation."""
    picture = Image.new("RGB", size, "red")
    picture.paste("blue", (size[0] // 2, 0, size[0], size[1]))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "SecretCamera"
    exif.get_ifd(0x8825)[1] = "S"
    exif.get_ifd(0x8825)[2] = (34.0, 36.0, 12.0)
    into = io.BytesIO()
    picture.save(into, kind, exif=exif)
    return into.getvalue()
