"""Plans that are sold, passes that clients bought, credits that bookings take."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Instant, Line, Name, Request, Version
from barberpro_app.payment.schemas import Amount, Method

PlanKind = Literal["package", "membership"]


class PlanDraft(Request):
    """A package gives its credits once, for `days`; a membership gives them for each period of
    `days` that is paid. Without services a credit pays every one."""

    name: Name
    kind: PlanKind = "package"
    credits: Annotated[int, Field(ge=1, le=500)]
    days: Annotated[int, Field(ge=1, le=1100)]
    price_centavos: Amount
    services: Annotated[tuple[UUID, ...], Field(max_length=200)] = ()
    online: bool = True


class Plan(Answer):
    """What is sold."""

    id: UUID
    name: str
    kind: PlanKind
    credits: int
    days: int
    price_centavos: int
    services: list[UUID]
    active: bool
    online: bool
    version: int


class PlanList(Answer):
    """All plans, in order of price."""

    items: list[Plan]


class PlanSwitch(Request):
    """Puts a plan on sale or takes it off; passes that were sold stay."""

    version: Version
    active: bool


class Sale(Request):
    """Sells a plan. `pass_id` adds a period to a membership. Online the answer has the address to
    pay at, and the credits come with the money."""

    plan_id: UUID
    client_id: UUID | None = None
    pass_id: UUID | None = None
    method: Method
    reference: Annotated[Line, Field(max_length=100)] = ""


class Pass(Answer):
    """What a client bought: credits that are `left` now, and those of periods to come. A membership
    that was ended has no other period after those that are paid."""

    id: UUID
    plan_id: UUID
    client_id: UUID | None
    name: str
    kind: PlanKind
    left: int
    coming: int
    ends_at: Instant | None
    ended_at: Instant | None
    created_at: Instant


class PassList(Answer):
    """A client's passes, newest first."""

    items: list[Pass]


class Redemption(Request):
    """Pays a booking with a credit, of one pass or of the one that ends first."""

    pass_id: UUID | None = None


class Use(Answer):
    """The credit that a booking took, and what is left of its period."""

    booking_id: UUID
    pass_id: UUID
    state: Literal["taken", "earned"]
    left: int
    ends_at: Instant
