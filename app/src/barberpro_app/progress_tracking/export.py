"""A person's measures as a CSV file that a spreadsheet opens, in Spanish or English."""

from __future__ import annotations

import csv
import io

from barberpro_app.progress_tracking.schemas import MeasureKinds, Measurements

#: What a spreadsheet would read as a formula (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(found: Measurements, kinds: MeasureKinds, locale: str) -> str:
    """One row per value, oldest first; numbers with a decimal point; with a byte order mark."""
    names = {kind.key: (kind.names.get(locale) or kind.key, kind.unit) for kind in kinds.items}
    spanish = locale.startswith("es")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(
        ["fecha", "medida", "nombre", "valor", "unidad", "nota"]
        if spanish
        else ["date", "measure", "name", "value", "unit", "note"]
    )
    for item in found.items:
        name, unit = names.get(item.kind, (item.kind, ""))
        writer.writerow(
            [item.measured_on.isoformat(), item.kind, _safe(name), _number(item.value), _safe(unit),
             _safe(item.note)]
        )  # fmt: skip
    return "\ufeff" + out.getvalue()


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
