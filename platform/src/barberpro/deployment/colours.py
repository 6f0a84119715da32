"""Contrast of a brand's colours by WCAG 2.2, and the text colour that reads on each of them."""

from __future__ import annotations

MINIMUM_TEXT = 4.5  # WCAG 2.2 SC 1.4.3, text
MINIMUM_GRAPHIC = 3.0  # SC 1.4.11, parts of the interface
BLACK, WHITE = "#000000", "#ffffff"


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, 0 (black) to 1 (white)."""
    parts = []
    for at in (1, 3, 5):
        value = int(colour[at : at + 2], 16) / 255
        parts.append(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
    red, green, blue = parts
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def text_on(colour: str) -> tuple[str, float]:
    """Black or white, whichever reads better on ``colour``, and its ratio (at least 4.58)."""
    return max(
        ((text, contrast(text, colour)) for text in (WHITE, BLACK)), key=lambda pair: pair[1]
    )
