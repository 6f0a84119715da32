"""Where a deployment can run and for whom: markets (size classes), regions, and providers of machines
with the country, the legal adequacy and the dated price facts of each of their locations.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from barberpro.catalog.figures import (
    CountryCode,
    IsoDate,
    Milliseconds,
    Model,
    People,
    QuantityText,
    Slug,
    Text,
    Url,
    UsdText,
)
from barberpro.catalog.verticals import Names

Confidence = Literal["primary", "quoted", "secondary", "inferred", "not-verified"]
Adequacy = Literal["domestic", "adequate", "not-adequate"]
PriceItem = Literal["control-plane", "load-balancer", "block-storage", "object-storage", "egress"]
PriceUnit = Literal["hour", "month", "gib-month", "gib"]


class Market(Model):
    """Minimum infrastructure of one size class (manual, "Resource Planning"). Memory and storage in GB."""

    id: Slug = ""
    cpu_cores: QuantityText
    memory_gb: QuantityText
    storage_gb: QuantityText
    concurrent_users: QuantityText
    estimated_bookings_daily: QuantityText

    @property
    def title(self) -> str:
        return (
            f"{self.cpu_cores} cores, {self.memory_gb} GB of memory, {self.storage_gb} GB of storage, "
            f"{self.concurrent_users} users at once, {self.estimated_bookings_daily} bookings a day"
        )


class Region(Model):
    """Where the clients are (manual, "Geographic Scaling"): ``argentina-central`` and so on."""

    id: Slug = ""
    location: Text
    population_coverage: People
    latency_target: Milliseconds  # as int milliseconds
    country: CountryCode
    timezone: Text
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class PriceFact(Model):
    """What a provider's public list said on one day. USD per ``unit``; taxes not included."""

    item: PriceItem
    unit: PriceUnit
    usd: UsdText
    as_of: IsoDate
    source: Text
    confidence: Confidence
    note: str = ""


class NodePrice(Model):
    """One machine shape on demand; ``usd_per_hour`` is its list price in the location."""

    name: Text
    vcpus: Annotated[int, Field(ge=1, le=1024)]
    memory_gib: Annotated[int, Field(ge=1, le=8192)]
    usd_per_hour: UsdText
    as_of: IsoDate
    source: Text
    confidence: Confidence
    note: str = ""


class StorageClass(Model):
    """A Kubernetes StorageClass that the provider offers; ``rwo`` is ReadWriteOnce."""

    name: Text
    provisioner: Text
    encrypted_at_rest: bool
    expandable: bool


class ProviderLocation(Model):
    """A place where data rest. ``control_plane_country`` is where the orchestrator's own data rest
    (Secrets, ConfigMaps): a transfer of its own when it differs from ``country``.
    """

    name: Text
    country: CountryCode
    control_plane_country: CountryCode
    adequacy: Adequacy  # of ``country``, under Ley 25.326 art. 12 and Disp. 60-E/2016
    control_plane_adequacy: Adequacy
    zones: Annotated[tuple[Text, ...], Field(min_length=1)]
    nodes: Annotated[tuple[NodePrice, ...], Field(min_length=1)]
    prices: tuple[PriceFact, ...]
    source: Text
    as_of: IsoDate
    note: str = ""


class Provider(Model):
    """Where machines come from (``providers/<id>.yaml``)."""

    provider: Slug
    name: Text
    kind: Literal["cloud", "own"]
    targets: Annotated[tuple[Literal["local", "kubernetes"], ...], Field(min_length=1)]
    default_location: Text
    locations: Annotated[dict[Text, ProviderLocation], Field(min_length=1)]
    storage_classes: tuple[StorageClass, ...]
    reserved_discount_percent: Annotated[int, Field(ge=0, le=90)]  # one year, partly paid upfront
    reserved_discount_source: Text
    note: str = ""
    documentation: Url | None = None

    @property
    def id(self) -> str:
        return self.provider

    @property
    def default(self) -> ProviderLocation:
        return self.locations[self.default_location]


__all__ = [
    "Adequacy", "Confidence", "Market", "Names", "NodePrice", "PriceFact", "PriceItem", "PriceUnit",
    "Provider", "ProviderLocation", "Region", "StorageClass",
]  # fmt: skip
