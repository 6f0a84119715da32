"""The brand's colours as CSS custom properties, made readable whatever the owner chose.

Contrast is the relative-luminance ratio of WCAG 2.2 (1.4.3 and 1.4.11).
"""

from __future__ import annotations

import re

LIGHT_SURFACE = (255, 255, 255)
LIGHT_PAGE = (247, 245, 242)
DARK_SURFACE = (32, 33, 37)
DARK_RAISED = (43, 45, 50)
BLACK = (20, 20, 22)
WHITE = (255, 255, 255)
# A little above the 4.5:1 of WCAG 1.4.3, so that tints and rounding never fall below it.
TEXT_CONTRAST = 5.0
# A filled button against what it lies on; its text and its edge have contrasts of their own.
STANDS_OUT = 2.0
FALLBACK = (36, 75, 110)

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


def legible(colour: Colour, backgrounds: tuple[Colour, ...], towards: Colour) -> Colour:
    """``colour`` moved towards black or white until text in it is legible on every background."""
    for step in range(21):
        candidate = mix(colour, towards, step / 20)
        if all(contrast(candidate, background) >= TEXT_CONTRAST for background in backgrounds):
            return candidate
    return towards


def _solid(primary: Colour, surface: Colour, towards: Colour) -> Colour:
    """The colour of buttons: the brand's own, moved until it stands out from the surface."""
    for step in range(21):
        candidate = mix(primary, towards, step / 20)
        stands_out = contrast(candidate, surface) >= STANDS_OUT
        if stands_out and contrast(readable_on(candidate), candidate) >= TEXT_CONTRAST:
            return candidate
    return towards


def _scheme(primary: Colour, accent: Colour, page: Colour, surface: Colour, dark: bool) -> str:
    towards = WHITE if dark else BLACK
    tint = mix(surface, primary, 0.22 if dark else 0.09)
    ink = legible(primary, (page, surface, tint), towards)
    solid = _solid(primary, surface, towards)
    strong = mix(solid, BLACK if readable_on(solid) == WHITE else WHITE, 0.16)
    values = {
        "brand": solid,
        "on-brand": readable_on(solid),
        "brand-strong": strong,
        "brand-edge": ink if dark else solid,
        "brand-ink": ink,
        "brand-tint": tint,
        "accent": accent,
        "accent-ink": legible(accent, (page, surface), towards),
    }
    return "".join(f"--{name}:{hexadecimal(value)};" for name, value in values.items())


def stylesheet(primary_color: str, accent_color: str) -> str:
    """The custom properties of one brand, for light and dark."""
    primary, accent = parse(primary_color), parse(accent_color)
    light = _scheme(primary, accent, LIGHT_PAGE, LIGHT_SURFACE, dark=False)
    dark = _scheme(primary, accent, DARK_SURFACE, DARK_RAISED, dark=True)
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
