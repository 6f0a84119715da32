"""Questions about free times, and their answers."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from barberpro_app.kit.schemas import Answer, Instant


class AvailabilityQuery(BaseModel):
    """Free times of a service at a location for `days` days from `first`, in the location's zone.

    Without a provider: of everybody who gives the service there.
    """

    model_config = ConfigDict(frozen=True)

    service_id: UUID
    location_id: UUID
    first: date
    days: int = 7
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
