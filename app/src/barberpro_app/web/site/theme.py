"""The brand's colours as CSS custom properties, made readable whatever the owner chose."""

from __future__ import annotations

from barberpro_app.brand.colours import (
    BLACK,
    DARK_RAISED,
    DARK_SURFACE,
    LIGHT_PAGE,
    LIGHT_SURFACE,
    STANDS_OUT,
    TEXT_CONTRAST,
    WHITE,
    Colour,
    contrast,
    hexadecimal,
    mix,
    parse,
    readable_on,
)


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


def _schemes(primary_color: str, accent_color: str) -> tuple[str, str]:
    primary, accent = parse(primary_color), parse(accent_color)
    light = _scheme(primary, accent, LIGHT_PAGE, LIGHT_SURFACE, dark=False)
    return light, _scheme(primary, accent, DARK_SURFACE, DARK_RAISED, dark=True)


def stylesheet(primary_color: str, accent_color: str) -> str:
    """The custom properties of one brand, for light and dark."""
    light, dark = _schemes(primary_color, accent_color)
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def preview(primary_color: str, accent_color: str) -> str:
    """The same for two boxes of one page, `.preview.light` and `.preview.dark`."""
    light, dark = _schemes(primary_color, accent_color)
    return f".preview.light{{{light}}}.preview.dark{{{dark}}}\n"
