"""Providers with their hours, breaks and time off."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from barberpro_app.kit.minutes import TimeOfDay
from barberpro_app.kit.schemas import (
    Answer,
    Day,
    Email,
    Instant,
    Key,
    Line,
    Name,
    Request,
    Sentence,
    Version,
)

LONGEST_TIME_OFF = timedelta(days=366)
Bio = Annotated[Sentence, Field(max_length=1000)]
Sort = Annotated[int, Field(ge=0, le=1_000_000)]
Locations = Annotated[tuple[UUID, ...], Field(max_length=100)]


class PublicProvider(Answer):
    """What everybody may see of a provider."""

    id: UUID
    key: str
    name: str
    bio: str
    location_ids: list[UUID]


class Provider(PublicProvider):
    """A provider as staff see it."""

    email: str | None
    active: bool
    sort: int
    version: int


class ProviderList(Answer):
    """Active providers in the order of the business."""

    items: list[PublicProvider]


class ProviderDraft(Request):
    """A new provider."""

    key: Key
    name: Name
    email: Email | None = None
    bio: Bio = ""
    sort: Sort = 0
    location_ids: Locations = ()


class ProviderPatch(Request):
    """What to change of a provider that was read at `version`."""

    version: Version
    name: Name | None = None
    email: Email | None = None
    bio: Bio | None = None
    active: bool | None = None
    sort: Sort | None = None
    location_ids: Locations | None = None


class Break(Request):
    """A pause within working hours."""

    starts: TimeOfDay
    ends: TimeOfDay


class WorkingHours(Request):
    """Hours of one weekday (ISO: 1 is Monday) at a location, in its zone; `valid_to` inclusive."""

    location_id: UUID
    weekday: Annotated[int, Field(ge=1, le=7)]
    opens: TimeOfDay
    closes: TimeOfDay
    breaks: Annotated[tuple[Break, ...], Field(max_length=10)] = ()
    valid_from: Day = date(2000, 1, 1)
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> WorkingHours:
        if self.opens >= self.closes:
            raise ValueError("`opens` must be before `closes`")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("`valid_to` must not be before `valid_from`")
        for pause in self.breaks:
            if not self.opens <= pause.starts < pause.ends <= self.closes:
                raise ValueError("a break must lie within the hours")
        return self


class Week(Request):
    """All hours of a provider; `version` is the provider's, as it was read."""

    version: Version
    hours: Annotated[tuple[WorkingHours, ...], Field(max_length=200)]


class WeekAnswer(Answer):
    """The hours of a provider, at the provider's `version`."""

    version: int
    hours: list[WorkingHours]


class TimeOffDraft(Request):
    """When somebody is away; at most a year."""

    starts_at: Instant
    ends_at: Instant
    reason: Line = ""

    @model_validator(mode="after")
    def _in_order(self) -> TimeOffDraft:
        if not timedelta(0) < self.ends_at - self.starts_at <= LONGEST_TIME_OFF:
            raise ValueError("`ends_at` must be after `starts_at`, by at most 366 days")
        return self


class TimeOff(Answer):
    """A time off, of a provider or of a whole location."""

    id: UUID
    provider_id: UUID | None
    location_id: UUID | None
    starts_at: Instant
    ends_at: Instant
    reason: str


class TimeOffList(Answer):
    """Times off that have not ended, in order."""

    items: list[TimeOff]


class TimeOffAdded(Answer):
    """A new time off, and how many bookings that it does not undo lie within it."""

    time_off: TimeOff
    bookings_within: int
