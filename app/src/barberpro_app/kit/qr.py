"""QR codes (ISO/IEC 18004) of short addresses: as SVG for a page, as PNG for a mail."""

from __future__ import annotations

from io import BytesIO

import segno
from markupsafe import Markup

#: The quiet zone around a code, in modules (§5.3.8).
_BORDER = 4


def svg(text: str, label: str) -> Markup:
    """An inline picture, black on white in any colour scheme: not every reader takes the reverse."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(
        border=_BORDER, omitsize=True, title=label, dark="#000", light="#fff", svgclass="qr",
        lineclass=None,
    )  # fmt: skip
    return Markup(drawn.replace("<svg ", '<svg role="img" ', 1))  # noqa: S704 - the library's own


def png(text: str) -> bytes:
    """A picture of about 200 pixels a side."""
    out = BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=6, border=_BORDER)
    return out.getvalue()


def modules(text: str) -> list[list[bool]]:
    """The code as rows of dark and light modules, without a quiet zone; for print, with more
    redundancy than on a screen."""
    code = segno.make(text, error="q", micro=False)
    return [[bool(module) for module in row] for row in code.matrix]


def file(text: str, kind: str, dark: str, title: str = "") -> bytes:
    """A file of a code in a dark colour on white: `png` of about 1200 pixels a side, or `svg`."""
    code = segno.make(text, error="q", micro=False)
    out = BytesIO()
    options: dict[str, object] = {"border": _BORDER, "dark": dark, "light": "#ffffff"}
    if kind == "png":
        side = code.symbol_size(border=_BORDER)[0]
        code.save(out, kind="png", scale=max(1, round(1200 / side)), **options)
    else:
        code.save(out, kind="svg", scale=10, title=title, xmldecl=True, **options)
    return out.getvalue()
