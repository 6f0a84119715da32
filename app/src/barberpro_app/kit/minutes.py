"""An hour of the day as a caller writes it, "09:30", and as minutes since midnight, 570."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

MIDNIGHT = 1440
_TIME = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")


def parse(value: object) -> int:
    """ "HH:MM" to minutes; "24:00" is the midnight that ends the day. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MIDNIGHT:
        return value
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    minutes = int(match[1]) * 60 + int(match[2]) if match else MIDNIGHT + 1
    if minutes > MIDNIGHT:
        raise ValueError('must be a time like "09:30", at most "24:00"')
    return minutes


def text(minutes: int) -> str:
    """570 to "09:30"."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


TimeOfDay = Annotated[
    int,
    BeforeValidator(parse, json_schema_input_type=Annotated[str, Field(pattern=_TIME.pattern)]),
    PlainSerializer(text, return_type=str),
]
