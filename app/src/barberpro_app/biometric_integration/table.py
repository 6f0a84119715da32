"""CSV with named columns, in Spanish or English: one activity a row.

Start and duration are needed, the rest may be empty; units are in the names of the columns. Other
columns are let be. A row that cannot be read refuses the file and is named.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from barberpro_app.biometric_integration.errors import (
    FileBrokenError,
    FileRefusedError,
    NoActivityError,
)
from barberpro_app.biometric_integration.summary import JOULES_PER_KCAL, Activity, Reading, sum_up

MOST_ROWS = 2000
#: Metres of an international mile and foot.
_MILE, _FOOT = 1609.344, 0.3048
#: What a column may be called -> the figure, and what one of its units is in ours.
_COLUMNS: Mapping[str, tuple[str, float]] = {
    "start": ("start", 1), "inicio": ("start", 1), "fecha": ("start", 1), "date": ("start", 1),
    "sport": ("sport", 1), "deporte": ("sport", 1), "actividad": ("sport", 1),
    "activity": ("sport", 1), "type": ("sport", 1), "tipo": ("sport", 1),
    "duration_s": ("elapsed", 1), "duracion_s": ("elapsed", 1),
    "duration_min": ("elapsed", 60), "duracion_min": ("elapsed", 60),
    "moving_s": ("moving", 1), "moving_min": ("moving", 60), "movimiento_min": ("moving", 60),
    "distance_m": ("distance", 1), "distancia_m": ("distance", 1),
    "distance_km": ("distance", 1000), "distancia_km": ("distance", 1000),
    "distance_mi": ("distance", _MILE), "distancia_mi": ("distance", _MILE),
    "heart_rate_avg": ("average", 1), "pulso_medio": ("average", 1), "fc_media": ("average", 1),
    "heart_rate_max": ("highest", 1), "pulso_maximo": ("highest", 1), "fc_max": ("highest", 1),
    "energy_kcal": ("energy", 1), "energia_kcal": ("energy", 1), "kcal": ("energy", 1),
    "calorias": ("energy", 1), "calories": ("energy", 1),
    "energy_kj": ("energy", 1000 / JOULES_PER_KCAL), "energia_kj": ("energy", 1000 / JOULES_PER_KCAL),
    "ascent_m": ("ascent", 1), "desnivel_m": ("ascent", 1), "ascent_ft": ("ascent", _FOOT),
}  # fmt: skip
_ACCENTS = str.maketrans("áéíóúüñ", "aeiouun")


def read(content: bytes, zone: ZoneInfo) -> list[Activity]:
    """`zone` of times that say none. Raises `FileRefusedError` for a table without the columns,
    `FileBrokenError` that names the row, `NoActivityError`, `ImplausibleError`."""
    text = _text(content)
    head = text.split("\n", 1)[0]
    delimiter = max(";\t,", key=head.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    found: list[Activity] = []
    try:
        columns = [_COLUMNS.get(_plain(name)) for name in next(rows, [])]
        names = [column[0] for column in columns if column]
        if "start" not in names or "elapsed" not in names:
            raise FileRefusedError(field="file")
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if len(found) >= MOST_ROWS:
                raise FileRefusedError(f"A table may have {MOST_ROWS} rows.", field="file")
            found.append(_activity(columns, row, rows.line_num, zone))
    except csv.Error as error:
        raise FileBrokenError(field="file") from error
    if not found:
        raise NoActivityError(field="file")
    return found


def _text(content: bytes) -> str:
    if b"\0" in content:
        raise FileRefusedError(field="file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")  # as spreadsheets save it here


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower().translate(_ACCENTS)).strip("_")


def _activity(
    columns: list[tuple[str, float] | None], row: list[str], line: int, zone: ZoneInfo
) -> Activity:
    values: dict[str, float] = {}
    start: datetime | None = None
    sport = ""
    for column, cell in zip(columns, row, strict=False):
        if column is None or not cell.strip():
            continue
        name, factor = column
        if name == "start":
            start = _moment(cell.strip(), zone)
        elif name == "sport":
            sport = cell.strip()[:80]
        else:
            value = _decimal(cell)
            if value is None:
                raise FileBrokenError(f"Row {line}: a number is needed.", field="file")
            values[name] = value * factor
    if start is None or "elapsed" not in values:
        raise FileBrokenError(f"Row {line}: a start and a duration are needed.", field="file")
    return sum_up(
        Reading(
            starts_at=start,
            elapsed_seconds=values["elapsed"],
            sport=sport,
            moving_seconds=values.get("moving"),
            distance_m=values.get("distance"),
            heart_rate_avg=values.get("average"),
            heart_rate_max=values.get("highest"),
            energy_kcal=values.get("energy"),
            ascent_m=values.get("ascent"),
        )
    )


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """ISO 8601, or day/month/year with an hour, as people write it here."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        match = re.fullmatch(
            r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))?", text, re.ASCII
        )
        if match is None:
            return None
        day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
        try:
            found = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - zone below
        except ValueError:
            return None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _decimal(text: str) -> float | None:
    """With a decimal point or comma; no thousands."""
    plain = text.strip().replace(",", ".")
    if not re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", plain, re.ASCII):
        return None
    value = float(plain)
    return value if math.isfinite(value) else None
