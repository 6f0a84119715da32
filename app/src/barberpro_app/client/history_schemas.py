"""What there was with a client, as the team sees it."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Instant


class Totals(Answer):
    """Counts of bookings; `missed` are those that count by the owner's rules."""

    bookings: int
    completed: int
    to_come: int
    missed: int
    cancelled: int
    first_at: Instant | None
    last_at: Instant | None


class PastBooking(Answer):
    """One booking; `service` by locale."""

    id: UUID
    code: str
    status: str
    starts_at: Instant
    zone: str
    service: dict[str, str]
    provider: str
    price_centavos: int


class OfSeries(Answer):
    """A booking that repeats, with the next of its days; `booking_id` opens its page."""

    id: UUID
    service: dict[str, str]
    provider: str
    every_weeks: int
    next_at: Instant | None
    booking_id: UUID | None


class PastPayment(Answer):
    """What a client paid, or was to pay; integer centavos of `currency`."""

    id: UUID
    at: Instant
    method: str
    state: str
    currency: str
    amount_centavos: int
    received_centavos: int
    refunded_centavos: int
    receipt_number: int | None
    booking_id: UUID | None


class Balance(Answer):
    """What the business owes the client (paid ahead), or the client the business (below zero)."""

    currency: str
    centavos: int


class Credits(Answer):
    """What is left of a package or membership."""

    pass_id: UUID
    name: str
    left: int
    credits: int
    ends_at: Instant


class Stamps(Answer):
    """How full a loyalty card is."""

    name: str
    stamps: int
    needed: int


class Told(Answer):
    """A message that was sent, or is to be; what it said is not kept here."""

    kind: str
    channel: str
    state: str
    at: Instant


class Agreed(Answer):
    """A consent or a yes or no to a channel, with the version of the text that it answers."""

    what: str
    text_version: str
    given: bool
    at: Instant
    revoked_at: Instant | None


class Waits(Answer):
    """A place on the waiting list."""

    id: UUID
    service: dict[str, str]
    first_day: date
    last_day: date
    state: str


class ClientHistory(Answer):
    """For a provider only what was booked with them: `money` and the rest are empty then."""

    totals: Totals
    bookings: list[PastBooking]
    series: list[OfSeries] = Field(default_factory=list)
    waiting: list[Waits] = Field(default_factory=list)
    balances: list[Balance] = Field(default_factory=list)
    payments: list[PastPayment] = Field(default_factory=list)
    credits: list[Credits] = Field(default_factory=list)
    stamps: list[Stamps] = Field(default_factory=list)
    messages: list[Told] = Field(default_factory=list)
    consents: list[Agreed] = Field(default_factory=list)
