"""An hour of the day as a caller writes it, "09:30", and as minutes since midnight, 570."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

PATTERN = r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$"
_TIME = re.compile(PATTERN, re.ASCII)


def parse(value: object) -> int:
    """ "HH:MM" to minutes; "24:00" is the midnight that ends the day. Raises ValueError."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError('must be a time like "09:30", at most "24:00"')
    hours, minutes = value.split(":")
    return int(hours) * 60 + int(minutes)


def text(minutes: int) -> str:
    """570 to "09:30"."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


TimeOfDay = Annotated[
    int,
    BeforeValidator(parse, json_schema_input_type=Annotated[str, Field(pattern=PATTERN)]),
    PlainSerializer(text, return_type=str),
]
