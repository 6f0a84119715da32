"""A poster to print: A4, in the brand's colours, with a code that leads to where one books.

Everything is drawn as lines and letters but the logo, so that it is sharp at any size.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from fpdf import FPDF

from barberpro_app.brand.colours import Colour, nearest_readable, parse, readable_on
from barberpro_app.kit.latin import plain
from barberpro_app.kit.qr import modules

_WIDTH, _HEIGHT, _MARGIN = 210.0, 297.0, 20.0  # millimetres
_BAND, _CODE = 60.0, 116.0
#: The quiet zone around a code, in modules (ISO/IEC 18004 §5.3.8).
_QUIET = 4
Weight = Literal["", "B"]
_SOFT = (75, 72, 68)


@dataclass(frozen=True)
class Poster:
    """What stands on it. `logo` is a PNG, or nothing."""

    language: str
    name: str
    title: str
    text: str
    steps: Sequence[str]
    address: str
    foot: str
    colour: str
    logo: bytes = b""


def dark(colour: str) -> Colour:
    """The brand's colour, or the nearest that stands out from white as text has to; a camera needs
    no more."""
    return nearest_readable(parse(colour))


def render(poster: Poster) -> bytes:
    """The poster as PDF."""
    pdf = FPDF(format="A4")
    pdf.set_title(plain(f"{poster.title} · {poster.name}"))
    pdf.set_creator("BarberPro")
    pdf.set_lang(poster.language)
    pdf.set_margins(_MARGIN, _MARGIN)
    pdf.set_auto_page_break(False)
    pdf.add_page()
    colour = dark(poster.colour)
    _head(pdf, poster, colour)
    _title(pdf, poster, colour)
    _code(pdf, poster, colour)
    _foot(pdf, poster)
    return bytes(pdf.output())


def _head(pdf: FPDF, poster: Poster, colour: Colour) -> None:
    """A band with the name, or with the logo on a white plate."""
    pdf.set_fill_color(*colour)
    pdf.rect(0, 0, _WIDTH, _BAND, style="F")
    if poster.logo:
        box = (120.0, 40.0)
        left, top = (_WIDTH - box[0]) / 2, (_BAND - box[1]) / 2
        pdf.set_fill_color(255, 255, 255)
        pdf.rect(left - 6, top - 5, box[0] + 12, box[1] + 10, style="F", round_corners=True,
                 corner_radius=5)  # fmt: skip
        pdf.image(io.BytesIO(poster.logo), left, top, *box, keep_aspect_ratio=True,
                  alt_text=plain(poster.name))  # fmt: skip
        return
    pdf.set_text_color(*readable_on(colour))
    _centred(pdf, poster.name, _BAND / 2, 34, most_lines=2)
    pdf.set_text_color(0, 0, 0)


def _title(pdf: FPDF, poster: Poster, colour: Colour) -> None:
    pdf.set_text_color(*colour)
    _centred(pdf, poster.title, _BAND + 19, 38, most_lines=1)
    pdf.set_text_color(*_SOFT)
    _centred(pdf, poster.text, _BAND + 35, 15, style="", most_lines=2)
    pdf.set_text_color(0, 0, 0)


def _code(pdf: FPDF, poster: Poster, colour: Colour) -> None:
    rows = modules(poster.address)
    unit = _CODE / (len(rows) + 2 * _QUIET)
    left, top = (_WIDTH - _CODE) / 2, _BAND + 47
    pdf.set_fill_color(255, 255, 255)
    pdf.set_draw_color(*colour)
    pdf.set_line_width(0.8)
    pdf.rect(left - 3, top - 3, _CODE + 6, _CODE + 6, style="DF", round_corners=True,
             corner_radius=6)  # fmt: skip
    pdf.set_fill_color(*colour)
    for number, row in enumerate(rows):
        for start, length in _runs(row):
            pdf.rect(
                left + (_QUIET + start) * unit, top + (_QUIET + number) * unit, length * unit,
                unit + 0.01, style="F",
            )  # fmt: skip


def _runs(row: Sequence[bool]) -> list[tuple[int, int]]:
    """Where dark begins and how long it is: fewer rectangles, and no seams between them."""
    found: list[tuple[int, int]] = []
    for at, module in enumerate(row):
        if module and found and sum(found[-1]) == at:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif module:
            found.append((at, 1))
    return found


def _foot(pdf: FPDF, poster: Poster) -> None:
    top = _BAND + 47 + _CODE + 13
    pdf.set_text_color(0, 0, 0)
    wide = (_WIDTH - 2 * _MARGIN) / max(1, len(poster.steps))
    for number, step in enumerate(poster.steps):
        pdf.set_xy(_MARGIN + number * wide, top)
        pdf.set_font("Helvetica", style="B", size=14)
        pdf.multi_cell(wide, 6, plain(f"{number + 1}. {step}"), align="C")
    pdf.set_text_color(*_SOFT)
    _centred(
        pdf,
        poster.address.partition("://")[2].partition("?")[0].rstrip("/"),
        _HEIGHT - 34,
        16,
        most_lines=2,
    )
    if poster.foot:
        _centred(pdf, poster.foot, _HEIGHT - 20, 11, style="", most_lines=2)


def _centred(
    pdf: FPDF, text: str, middle: float, size: float, *, style: Weight = "B", most_lines: int
) -> None:
    """Text around a height, as large as asked for or as fits."""
    shown, width = plain(text), _WIDTH - 2 * _MARGIN
    while True:
        pdf.set_font("Helvetica", style=style, size=size)
        line = size * 0.42
        found = pdf.multi_cell(width, line, shown, align="C", dry_run=True, output="LINES")
        lines = list(cast("list[str]", found))
        if len(lines) <= most_lines or size <= 9:
            break
        size -= 1
    pdf.set_xy(_MARGIN, middle - line * min(len(lines), most_lines) / 2)
    pdf.multi_cell(width, line, "\n".join(lines[:most_lines]), align="C")
