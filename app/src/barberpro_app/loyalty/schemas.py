"""Loyalty in the JSON API."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Instant, Name, Request, Version


class RuleDraft(Request):
    """`stamps` completed visits (of one service, or any) give `percent` off the next: 100 is free.

    A stamp is good until the end of the day `valid_days` after its visit, in the zone of the shop.
    """

    name: Name
    service_id: UUID | None = None
    stamps: Annotated[int, Field(ge=1, le=50)]
    percent: Annotated[int, Field(ge=1, le=100)]
    valid_days: Annotated[int, Field(ge=1, le=3650)] = 365


class RuleSwitch(Request):
    """Ends a rule, or starts it again; stamps that were given stay good."""

    active: bool
    version: Version


class Rule(Answer):
    """A rule of the loyalty programme; a tier is a rule that asks for more stamps."""

    id: UUID
    name: str
    service_id: UUID | None
    stamps: int
    percent: int
    valid_days: int
    active: bool
    version: int


class Rules(Answer):
    """All rules, the smallest card first."""

    items: list[Rule]


class Card(Answer):
    """A client's stamps under one rule; `full` says that a reward can be redeemed."""

    rule: Rule
    stamps: int
    full: bool
    next_expiry: Instant | None


class Cards(Answer):
    """The cards of a client."""

    items: list[Card]


class RedeemRequest(Request):
    """Spend a full card on a confirmed booking of its client."""

    rule_id: UUID


class Redeemed(Answer):
    """What came off the price, in centavos."""

    discount_centavos: int
