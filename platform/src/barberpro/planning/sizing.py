"""How large: market figures times the vertical's multipliers, divided among the parts.

All division is in whole millicores and MiB and rounds down, so that the parts never add up to more
than the whole. Each part's share grows with the whole and never falls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Literal

from barberpro.catalog.model import Catalog, Market, Policies, Vertical
from barberpro.catalog.policies import LoadThreshold
from barberpro.planning.model import Cache, Database, Sizes, Workload
from barberpro.planning.names import DatabaseNames

MIB_PER_GB = 1024  # the manual's "GB" of memory are what Kubernetes calls Gi
GATEWAY = "api-gateway"


@dataclass(frozen=True, slots=True)
class ScalingModel:
    """Where the manual gives bounds and no rule between them: our own estimate, in users that one
    unit serves, and the weights of the database and the cache beside those of the services."""

    users_per_replica: int = 500
    replica_headroom: int = 4  # the most replicas, as a multiple of the fewest
    users_per_read_replica: int = 1000
    users_per_cache_node: int = 400
    database_cpu_weight: int = 10
    database_memory_weight: int = 12
    cache_cpu_weight: int = 2
    cache_memory_weight: int = 4


SCALING = ScalingModel()


@dataclass(frozen=True, slots=True)
class Sizing:
    """What the parts of a deployment get."""

    sizes: Sizes
    workloads: tuple[Workload, ...]
    database: Database
    cache: Cache


@dataclass(frozen=True, slots=True)
class _Part:
    """One claim on the whole, before it is divided."""

    name: str
    kind: Literal["base", "specialized"]
    cpu_weight: int
    memory_weight: int
    scalable: bool


@dataclass(frozen=True, slots=True)
class _Whole:
    """What there is to divide: millicores and MiB, and the sums of the weights."""

    millicores: int
    mebibytes: int
    cpu_weights: int
    memory_weights: int

    def cpu(self, weight: int, pieces: int = 1) -> int:
        return self.millicores * weight // (self.cpu_weights * pieces)

    def memory(self, weight: int, pieces: int = 1) -> int:
        return self.mebibytes * weight // (self.memory_weights * pieces)


def total_sizes(market: Market, vertical: Vertical) -> Sizes:
    """Market figures times the vertical's multipliers (manual, "Resource Planning").

    An open-ended figure such as ``32+`` counts as its minimum. Users and bookings are the market's
    own: a vertical needs more machine per user, not more users.
    """
    factors = vertical.resource_allocation
    return Sizes(
        cpu_cores=_times(market.cpu_cores.minimum, factors.cpu_multiplier),
        memory_gb=_times(market.memory_gb.minimum, factors.memory_multiplier),
        storage_gb=_times(market.storage_gb.minimum, factors.storage_multiplier),
        concurrent_users=market.concurrent_users.minimum,
        daily_bookings=market.estimated_bookings_daily.minimum,
    )


def size(market: Market, vertical: Vertical, catalog: Catalog, names: DatabaseNames) -> Sizing:
    """Divides the whole among base and specialised workloads, the database and the cache."""
    policies = catalog.policies
    sizes = total_sizes(market, vertical)
    parts = tuple(chain(_base_parts(policies), _specialized_parts(policies, vertical)))
    model = SCALING
    whole = _Whole(
        millicores=int(_exact(sizes.cpu_cores) * 1000),
        mebibytes=int(_exact(sizes.memory_gb) * MIB_PER_GB),
        cpu_weights=sum(p.cpu_weight for p in parts)
        + model.database_cpu_weight
        + model.cache_cpu_weight,
        memory_weights=sum(p.memory_weight for p in parts)
        + model.database_memory_weight
        + model.cache_memory_weight,
    )
    return Sizing(
        sizes=sizes,
        workloads=tuple(_workload(part, whole, market, policies) for part in parts),
        database=_database(whole, market, policies, names, sizes.storage_gb),
        cache=_cache(whole, market, policies),
    )


def thresholds(policies: Policies) -> tuple[tuple[str, LoadThreshold, str], ...]:
    """Market, the load that it bears, and the market that is due beyond (manual, "Vertical Scaling")."""
    limits = policies.resource_limits
    return (
        ("small", limits.small_to_medium_threshold, "medium"),
        ("medium", limits.medium_to_large_threshold, "large"),
        ("large", limits.large_to_enterprise_threshold, "enterprise"),
    )


def market_for(concurrent_users: int, requests_per_second: int, policies: Policies) -> str:
    """The market that this load calls for: a threshold that either figure exceeds makes the next due."""
    due = "small"
    for _, limit, beyond in thresholds(policies):
        if (
            concurrent_users > limit.concurrent_users
            or requests_per_second > limit.requests_per_second
        ):
            due = beyond
    return due


def _exact(value: float) -> Fraction:
    """The decimal that ``value`` prints as: 1.2 is six fifths, not the binary number beside it."""
    return Fraction(repr(value))


def _times(figure: int, multiplier: float) -> float:
    return float(figure * _exact(multiplier))


def _base_parts(policies: Policies) -> Iterable[_Part]:
    for service in policies.base_services:
        yield _Part(
            service.name, "base", service.cpu_weight, service.memory_weight, service.scalable
        )


def _specialized_parts(policies: Policies, vertical: Vertical) -> Iterable[_Part]:
    for name in vertical.specialized_workloads:
        yield _Part(
            name,
            "specialized",
            policies.specialized_service_cpu_weight,
            policies.specialized_service_memory_weight,
            scalable=True,
        )


def _workload(part: _Part, whole: _Whole, market: Market, policies: Policies) -> Workload:
    scaling = policies.auto_scaling_policies.api_gateway
    low, high = _replicas(part, market, policies)
    return Workload(
        name=part.name,
        kind=part.kind,
        cpu_millicores=whole.cpu(part.cpu_weight, low),
        memory_mib=whole.memory(part.memory_weight, low),
        replicas_min=low,
        replicas_max=high,
        target_cpu_percent=scaling.target_cpu_utilization,
        target_memory_percent=scaling.target_memory_utilization,
        scale_up_seconds=scaling.scale_up_cooldown,
        scale_down_seconds=scaling.scale_down_cooldown,
    )


def _replicas(part: _Part, market: Market, policies: Policies) -> tuple[int, int]:
    """Bounds: as many as the market's users call for, inside the manual's policy.

    The gateway has at least the policy's minimum, so that one may fail; an open-ended market may
    grow to the policy's maximum.
    """
    if not part.scalable:
        return 1, 1
    policy = policies.auto_scaling_policies.api_gateway
    model = SCALING
    floor = policy.min_replicas if part.name == GATEWAY else 1
    needed = _ceil(market.concurrent_users.minimum, model.users_per_replica)
    low = min(max(needed, floor), policy.max_replicas)
    high = min(max(low * model.replica_headroom, policy.min_replicas), policy.max_replicas)
    return low, policy.max_replicas if market.concurrent_users.open_ended else max(low, high)


def _database(
    whole: _Whole, market: Market, policies: Policies, names: DatabaseNames, storage_gb: float
) -> Database:
    policy = policies.auto_scaling_policies.database.read_replicas
    model = SCALING
    needed = _ceil(market.concurrent_users.minimum, model.users_per_read_replica)
    servers = 1 + policy.min
    return Database(
        name=names.database,
        owner_role=names.owner_role,
        app_role=names.app_role,
        storage_gb=float(_exact(storage_gb) / servers),
        read_replicas_min=policy.min,
        read_replicas_max=min(max(needed, policy.min), policy.max),
        replica_cpu_threshold=policy.cpu_threshold,
        cpu_millicores=whole.cpu(model.database_cpu_weight, servers),
        memory_mib=whole.memory(model.database_memory_weight, servers),
    )


def _cache(whole: _Whole, market: Market, policies: Policies) -> Cache:
    policy = policies.auto_scaling_policies.cache_layer.redis_cluster_nodes
    model = SCALING
    needed = _ceil(market.concurrent_users.minimum, model.users_per_cache_node)
    return Cache(
        nodes_min=policy.min,
        nodes_max=min(max(needed, policy.min), policy.max),
        memory_threshold=policy.memory_threshold,
        cpu_millicores=whole.cpu(model.cache_cpu_weight),
        memory_mib=whole.memory(model.cache_memory_weight),
    )


def _ceil(figure: int, unit: int) -> int:
    return -(-figure // unit)
