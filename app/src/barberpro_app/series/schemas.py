"""Series as the API shows and takes them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from barberpro_app.booking.schemas import Note, Party, Status
from barberpro_app.kit.schemas import Answer, Day, Instant, Request, Version

Days = Annotated[list[Day], Field(max_length=200)]


class SeriesDraft(Request):
    """Repeats a confirmed booking every so many weeks: `count` times with it, or `until` a day, or until
    it is ended. A day that is closed is left out, or moved to the next one (`next_day`). `skip` are
    days with another conflict that may be left out. A seat is taken in the session of that time; a day
    that has none yet (`no_session`) is left out, and taken when there is one. `use_credits` pays each with a credit of the
    client's package when it comes near."""

    every_weeks: Annotated[int, Field(ge=1, le=26)] = 1
    count: Annotated[int, Field(ge=2, le=200)] | None = None
    until: Day | None = None
    on_closed: Literal["skip", "next_day"] = "skip"
    use_credits: bool = False
    skip: Days = Field(default_factory=list)
    version: Version | None = None

    @model_validator(mode="after")
    def _one_end(self) -> SeriesDraft:
        if self.count is not None and self.until is not None:
            raise ValueError("give `count` or `until`, not both")
        return self


class SeriesPart(Answer):
    """A planned day: its booking, or the problem why there is none. `pay_until` is the deadline of a
    deposit that a `held` one waits for."""

    number: int
    planned_on: date
    booking_id: UUID | None
    code: str | None
    starts_at: Instant | None
    status: Status | None
    pay_until: Instant | None
    problem: str | None


class SeriesService(Answer):
    """The service with its name by locale."""

    id: UUID
    name: dict[str, str]


class Kept(Answer):
    """A booking that a move left where it is, and why."""

    booking_id: UUID
    day: date
    problem: str


class Series(Answer):
    """A series; `weekday` is ISO, `minute` of the local day in `zone`. `more`: further bookings are made
    when they come within the time that is booked ahead. `seats` are taken each time of a group's session.
    `kept` only after a move."""

    id: UUID
    state: Literal["active", "done", "ended"]
    client_id: UUID
    service: SeriesService
    provider: Party
    zone: str
    weekday: int
    minute: int
    every_weeks: int
    count: int | None
    until: date | None
    on_closed: Literal["skip", "next_day"]
    use_credits: bool
    seats: int
    more: bool
    version: int
    parts: list[SeriesPart]
    kept: list[Kept] = Field(default_factory=list)


class SeriesEnd(Request):
    """Ends a series; `following` also cancels from `booking_id` on, `all` all that is to come."""

    scope: Literal["end", "following", "all"]
    booking_id: UUID | None = None
    reason: Note = ""
    version: Version | None = None
    override_reason: Note | None = None


class SeriesMove(Request):
    """Moves a booking with what follows, or all that is to come, by as much. `keep` are days of which
    bookings may stay where they are if they cannot be moved."""

    scope: Literal["following", "all"] = "following"
    booking_id: UUID
    starts_at: Instant
    provider_id: UUID | None = None
    keep: Days = Field(default_factory=list)
    version: Version | None = None
    override_reason: Note | None = None


class SeriesRules(Answer):
    """`deposit`: asked for with the `first` booking or with `each`; `pay_hours`: how long before its
    start one has to have it."""

    deposit: Literal["first", "each"]
    pay_hours: int
    version: int


class SeriesRulesChange(Request):
    """What the owner sets; `version` as read, 0 at first."""

    version: Annotated[int, Field(ge=0, le=2_147_483_647)]
    deposit: Literal["first", "each"] = "first"
    pay_hours: Annotated[int, Field(ge=1, le=720)] = 48
