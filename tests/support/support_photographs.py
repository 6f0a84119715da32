"""Photographs with everything in them that must not be published."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw


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


def portrait(seed: int, size: tuple[int, int] = (1200, 1500)) -> bytes:
    """A drawn head with long (1) or short (2) hair, so that a page can be judged by eye."""
    width, height = size
    picture = Image.new("RGB", size, (214 - 20 * seed, 205, 190 + 15 * seed))
    draw = ImageDraw.Draw(picture)
    top = 0.12 if seed == 1 else 0.2
    long = 0.75 if seed == 1 else 0.42
    hair, skin = (60, 40, 30), (224, 172, 134)
    draw.rounded_rectangle(
        (width * 0.26, height * top, width * 0.74, height * long), width * 0.2, fill=hair
    )
    draw.ellipse((width * 0.32, height * 0.24, width * 0.68, height * 0.68), fill=skin)
    draw.rectangle((width * 0.44, height * 0.64, width * 0.56, height * 0.78), fill=skin)
    draw.ellipse((width * 0.15, height * 0.74, width * 0.85, height * 1.4), fill=(40, 60, 90))
    into = io.BytesIO()
    picture.save(into, "JPEG", quality=85)
    return into.getvalue()
