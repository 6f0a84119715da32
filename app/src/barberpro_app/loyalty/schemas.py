"""Loyalty in the JSON API."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Instant, Line, Name, Request, Version


class RuleDraft(Request):
    """`stamps` stamps give `percent` off a visit: 100 is free. A completed visit (of one service, or
    any) gives one, or with `per_centavos` one for each so many centavos of its price.

    A stamp is good until the end of the day `valid_days` after its visit, in the zone of the shop.
    """

    name: Name
    service_id: UUID | None = None
    stamps: Annotated[int, Field(ge=1, le=50)]
    percent: Annotated[int, Field(ge=1, le=100)]
    per_centavos: Annotated[int, Field(ge=100, le=10_000_000_000)] | None = None
    valid_days: Annotated[int, Field(ge=1, le=3650)] = 365


class RuleSwitch(Request):
    """Ends a rule, or starts it again; stamps that were given stay good."""

    active: bool
    version: Version


class Rule(Answer):
    """A rule of the loyalty programme."""

    id: UUID
    name: str
    service_id: UUID | None
    stamps: int
    percent: int
    per_centavos: int | None
    valid_days: int
    active: bool
    version: int


class Rules(Answer):
    """All rules, the smallest card first."""

    items: list[Rule]


class LevelDraft(Request):
    """Who came `visits` times within a year gets `stamps` for each stamp, from then on."""

    name: Annotated[Name, Field(max_length=60)]
    visits: Annotated[int, Field(ge=1, le=500)]
    stamps: Annotated[int, Field(ge=1, le=5)]


class Level(Answer):
    """A level of regular clients."""

    id: UUID
    name: str
    visits: int
    stamps: int


class Levels(Answer):
    """All levels, the lowest first."""

    items: list[Level]


class Card(Answer):
    """A client's stamps under one rule; `full` says that a reward can be redeemed."""

    rule: Rule
    stamps: int
    full: bool
    next_expiry: Instant | None


class Cards(Answer):
    """The cards of a client, the level that `visits` visits within a year gave, and the next one."""

    items: list[Card]
    visits: int
    level: Level | None
    next_level: Level | None


class Reward(Answer):
    """A card that was spent on a booking."""

    id: UUID
    rule_id: UUID
    rule_name: str
    booking_id: UUID
    discount_centavos: int
    redeemed_at: Instant


class StampDraft(Request):
    """A stamp that the front desk gives without a visit in the agenda, and why."""

    rule_id: UUID
    reason: Annotated[Line, Field(min_length=3, max_length=200)]


class Stamp(Answer):
    """The stamp that was given."""

    id: UUID


class StampByHand(Answer):
    """A stamp that the front desk gave, and why."""

    id: UUID
    rule_name: str
    reason: str
    created_at: Instant


class RedeemRequest(Request):
    """Spend a full card on a confirmed booking of its client."""

    rule_id: UUID


class Redeemed(Answer):
    """What came off the price, in centavos."""

    discount_centavos: int
