"""The waiting list as the API shows and takes it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from barberpro_app.booking.schemas import Contact, Party
from barberpro_app.kit.schemas import Answer, Day, Instant, Request

PartOfDay = Literal["morning", "afternoon", "evening"]
EntryState = Literal["waiting", "offered", "taken", "left", "lapsed", "over"]
PARTS: tuple[PartOfDay, ...] = ("morning", "afternoon", "evening")


class WaitingDraft(Request):
    """What somebody waits for: a service at a place, with a provider or with anybody, on days from
    `first_day` to `last_day`, in some parts of them (before 12, before 18, after); or `seats` in a full
    session. A signed-in client needs no contact; others give an e-mail address."""

    service_id: UUID
    location_id: UUID
    provider_id: UUID | None = None
    session_id: UUID | None = None
    seats: Annotated[int, Field(ge=1, le=50)] = 1
    first_day: Day
    last_day: Day
    parts: Annotated[list[PartOfDay], Field(min_length=1, max_length=3)] = Field(
        default_factory=lambda: list(PARTS)
    )
    client: Contact | None = None
    client_id: UUID | None = None

    @model_validator(mode="after")
    def _in_order(self) -> WaitingDraft:
        if self.first_day > self.last_day:
            raise ValueError("`first_day` must not be after `last_day`")
        return self


class WaitingService(Answer):
    """The service with its name by locale."""

    id: UUID
    name: dict[str, str]


class WaitingEntry(Answer):
    """A place in line. `position` counts who waits for something of the same, from 1. An `offered` one
    has a hold, `booking_id`, that is kept until `answer_by`: confirm it or cancel it. `lapsed`: there
    was no answer; `over`: its days have passed."""

    id: UUID
    state: EntryState
    position: int | None
    joined_at: Instant
    service: WaitingService
    location: Party
    provider: Party | None
    client: Party
    session_id: UUID | None
    seats: int
    first_day: date
    last_day: date
    parts: list[PartOfDay]
    booking_id: UUID | None
    answer_by: Instant | None
    version: int


class WaitingEntries(Answer):
    """Who waits, first come first."""

    items: list[WaitingEntry]


class WaitingRules(Answer):
    """`answer_minutes`: how long an offer is kept; `cutoff_hours`: nothing that starts sooner is offered."""

    enabled: bool
    answer_minutes: int
    cutoff_hours: int
    version: int


class WaitingRulesChange(Request):
    """What the owner sets; `version` as read, 0 at first."""

    version: Annotated[int, Field(ge=0, le=2_147_483_647)]
    enabled: bool = True
    answer_minutes: Annotated[int, Field(ge=5, le=1440)] = 60
    cutoff_hours: Annotated[int, Field(ge=0, le=168)] = 3
