"""Types of the API's bodies: strict requests, bounded texts, instants with an offset.

A request refuses unknown keys, control characters, over-long texts and instants out of the range
that the database and the business can mean; each is a 422 with the path of the field.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

FIRST_YEAR, LAST_YEAR = 2000, 2100
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+"
)
_PHONE = re.compile(r"\+?[0-9 ()./-]{5,30}")


class Request(BaseModel):
    """A body that a caller sends."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Answer(BaseModel):
    """A body that the API sends."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _printable(value: str) -> str:
    # Cc: control, Cs: lone surrogate (cannot be stored), Co and Cn: means nothing to a reader;
    # Cf: invisible, and may turn the direction of text round it
    for character in value:
        if character != "\n" and unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn", "Cf"}:
            raise ValueError("control characters are not allowed")
    return unicodedata.normalize("NFC", value)


def one_line(value: str) -> str:
    if "\n" in value:
        raise ValueError("must be one line")
    return _printable(value)


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("not an e-mail address")
    return value.lower()


def _phone(value: str) -> str:
    if not _PHONE.fullmatch(value):
        raise ValueError("not a telephone number")
    return value


def _in_range(value: datetime) -> datetime:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"must be between the years {FIRST_YEAR} and {LAST_YEAR}")
    return value.astimezone(UTC)


def only_text(value: object) -> object:
    """For dates and instants: pydantic would read a number as seconds since 1970."""
    if not isinstance(value, (str, date)):
        raise ValueError("must be a text in ISO 8601")
    return value


def _day_in_range(value: date) -> date:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"must be between the years {FIRST_YEAR} and {LAST_YEAR}")
    return value


Sentence = Annotated[str, AfterValidator(_printable)]
Line = Annotated[str, Field(max_length=200), AfterValidator(one_line)]
Name = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(one_line)]
Email = Annotated[str, Field(min_length=3, max_length=254), AfterValidator(_email)]
Phone = Annotated[str, Field(min_length=5, max_length=31), AfterValidator(_phone)]
Instant = Annotated[AwareDatetime, BeforeValidator(only_text), AfterValidator(_in_range)]
Day = Annotated[date, BeforeValidator(only_text), AfterValidator(_day_in_range)]
Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Locale = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
Version = Annotated[int, Field(ge=1, le=2_147_483_647)]
Centavos = Annotated[int, Field(ge=0, le=100_000_000_000)]
