"""Sessions of a group as callers see them, and what they may ask."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from barberpro_app.booking.schemas import BookedService, Note, Party
from barberpro_app.catalog.schemas import Capacity, Minutes
from barberpro_app.kit.schemas import Answer, Day, Instant, Line, Request, Version

MAX_DAYS = 62
#: More than the timetable of any one business has in so many days.
MOST_SESSIONS = 2000
Place = Annotated[Line, Field(max_length=80)]


class GroupSession(Answer):
    """A time at which a provider gives a service to a group.

    `free` are the seats that can be booked now: those of holds are taken until they end. Instants
    are UTC; `price_centavos` is of one seat.
    """

    id: UUID
    state: Literal["scheduled", "cancelled"]
    starts_at: Instant
    ends_at: Instant
    zone: str
    capacity: int
    free: int
    place: str
    cancel_reason: str | None
    price_centavos: int
    version: int
    service: BookedService
    provider: Party
    location: Party


class GroupSessionList(Answer):
    """Sessions in order of start; `zone` is that of the days asked for."""

    zone: str
    items: list[GroupSession]


class SessionSearch(Request):
    """Sessions that start on `days` days from `first`, in the location's zone."""

    first: Day
    days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 7
    location_id: UUID | None = None
    service_id: UUID | None = None
    provider_id: UUID | None = None


class SessionDraft(Request):
    """A new session. Minutes and capacity are the service's unless they are given.

    `override_reason` lets it lie on a holiday or in time off; the provider's other time stays taken.
    """

    service_id: UUID
    provider_id: UUID
    location_id: UUID
    starts_at: Instant
    minutes: Minutes | None = None
    capacity: Capacity | None = None
    place: Place = ""
    override_reason: Note | None = None


class SessionPatch(Request):
    """What to change of a session that was read at `version`; what is left out stays.

    Who is booked moves along and is told of a new time or provider.
    """

    version: Version
    starts_at: Instant | None = None
    minutes: Minutes | None = None
    provider_id: UUID | None = None
    capacity: Capacity | None = None
    place: Place | None = None
    override_reason: Note | None = None


class SessionCancel(Request):
    """Cancels a session with all bookings in it."""

    reason: Note = ""
    version: Version | None = None
