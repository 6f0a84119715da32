"""Rules of approval, and the answer to a request."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from barberpro_app.booking.schemas import Note
from barberpro_app.kit.schemas import Answer, Request, Version

Applies = Literal["always", "new_client", "no_shows"]
Deposit = Literal["before", "after"]
Hours = Annotated[int, Field(ge=1, le=168)]


class ApprovalRuleDraft(Request):
    """Which bookings of visitors wait for a yes; without a service, all. A request that nobody answers
    within `answer_hours` lapses. A deposit is paid `before` asking, or `after` the yes, within
    `pay_hours` of it."""

    service_id: UUID | None = None
    applies: Applies = "always"
    no_shows: Annotated[int, Field(ge=1, le=100)] | None = None
    deposit: Deposit = "after"
    answer_hours: Hours = 24
    pay_hours: Hours = 24

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.applies == "no_shows") != (self.no_shows is not None):
            raise ValueError("no_shows is given with applies=no_shows, and only then")
        return self


class ApprovalRule(Answer):
    """A rule of approval. The one for the service goes before one for all, of equals the newest."""

    id: UUID
    service_id: UUID | None
    applies: Applies
    no_shows: int | None
    deposit: Deposit
    answer_hours: int
    pay_hours: int
    active: bool
    version: int


class ApprovalRules(Answer):
    """All rules of approval, newest first."""

    items: list[ApprovalRule]


class Decision(Request):
    """The answer to a request; the reason is told to the client."""

    decision: Literal["approve", "decline"]
    reason: Note = ""
    version: Version | None = None
