"""The catalog: everything that can be deployed and the rules for it, as frozen plain data.

This module gathers the types; they are defined by subject in ``verticals``, ``places``, ``policies``,
``contacts`` and ``controls``, and figures such as ``32+`` or ``$0.15`` in ``figures``.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from barberpro.catalog.contacts import BusinessHours, EmergencyContacts, Period, SupportChannels
from barberpro.catalog.controls import Control
from barberpro.catalog.figures import Model, Quantity
from barberpro.catalog.places import (
    Market,
    NodePrice,
    PriceFact,
    Provider,
    ProviderLocation,
    Region,
    StorageClass,
)
from barberpro.catalog.policies import (
    BaseService,
    CostAlert,
    CostTarget,
    Policies,
    Recovery,
    StageBudget,
)
from barberpro.catalog.verticals import Seed, Vertical, VerticalCompliance, Words
from barberpro.errors import InvalidInputError

T = TypeVar("T")


class UnknownNameError(InvalidInputError):
    """The catalog has no entry of that name."""


class Catalog(Model):
    """All entries by id. ``words`` and ``seeds`` have the same keys as ``verticals``."""

    verticals: Mapping[str, Vertical]
    words: Mapping[str, Words]
    seeds: Mapping[str, Seed]
    markets: Mapping[str, Market]
    regions: Mapping[str, Region]
    providers: Mapping[str, Provider]
    policies: Policies
    controls: Mapping[str, Control]

    def vertical(self, name: str) -> Vertical:
        return _named("vertical", self.verticals, name)

    def market(self, name: str) -> Market:
        return _named("market", self.markets, name)

    def region(self, name: str) -> Region:
        return _named("region", self.regions, name)

    def provider(self, name: str) -> Provider:
        return _named("provider", self.providers, name)

    def control(self, name: str) -> Control:
        return _named("control", self.controls, name)

    def controls_for(self, vertical: Vertical) -> tuple[Control, ...]:
        """The controls that apply to the vertical, in the order of the catalog."""
        return tuple(control for control in self.controls.values() if control.applies(vertical))


def _named(kind: str, entries: Mapping[str, T], name: str) -> T:
    """The entry, or ``UnknownNameError`` that suggests the nearest name and lists them all."""
    if name in entries:
        return entries[name]
    near = get_close_matches(name, entries, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UnknownNameError(
        f"unknown {kind} {name[:80]!r}",
        where=f"--{kind}",
        mend=f"{hint}the catalog has: {', '.join(sorted(entries))}",
    )


__all__ = [
    "BaseService", "BusinessHours", "Catalog", "Control", "CostAlert", "CostTarget", "EmergencyContacts",
    "Market", "Model", "NodePrice", "Period", "Policies", "PriceFact", "Provider", "ProviderLocation",
    "Quantity", "Recovery", "Region", "Seed", "StageBudget", "StorageClass", "SupportChannels",
    "UnknownNameError", "Vertical", "VerticalCompliance", "Words",
]  # fmt: skip
