"""What a visit looks like to callers, and what they may ask."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from barberpro_app.booking.schemas import Booking, Contact, Note
from barberpro_app.kit.schemas import Instant, Request, Version


class LineRequest(Request):
    """One service; without a provider, whoever is free, the same for all lines where that fits."""

    service_id: UUID
    provider_id: UUID | None = None


class VisitHoldRequest(Request):
    """Asks for the time of several services to be kept, in this order, one after the other."""

    location_id: UUID
    starts_at: Instant
    lines: Annotated[tuple[LineRequest, ...], Field(min_length=1, max_length=6)]


class VisitBookRequest(VisitHoldRequest):
    """Books at once. `override_reason` lets staff go past hours, notice and window, not overlap."""

    client: Contact | None = None
    client_id: UUID | None = None
    note: Note = ""
    override_reason: Note | None = None


class VisitMoveRequest(Request):
    """Moves all of a visit; each line stays with its provider, or with whoever is free if anybody
    was asked for."""

    starts_at: Instant
    version: Version | None = None
    override_reason: Note | None = None


class Visit(Booking):
    """A visit as one booking: its first line that is not cancelled, with the times, names and sums
    of all such lines. `lines` are the bookings, in order, with those that were cancelled."""

    lines: list[Booking]
