"""The timetable and its rules, as the API shows and takes them."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from barberpro_app.booking.schemas import BookedService, Note, Party
from barberpro_app.catalog.schemas import Capacity, Minutes
from barberpro_app.group_session.schemas import Place
from barberpro_app.kit.minutes import TimeOfDay
from barberpro_app.kit.schemas import Answer, Day, Instant, Request, Version

Weekday = Annotated[int, Field(ge=1, le=7)]
Hour = Annotated[TimeOfDay, Field(ge=0, le=1439)]


class SkippedDay(Answer):
    """A day on which a class is not given, and why: `holiday`, `time_off`, `taken`, or a code."""

    day: date
    why: str


class GymClass(Answer):
    """A line of the timetable: every week on `weekday` (ISO, 1 is Monday) at `starts`, local time. `seats` are what `capacity` or the service says; `coming` sessions are there
    already, with `booked` bookings in them."""

    id: UUID
    weekday: int
    starts: TimeOfDay
    minutes: int | None
    capacity: int | None
    seats: int
    place: str
    valid_from: date
    valid_to: date | None
    ended_at: Instant | None
    version: int
    service: BookedService
    provider: Party
    location: Party
    coming: int
    booked: int
    skipped: list[SkippedDay]


class GymClassList(Answer):
    """The timetable, in order of weekday and hour."""

    items: list[GymClass]


class ClassDraft(Request):
    """A new class. Minutes and capacity are the service's unless they are given."""

    service_id: UUID
    provider_id: UUID
    location_id: UUID
    weekday: Weekday
    starts: Hour
    minutes: Minutes | None = None
    capacity: Capacity | None = None
    place: Place = ""
    valid_from: Day
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> ClassDraft:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("`valid_to` is before `valid_from`")
        return self


class ClassChange(ClassDraft):
    """A class as it shall be, read at `version`; service and location stay what they are.

    Sessions on days that it does not have any more are cancelled. `apply`: those to come that nobody
    changed by hand follow it, and who is booked is told.
    """

    version: Version
    apply: bool = True
    reason: Note = ""


class ClassEnd(Request):
    """Ends a class; its sessions to come are cancelled with their bookings, which are told `reason`."""

    version: Version
    reason: Note = ""


class ClassRules(Answer):
    """What holds for classes.

    `weeks_ahead`: so far ahead sessions are made. `late_hours`: from so many hours before a class on
    cancelling is late; null: the business's rule for all bookings holds. A late one costs credit and
    deposit (`late_charges`) and counts as missed (`late_counts`). `block_overdue`: who owes a
    membership's period or a past booking for more than `grace_days` books with the team alone.
    """

    weeks_ahead: int
    late_hours: int | None
    late_charges: bool
    late_counts: bool
    block_overdue: bool
    grace_days: int
    version: int


class ClassRulesChange(Request):
    """What the owner sets; `version` as read, 0 at first."""

    version: Annotated[int, Field(ge=0, le=2_147_483_647)]
    weeks_ahead: Annotated[int, Field(ge=1, le=26)] = 5
    late_hours: Annotated[int, Field(ge=1, le=168)] | None = None
    late_charges: bool = True
    late_counts: bool = True
    block_overdue: bool = False
    grace_days: Annotated[int, Field(ge=0, le=365)] = 5
