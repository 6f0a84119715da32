"""What is kept about a person, as a page shows it: by subject, with names that people know."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from barberpro_app.web.site.rendering import Reader

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
#: How PostgreSQL writes a stretch of time.
_STRETCH = re.compile(r'[\[(]"([^"]+)","([^"]+)"[\])]')
#: Field -> the texts that have its values in words.
_WORDS = {
    "status": "status",
    "sport": "sport",
    "sex": "sex",
    "aim": "aim",
    "method": "money.method",
    "purpose": "consent",
    "written_by": "kept_by",
    "imported_by": "kept_by",
    "given_by": "kept_by",
    "source": "kept_by",
    "how": "kept_by",
    "accepted_how": "kept_by",
    "parts": "picker",
    "kind": "kept_word",
    "state": "kept_word",
    "on_closed": "series.closed",
    "delivery": "kept_word",
    "channel": "consent.channel",
}
#: The same where one subject has words of its own.
_OF_SUBJECT = {
    ("payment", "state"): "money.state",
    ("series", "state"): "series.state",
    ("portfolio_item", "state"): "photos.state",
    ("treatment_plan", "state"): "plan.state",
    ("clinical_access", "purpose"): "look",
    ("data_request", "kind"): "request",
    ("data_request", "state"): "request.state",
    ("message", "kind"): "told",
    ("message", "state"): "told.state",
}
_LANGUAGES = {"es-AR": "Español", "en": "English"}
#: Of the running of the program, and in the file of data for whoever wants them.
_HIDDEN = re.compile(
    r"(^|_)(id|version|hash|sha256|key|moves)$|^held_by$|^text$|^document$|^plain_name$|^phone_tail$"
    r"|^hold_|^next_|^(zone|any_provider|checks|checkout_url|reference|wa_id|actor_kind|minute)$"
    r"|^(recorded_by|accepted_by|deposit|lines|latest|signs_in|media_type|chunks|bytes|proved)$"
)
MOST = 200


@dataclass(frozen=True)
class Part:
    """One subject with its rows; each row is pairs of a name and a value."""

    title: str
    rows: Sequence[Sequence[tuple[str, str]]]
    left_out: int


def parts(reader: Reader, data: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Part]:
    """The subjects in order: the person first."""
    found = []
    for table, rows in data.items():
        shown = [_row(reader, table, row) for row in rows[-MOST:]]
        title = _named(reader, "kept", table)
        found.append(Part(title, [row for row in shown if row], max(0, len(rows) - MOST)))
    return found


def _row(reader: Reader, table: str, row: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (_label(reader, table, name), _in_words(reader, table, name, value))
        for name, value in row.items()
        # what did not happen is not listed
        if value not in (None, "", [], {}, False) and not _HIDDEN.search(name)
    ]


def _label(reader: Reader, table: str, name: str) -> str:
    own = f"kept_field.{table}.{name}"
    return reader.t(own) if reader.t.has(own) else _named(reader, "kept_field", name)


def _in_words(reader: Reader, table: str, name: str, value: object) -> str:
    key = f"{_OF_SUBJECT.get((table, name), '')}.{value}"
    if reader.t.has(key):
        return reader.t(key)
    if table == "treatment_plan" and name == "total" and isinstance(value, int):
        return reader.fmt.money(value)
    return _shown(reader, name, value)


def _named(reader: Reader, group: str, name: str) -> str:
    key = f"{group}.{name}"
    return reader.t(key) if reader.t.has(key) else name.replace("_", " ")


def _shown(reader: Reader, name: str, value: object) -> str:
    if isinstance(value, bool):
        return reader.t("setup.yes" if value else "setup.no")
    if isinstance(value, int) and name.endswith("_centavos"):
        return reader.fmt.money(value)
    if isinstance(value, str):
        return _text(reader, name, value)
    if isinstance(value, dict):
        pairs = ((_named(reader, "kept_field", key), _shown(reader, key, part))
                 for key, part in value.items() if part not in (None, "", [], {}))  # fmt: skip
        return "; ".join(f"{key}: {part}" for key, part in pairs)
    if isinstance(value, list):
        return ", ".join(_shown(reader, name, part) for part in value)
    return str(value)


def _text(reader: Reader, name: str, value: str) -> str:
    key = f"{_WORDS.get(name, '')}.{value}"
    if reader.t.has(key):
        return reader.t(key)
    if stretch := _STRETCH.fullmatch(value):
        return " – ".join(_text(reader, name, instant) for instant in stretch.groups())
    if _INSTANT.match(value):
        instant = datetime.fromisoformat(value)
        return reader.fmt.stamp(instant) if instant.tzinfo else value
    if _DAY.fullmatch(value):
        return reader.fmt.short_day(date.fromisoformat(value))
    return _LANGUAGES.get(value, value) if name == "locale" else value
