"""Figures as the manual writes them (``32+``, ``80ms``, ``$0.15``, ``120%``, ``7_years``), and what
they mean: plain numbers in one unit. The data keep the manual's spelling; code sees the numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)


class Model(BaseModel):
    """Base of the whole catalog: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _pattern(
    pattern: str, convert: Callable[[re.Match[str]], object], like: str
) -> BeforeValidator:
    compiled = re.compile(pattern, re.ASCII)

    def parse(value: object) -> object:
        match = compiled.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError(f"expected text like {like}")
        return convert(match)

    return BeforeValidator(parse)


def _schema(pattern: str, like: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$", "examples": [like]})


_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_SPAN = r"([1-9][0-9]{0,5})_(second|minute|hour|day)s?"
_YEARS = r"([1-9][0-9]{0,2})_years?"
_MILLISECONDS = r"([1-9][0-9]{0,5})ms"
_PERCENT = r"([0-9]{1,4})%(?:_unused)?"
_DOLLARS = r"\$([0-9]{1,9}(?:\.[0-9]{1,6})?)"
_PEOPLE = r"([1-9][0-9]{0,5})([kM])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_COLOR = r"#[0-9a-f]{6}"
_SLUG = r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*"
_AT_LEAST = re.compile(r"([0-9]{1,9})\+", re.ASCII)

Seconds = Annotated[
    int,
    _pattern(_SPAN, lambda m: int(m[1]) * _SECONDS[m[2]], "15_minutes"),
    _schema(_SPAN, "15_minutes"),
]
Years = Annotated[int, _pattern(_YEARS, lambda m: int(m[1]), "7_years"), _schema(_YEARS, "7_years")]
Milliseconds = Annotated[
    int, _pattern(_MILLISECONDS, lambda m: int(m[1]), "80ms"), _schema(_MILLISECONDS, "80ms")
]
Percent = Annotated[int, _pattern(_PERCENT, lambda m: int(m[1]), "120%"), _schema(_PERCENT, "120%")]
Dollars = Annotated[
    Decimal, _pattern(_DOLLARS, lambda m: Decimal(m[1]), "$0.15"), _schema(_DOLLARS, "$0.15")
]
People = Annotated[
    int,
    _pattern(_PEOPLE, lambda m: int(m[1]) * {"k": 1_000, "M": 1_000_000}[m[2]], "15M"),
    _schema(_PEOPLE, "15M"),
]
UsdText = Annotated[
    Decimal,
    _pattern(
        r"([0-9]{1,9}(?:\.[0-9]{1,8})?)", lambda m: Decimal(m[1]), '"0.0416" (text, in quotes)'
    ),
    _schema(r"[0-9]{1,9}(?:\.[0-9]{1,8})?", "0.0416"),
]
ClockTime = Annotated[str, Field(pattern=f"^{_CLOCK}$")]
Color = Annotated[str, Field(pattern=f"^{_COLOR}$")]
Slug = Annotated[str, Field(pattern=f"^{_SLUG}$", max_length=63)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
CountryCode = Annotated[str, Field(pattern="^[A-Z]{2}$")]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=500)]


def _iso_date(value: str) -> str:
    date.fromisoformat(value)
    return value


IsoDate = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_iso_date)]


class Quantity(Model):
    """A whole number, or at least so many: the manual's ``16`` and ``32+``."""

    minimum: Annotated[int, Field(ge=0)]
    open_ended: bool = False

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            return {"minimum": value}
        match = _AT_LEAST.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError("expected a whole number like 16, or 32+ for at least so many")
        return {"minimum": int(match[1]), "open_ended": True}

    def __str__(self) -> str:
        return f"{self.minimum}+" if self.open_ended else str(self.minimum)


QuantityText = Annotated[
    Quantity,
    WithJsonSchema(
        {
            "oneOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^[0-9]{1,9}\+$"},
            ]
        }
    ),
]
Multiplier = Annotated[float, Field(gt=0, le=100)]
