"""Payments as the API shows and takes them."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from barberpro_app.booking.schemas import Contact, Note
from barberpro_app.kit.schemas import Answer, Instant, Line, Request, Sentence

Method = Literal["cash", "transfer", "mercado_pago"]
State = Literal["pending", "approved", "expired", "failed"]
Amount = Annotated[int, Field(ge=1, le=100_000_000_000)]


class Payment(Answer):
    """What was asked for or handed over. `refunding_centavos` is on its way back."""

    id: UUID
    booking_id: UUID | None
    purchase_id: UUID | None
    client_id: UUID | None
    client_name: str | None
    booking_code: str | None
    method: Method
    currency: str
    amount_centavos: int
    state: State
    received_centavos: int
    refunded_centavos: int
    refunding_centavos: int
    refund_failed: bool
    reference: str
    checkout_url: str | None
    expires_at: Instant | None
    receipt_number: int | None
    created_at: Instant
    paid_at: Instant | None

    @property
    def left_centavos(self) -> int:
        """What of it could still be given back."""
        return self.received_centavos - self.refunded_centavos - self.refunding_centavos


class PaymentPage(Answer):
    """Payments, newest first; `next` is the `after` of the next page."""

    items: list[Payment]
    next: UUID | None = None


class PaymentSearch(Request):
    """Which payments, and which page of them."""

    booking_id: UUID | None = None
    client_id: UUID | None = None
    state: State | None = None
    after: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ByHand(Request):
    """Cash or a transfer that was received. A hold needs the client, if it has none yet; it is
    confirmed once its deposit is there."""

    method: Literal["cash", "transfer"]
    amount_centavos: Amount
    reference: Annotated[Line, Field(max_length=100)] = ""
    client: Contact | None = None
    client_id: UUID | None = None
    note: Note = ""


class CheckoutRequest(Request):
    """Asks for a page to pay at: the deposit, or all that is due. A hold needs the client."""

    what: Literal["deposit", "all"] = "deposit"
    client: Contact | None = None
    client_id: UUID | None = None
    note: Note = ""


class RefundRequest(Request):
    """Gives a part back, or without an amount all that is left."""

    amount_centavos: Amount | None = None
    reason: Annotated[Sentence, Field(max_length=500)] = ""


class BookingMoney(Answer):
    """Where a booking stands. `due_centavos` of the price is not paid yet; of the deposit
    `deposit_due_centavos`, before which a hold is not confirmed."""

    booking_id: UUID
    currency: str
    price_centavos: int
    deposit_centavos: int
    paid_centavos: int
    due_centavos: int
    deposit_due_centavos: int
    covered: bool
    online: bool
    payments: list[Payment]
