"""Sizes and shares: never more than the whole, and never less for more."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_planning import shipped_catalog

from barberpro.catalog.model import Market, Vertical
from barberpro.planning.names import database_names
from barberpro.planning.sizing import Sizing, market_for, size, total_sizes

CATALOG = shipped_catalog()
MARKETS = ("small", "medium", "large", "enterprise")
MULTIPLIER = st.integers(1, 1000).map(lambda tenths: tenths / 10)


def sized(market: str | Market, vertical: str | Vertical) -> Sizing:
    return size(
        CATALOG.markets[market] if isinstance(market, str) else market,
        CATALOG.verticals[vertical] if isinstance(vertical, str) else vertical,
        CATALOG,
        database_names("x"),
    )


def multiplied(vertical: str, cpu: float, memory: float, storage: float) -> Vertical:
    known = CATALOG.verticals[vertical]
    allocation = {"cpu_multiplier": cpu, "memory_multiplier": memory, "storage_multiplier": storage}
    return known.model_copy(
        update={"resource_allocation": known.resource_allocation.model_copy(update=allocation)}
    )


def totals(sizing: Sizing) -> tuple[int, int, Fraction]:
    """Millicores, MiB and GB of all parts at their smallest."""
    servers = 1 + sizing.database.read_replicas_min
    cpu = sum(w.cpu_millicores * w.replicas_min for w in sizing.workloads)
    memory = sum(w.memory_mib * w.replicas_min for w in sizing.workloads)
    return (
        cpu + sizing.database.cpu_millicores * servers + sizing.cache.cpu_millicores,
        memory + sizing.database.memory_mib * servers + sizing.cache.memory_mib,
        Fraction(sizing.database.storage_gb) * servers,
    )


def test_the_manuals_figures_times_the_verticals_multipliers() -> None:
    sizes = total_sizes(CATALOG.markets["large"], CATALOG.verticals["psychology"])
    assert (sizes.cpu_cores, sizes.memory_gb, sizes.storage_gb) == (24.0, 64.0, 3000.0)
    assert (sizes.concurrent_users, sizes.daily_bookings) == (1000, 2000)
    sizes = total_sizes(CATALOG.markets["small"], CATALOG.verticals["barbershop"])
    assert (sizes.cpu_cores, sizes.memory_gb, sizes.storage_gb) == (2.0, 4.8, 200.0)


@pytest.mark.parametrize("vertical", sorted(CATALOG.verticals))
@pytest.mark.parametrize("market", MARKETS)
def test_every_service_has_a_share_and_the_shares_fit(market: str, vertical: str) -> None:
    sizing = sized(market, vertical)
    names = [workload.name for workload in sizing.workloads]
    assert len(names) == len(set(names))
    assert {
        "api-gateway", "booking", "provider", "client", "catalog", "payment", "notification",
        "whatsapp-webhook", "calendar-sync", "integration-processor",
    } <= set(names)  # fmt: skip
    assert set(CATALOG.verticals[vertical].specialized_workloads) <= set(names)
    assert all(w.cpu_millicores > 0 and w.memory_mib > 0 for w in sizing.workloads)
    assert all(w.replicas_min <= w.replicas_max for w in sizing.workloads)
    cpu, memory, storage = totals(sizing)
    assert cpu <= sizing.sizes.cpu_cores * 1000
    assert memory <= sizing.sizes.memory_gb * 1024
    assert storage <= sizing.sizes.storage_gb


@settings(deadline=None)
@given(
    st.sampled_from(MARKETS), st.sampled_from(sorted(CATALOG.verticals)), MULTIPLIER, MULTIPLIER, MULTIPLIER
)  # fmt: skip
def test_shares_never_exceed_the_whole(
    market: str, vertical: str, cpu: float, memory: float, storage: float
) -> None:
    sizing = sized(market, multiplied(vertical, cpu, memory, storage))
    used_cpu, used_memory, used_storage = totals(sizing)
    assert used_cpu <= Fraction(repr(sizing.sizes.cpu_cores)) * 1000
    assert used_memory <= Fraction(repr(sizing.sizes.memory_gb)) * 1024
    assert used_storage <= Fraction(repr(sizing.sizes.storage_gb)) + Fraction(1, 10**6)


@settings(deadline=None)
@given(
    st.sampled_from(MARKETS), st.tuples(MULTIPLIER, MULTIPLIER), st.tuples(MULTIPLIER, MULTIPLIER)
)
def test_more_multiplier_is_never_less_of_anything(
    market: str, low: tuple[float, float], high: tuple[float, float]
) -> None:
    pairs = [sorted(pair) for pair in zip(low, high, strict=True)]
    less = sized(market, multiplied("fitness", pairs[0][0], pairs[1][0], pairs[1][0]))
    more = sized(market, multiplied("fitness", pairs[0][1], pairs[1][1], pairs[1][1]))
    for one, other in zip(less.workloads, more.workloads, strict=True):
        assert one.cpu_millicores <= other.cpu_millicores
        assert one.memory_mib <= other.memory_mib
    assert less.database.memory_mib <= more.database.memory_mib
    assert less.database.storage_gb <= more.database.storage_gb
    assert less.cache.cpu_millicores <= more.cache.cpu_millicores


@pytest.mark.parametrize("vertical", sorted(CATALOG.verticals))
def test_a_larger_market_is_never_less_of_anything(vertical: str) -> None:
    sizings = [sized(market, vertical) for market in MARKETS]
    for less, more in pairwise(sizings):
        for one, other in zip(less.workloads, more.workloads, strict=True):
            assert (
                one.cpu_millicores * one.replicas_min <= other.cpu_millicores * other.replicas_min
            )
            assert one.memory_mib * one.replicas_min <= other.memory_mib * other.replicas_min
            assert one.replicas_min <= other.replicas_min
            assert one.replicas_max <= other.replicas_max
        assert less.database.memory_mib <= more.database.memory_mib
        assert less.database.read_replicas_max <= more.database.read_replicas_max
        assert less.cache.nodes_max <= more.cache.nodes_max


def test_the_bounds_of_the_manual() -> None:
    for market in MARKETS:
        sizing = sized(market, "barbershop")
        gateway = sizing.workloads[0]
        assert gateway.name == "api-gateway"
        assert 2 <= gateway.replicas_min <= gateway.replicas_max <= 20
        assert (gateway.target_cpu_percent, gateway.target_memory_percent) == (70, 80)
        assert (gateway.scale_up_seconds, gateway.scale_down_seconds) == (120, 300)
        assert 1 == sizing.database.read_replicas_min <= sizing.database.read_replicas_max <= 5
        assert 3 == sizing.cache.nodes_min <= sizing.cache.nodes_max <= 12
        assert (sizing.database.replica_cpu_threshold, sizing.cache.memory_threshold) == (75, 80)
    largest = sized("enterprise", "barbershop")
    assert largest.workloads[0].replicas_max == 20
    assert (largest.database.read_replicas_max, largest.cache.nodes_max) == (5, 12)


@pytest.mark.parametrize(
    ("users", "requests", "market"),
    [
        (100, 50, "small"), (101, 50, "medium"), (10, 51, "medium"), (501, 0, "large"),
        (0, 201, "large"), (2001, 0, "enterprise"), (0, 1001, "enterprise"), (0, 0, "small"),
    ],
)  # fmt: skip
def test_the_thresholds_of_the_manual(users: int, requests: int, market: str) -> None:
    assert market_for(users, requests, CATALOG.policies) == market
