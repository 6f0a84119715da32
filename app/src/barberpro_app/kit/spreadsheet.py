"""Tables as files for spreadsheets: semicolons and a byte order mark, which a program set to Spanish
opens with a double click, and no text that it would take for a formula (CWE-1236)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

MEDIA_TYPE = "text/csv; charset=utf-8"
#: How a formula begins, also in full width; a tab or a line break lets one begin after it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def text(value: str) -> str:
    """A cell of text: an apostrophe before what would be a formula. Numbers need none."""
    return (
        f"'{value}" if value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA) else value
    )


def number(value: int, decimals: int, separator: str) -> str:
    """An integer of units of 10^-decimals with its decimal separator: 1250, 2 -> 12,50."""
    if not decimals:
        return str(value)
    digits = f"{abs(value):0{decimals + 1}d}"
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-decimals]}{separator}{digits[-decimals:]}"


def sheet(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The file; cells that came from people went through `text`, as the headings do here."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([text(name) for name in columns])
    writer.writerows(rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")
