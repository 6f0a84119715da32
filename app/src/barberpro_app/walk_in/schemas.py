"""Turns of who walked in, as the API shows and takes them."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from barberpro_app.booking.schemas import Party
from barberpro_app.kit.schemas import Answer, Instant, Name, Phone, Request


class WalkInDraft(Request):
    """Somebody who walked in, and what for; without a provider whoever is free first."""

    location_id: UUID
    service_id: UUID
    provider_id: UUID | None = None
    name: Name
    phone: Phone | None = None


class WalkInCall(Request):
    """Calls a turn: by the provider named, the one who is wanted, or whoever is free."""

    provider_id: UUID | None = None


class WalkInService(Answer):
    """The service with its name by locale."""

    id: UUID
    name: dict[str, str]


class WalkIn(Answer):
    """A turn of today. `number` is what is called out; `ahead` is how many are before it;
    `wait_minutes` an estimate from the agenda, null if it does not fit today. A `called` one is a
    booking of `called_by`."""

    id: UUID
    number: int
    name: str
    phone: str | None
    state: Literal["waiting", "called", "left", "no_answer"]
    location: Party
    day: date
    service: WalkInService
    provider: Party | None
    booking_id: UUID | None
    joined_at: Instant
    called_at: Instant | None
    called_by: str | None
    ahead: int | None
    wait_minutes: int | None = None
    version: int


class WalkInQueue(Answer):
    """The turns of today at a place: who waits, in order, then who was called, the latest first."""

    waiting: list[WalkIn]
    called: list[WalkIn]
