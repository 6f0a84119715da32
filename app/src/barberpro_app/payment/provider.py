"""What this product needs of whoever takes payments online; Mercado Pago is one, others may follow.

Paying happens at the provider's own page: no card number comes near this product (PCI DSS SAQ A).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


class ProviderError(Exception):
    """The provider did not do it. `final`: it never will; otherwise try again later."""

    def __init__(self, message: str, *, final: bool = False, status: int = 0) -> None:
        super().__init__(message)
        self.final = final
        self.status = status


@dataclass(frozen=True, slots=True)
class CheckoutWish:
    """What the payer's page shows. `key` is the payment's, and makes a retry harmless."""

    key: UUID
    title: str
    amount_centavos: int
    currency: str
    expires_at: datetime
    back_url: str
    notification_url: str | None


@dataclass(frozen=True, slots=True)
class Checkout:
    """The provider's page for one payment."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Facts:
    """A payment as the provider has it now; amounts in hundredths of `currency`."""

    id: str
    reference: str
    status: str
    currency: str
    amount: int
    reversed: int
    fee: int
    last_change: datetime

    def as_json(self) -> dict[str, Any]:
        """As `mercado_pago_apply` in the database takes it."""
        return {
            "id": self.id,
            "reference": self.reference,
            "status": self.status,
            "currency": self.currency,
            "amount": self.amount,
            "reversed": self.reversed,
            "fee": self.fee,
            "last_change": self.last_change.isoformat(),
        }


class OnlineProvider(Protocol):
    """Every method raises `ProviderError`, and nothing else, when the provider does not do it."""

    async def open_checkout(self, wish: CheckoutWish) -> Checkout:
        """A page to pay at, until `expires_at`."""
        ...

    async def payment(self, payment_id: str) -> Facts | None:
        """The payment of this number; None if there is none."""
        ...

    async def payments_of(self, reference: UUID) -> list[Facts]:
        """Every payment made for one of ours."""
        ...

    async def refund(self, payment_id: str, amount_centavos: int, key: UUID) -> None:
        """Gives so much back, once per `key`."""
        ...
