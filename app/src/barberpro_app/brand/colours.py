"""Colours and whether text in them can be read: relative luminance and contrast of WCAG 2.2 (1.4.3)."""

from __future__ import annotations

import colorsys
import re

LIGHT_SURFACE = (255, 255, 255)
LIGHT_PAGE = (247, 245, 242)
DARK_SURFACE = (32, 33, 37)
DARK_RAISED = (43, 45, 50)
BLACK = (20, 20, 22)
WHITE = (255, 255, 255)
# A little above the 4.5:1 of WCAG 1.4.3, so that tints and rounding never fall below it.
TEXT_CONTRAST = 5.0
#: What the owner's main colour has to reach on the light page (WCAG 1.4.3, AA).
AA_TEXT = 4.5
# A filled button against what it lies on; its text and its edge have contrasts of their own.
STANDS_OUT = 2.0
FALLBACK = (36, 75, 110)
_STEPS = 200

Colour = tuple[int, int, int]


def parse(value: str) -> Colour:
    """``#rgb`` or ``#rrggbb`` as three bytes; anything else becomes a neutral blue."""
    digits = value.strip().removeprefix("#")
    if re.fullmatch(r"[0-9a-fA-F]{3}", digits):
        digits = "".join(digit * 2 for digit in digits)
    if not re.fullmatch(r"[0-9a-fA-F]{6}", digits):
        return FALLBACK
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def hexadecimal(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def luminance(colour: Colour) -> float:
    def linear(byte: int) -> float:
        part = byte / 255
        return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(byte) for byte in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """``share`` of ``other`` in ``one``, 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def readable_on(background: Colour) -> Colour:
    """Black or white, whichever is easier to read on it."""
    return WHITE if contrast(WHITE, background) >= contrast(BLACK, background) else BLACK


def on_page(colour: Colour) -> float:
    """The contrast of text in this colour with the light page, the weaker of its two surfaces."""
    return min(contrast(colour, LIGHT_PAGE), contrast(colour, LIGHT_SURFACE))


def nearest_readable(colour: Colour) -> Colour:
    """The colour itself if text in it can be read on the light page; else the same hue, as little
    darker as it takes."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(byte / 255 for byte in colour))
    for step in range(_STEPS + 1):
        darker = lightness * (1 - step / _STEPS)
        red, green, blue = colorsys.hls_to_rgb(hue, darker, saturation)
        found = (round(red * 255), round(green * 255), round(blue * 255)) if step else colour
        # one that we offer has the margin with which the pages leave a colour as it is
        if on_page(found) >= (TEXT_CONTRAST if step else AA_TEXT):
            return found
    return BLACK
