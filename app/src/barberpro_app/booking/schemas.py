"""What a booking looks like to callers, and what they may ask."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import (
    Answer,
    Email,
    Instant,
    Line,
    Name,
    Phone,
    Request,
    Sentence,
    Version,
)

Status = Literal[
    "held", "requested", "confirmed", "arrived", "completed", "no_show", "cancelled", "expired"
]
Note = Annotated[Sentence, Field(max_length=500)]
Seats = Annotated[int, Field(ge=1, le=50)]


class Contact(Request):
    """The client of a booking; found again by e-mail, or made. `whatsapp`: the version of the text with
    which they agreed to messages by WhatsApp at this number, which must have its country code."""

    name: Name
    email: Email | None = None
    phone: Phone | None = None
    locale: Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] | None = None
    whatsapp: Annotated[Line, Field(min_length=1, max_length=40)] | None = None


class HoldRequest(Request):
    """Asks for a time to be kept; without a provider, whoever is free and has least to do.

    A service that is given to a group is booked in a session that starts then: in the one named,
    which must still be there, or in one with so many seats left.
    """

    service_id: UUID
    location_id: UUID
    starts_at: Instant
    provider_id: UUID | None = None
    session_id: UUID | None = None
    seats: Seats = 1


class ConfirmRequest(Request):
    """Turns a hold into a booking. A signed-in client needs no contact."""

    client: Contact | None = None
    client_id: UUID | None = None
    note: Note = ""


class BookRequest(HoldRequest):
    """Books at once. `override_reason` lets staff go past hours, notice and window, not overlap."""

    client: Contact | None = None
    client_id: UUID | None = None
    note: Note = ""
    override_reason: Note | None = None


class RescheduleRequest(Request):
    """Moves a booking; without a provider it stays with the same one, or goes into any session of
    its service that starts then."""

    starts_at: Instant
    provider_id: UUID | None = None
    session_id: UUID | None = None
    version: Version | None = None
    override_reason: Note | None = None


class CancelRequest(Request):
    """Cancels a booking. One of a class, after the notice of classes, costs its credit or deposit or
    counts as missed: it is cancelled with `accept_late` only."""

    reason: Note = ""
    version: Version | None = None
    accept_late: bool = False
    override_reason: Note | None = None


class StatusRequest(Request):
    """Sets what happened; `confirmed` takes a cancelled booking back if its time is free."""

    status: Literal["confirmed", "arrived", "completed", "no_show"]
    version: Version | None = None
    override_reason: Note | None = None


class Party(Answer):
    """A named thing that a booking refers to."""

    id: UUID
    name: str


class BookedResource(Answer):
    """A chair, a room or a machine that a booking takes; `kind` says which of these it is."""

    id: UUID
    name: str
    kind: str


class BookedService(Answer):
    """The service of a booking with its name by locale, and minutes as booked."""

    id: UUID
    name: dict[str, str]
    minutes: int


class BookedClient(Answer):
    """The client of a booking."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    locale: str | None


class Booking(Answer):
    """One booking or hold. Instants are UTC; `zone` is the IANA zone of the location. `seats` are
    those that it takes in its session, if it is in one."""

    id: UUID
    code: str
    status: Status
    starts_at: Instant
    ends_at: Instant
    zone: str
    price_centavos: int
    hold_expires_at: Instant | None
    hold_extended: bool
    source: str
    note: str
    cancel_reason: str | None
    any_provider: bool
    visit_id: UUID | None = None
    version: int
    created_at: Instant
    checked_in_at: Instant | None = None
    series_id: UUID | None = None
    provider: Party
    resources: list[BookedResource] = Field(default_factory=list)
    location: Party
    service: BookedService
    client: BookedClient | None
    session_id: UUID | None = None
    seats: int = 1
    place: str | None = None


class BookingPage(Answer):
    """A page of bookings, earliest first; `next` is the `after` of the next page."""

    items: list[Booking]
    next: str | None = None


class Agenda(Answer):
    """One day's bookings at a location or of a provider, in order of time."""

    day: date
    items: list[Booking]


class BookingSearch(Request):
    """Which bookings, and which page of them; `after` is the `next` of the page before."""

    client_id: UUID | None = None
    provider_id: UUID | None = None
    location_id: UUID | None = None
    session_id: UUID | None = None
    status: Annotated[list[Status], Field(max_length=8)] = Field(default_factory=list)
    starts_from: Instant | None = None
    starts_before: Instant | None = None
    after: Annotated[Line, Field(max_length=100)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
