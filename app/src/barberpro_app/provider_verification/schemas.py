"""Bodies of licences in the JSON API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Day, Line, Request, Sentence, Version

Kind = Literal["national", "provincial"]
Status = Literal["pending", "verified", "rejected", "expired"]
Number = Annotated[Line, Field(min_length=1, max_length=40, pattern=r"^[0-9A-Za-z./ -]+$")]


class LicenceDraft(Request):
    """A licence that a professional says to have."""

    kind: Kind
    number: Number
    jurisdiction: Annotated[Line, Field(min_length=2, max_length=80)]


class Review(Request):
    """What whoever checked it with the college or REFEPS found."""

    status: Literal["verified", "rejected"]
    valid_until: Day | None = None
    recheck_on: Day | None = None
    note: Annotated[Sentence, Field(max_length=500)] = ""
    version: Version


class Licence(Answer):
    """`kind` is `provisional` for those who were here when verification was first demanded."""

    id: UUID
    provider_id: UUID
    provider_name: str
    kind: Literal["national", "provincial", "provisional"]
    number: str
    jurisdiction: str
    status: Status
    valid_until: date | None
    recheck_on: date | None
    note: str
    reviewed_by: str
    reviewed_at: datetime | None
    has_document: bool
    version: int


class ProviderState(Answer):
    """Whether a provider may be booked, and what is to do."""

    provider_id: UUID
    name: str
    bookable: bool
    licences: list[Licence]
    todo: Literal["none", "add", "review", "replace_provisional", "recheck"]


class VerificationList(Answer):
    """Every active provider. `required`: only the verified are booked here."""

    required: bool
    items: list[ProviderState]
