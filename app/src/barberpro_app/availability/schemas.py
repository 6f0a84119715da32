"""Questions about free times, and their answers."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Day, Instant, Request

MAX_DAYS = 62


class AvailabilityQuery(Request):
    """Free times of a service at a location for `days` days from `first`, in the location's zone.

    Without a provider: of everybody who gives the service there.
    """

    service_id: UUID
    location_id: UUID
    first: Day
    days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 7
    provider_id: UUID | None = None


class Slot(Answer):
    """A time that can be booked, with who is free then, in the order of the business."""

    starts_at: Instant
    ends_at: Instant
    provider_ids: list[UUID]


class AvailableDay(Answer):
    """One day; `holiday` is the name of the holiday that closes it, if one does."""

    day: date
    holiday: str | None
    slots: list[Slot]


class Availability(Answer):
    """The answer to an `AvailabilityQuery`."""

    zone: str
    days: list[AvailableDay]
