"""Questions about free times, and their answers."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Day, Instant, Request

MAX_DAYS = 62
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
VisitLine = Annotated[str, Field(pattern=f"^{_UUID}(:{_UUID})?$")]


class AvailabilityQuery(Request):
    """Free times of a service at a location for `days` days from `first`, in the location's zone.

    Without a provider: of everybody who gives the service there.
    """

    service_id: UUID
    location_id: UUID
    first: Day
    days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 7
    provider_id: UUID | None = None


class VisitQuery(Request):
    """Free times of several services in one visit; each line is the key of a service, and after a
    colon the key of the provider if it has to be that one."""

    line: Annotated[list[VisitLine], Field(min_length=1, max_length=6)]
    location_id: UUID
    first: Day
    days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 7

    @property
    def wishes(self) -> list[tuple[UUID, UUID | None]]:
        """Service and provider of each line."""
        parts = [item.partition(":") for item in self.line]
        return [(UUID(service), UUID(who) if who else None) for service, _, who in parts]


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
