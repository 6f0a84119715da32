"""Rules of price and deposit, and quotes, as the API shows and takes them."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from barberpro_app.kit.schemas import Answer, Centavos, Instant, Request, Version

Weekday = Annotated[int, Field(ge=1, le=7)]
Weekdays = Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)]
AmountKind = Literal["fixed", "percent"]
Applies = Literal["always", "new_client", "no_shows"]


class PriceRuleDraft(Request):
    """A price for what matches; what is left out matches everything. Minutes are since local
    midnight; `percent` is of the service's or provider's own price."""

    service_id: UUID | None = None
    provider_id: UUID | None = None
    weekdays: Weekdays | None = None
    from_minute: Annotated[int, Field(ge=0, le=1439)] | None = None
    to_minute: Annotated[int, Field(ge=1, le=1440)] | None = None
    kind: AmountKind
    amount_centavos: Centavos | None = None
    percent: Annotated[int, Field(ge=0, le=1000)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.from_minute is None) != (self.to_minute is None):
            raise ValueError("from_minute and to_minute go together")
        if (self.from_minute or 0) >= (1441 if self.to_minute is None else self.to_minute):
            raise ValueError("from_minute must be before to_minute")
        _check_amount(self.kind, self.amount_centavos, self.percent)
        return self


class PriceRule(Answer):
    """A rule of price. Of those that match a booking the most specific decides."""

    id: UUID
    service_id: UUID | None
    provider_id: UUID | None
    weekdays: list[int] | None
    from_minute: int | None
    to_minute: int | None
    kind: AmountKind
    amount_centavos: int | None
    percent: int | None
    active: bool
    version: int


class PriceRules(Answer):
    """All rules of price, newest first."""

    items: list[PriceRule]


class DepositRuleDraft(Request):
    """What has to be paid ahead, of which service, by whom. `percent` is of the price."""

    service_id: UUID | None = None
    applies: Applies = "always"
    no_shows: Annotated[int, Field(ge=1, le=100)] | None = None
    kind: AmountKind
    amount_centavos: Centavos | None = None
    percent: Annotated[int, Field(ge=0, le=100)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.applies == "no_shows") != (self.no_shows is not None):
            raise ValueError("no_shows is given with applies=no_shows, and only then")
        _check_amount(self.kind, self.amount_centavos, self.percent)
        return self


class DepositRule(Answer):
    """A rule of deposits. Of those whose condition holds the highest amount counts."""

    id: UUID
    service_id: UUID | None
    applies: Applies
    no_shows: int | None
    kind: AmountKind
    amount_centavos: int | None
    percent: int | None
    active: bool
    version: int


class DepositRules(Answer):
    """All rules of deposits, newest first."""

    items: list[DepositRule]


class RuleSwitch(Request):
    """Puts a rule to use or out of it; what it says does not change: write a new one for that."""

    version: Version
    active: bool


class QuoteRequest(Request):
    """What would be booked; without a provider the price of the service itself."""

    service_id: UUID
    location_id: UUID
    starts_at: Instant
    provider_id: UUID | None = None


class Quote(Answer):
    """Price and deposit. `deposit_may_be_centavos` is the most that may be asked of a visitor whom
    the business does not know yet (a first booking, or one after missed ones)."""

    currency: str
    base_centavos: int
    price_centavos: int
    deposit_centavos: int
    deposit_may_be_centavos: int


def _check_amount(kind: AmountKind, amount: int | None, percent: int | None) -> None:
    if (kind == "fixed") != (amount is not None) or (kind == "percent") != (percent is not None):
        raise ValueError("a fixed rule has amount_centavos, a percentage has percent")
