"""The monthly cost adds up to the cent and is held against the manual's targets."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support_planning import BARBERSHOP, PSYCHOLOGY, plan_of, request_of, shipped_catalog

from barberpro.planning.inventory import Inventory
from barberpro.planning.model import Plan
from barberpro.planning.plans import make_plan

CATALOG = shipped_catalog()
CLOUD = {"target": "kubernetes", "provider": "aws"}


def every_plan() -> list[Plan]:
    return [
        plan_of(vertical=vertical, market=market, provider=provider, target="kubernetes")
        for vertical in CATALOG.verticals
        for market in CATALOG.markets
        for provider in ("aws", "on-premises")
    ]


def test_lines_add_up_to_the_total_and_say_where_each_price_is_from() -> None:
    for plan in every_plan():
        cost = plan.cost
        assert sum(Decimal(entry.monthly_usd) for entry in cost.lines) == Decimal(cost.monthly_usd)
        for entry in cost.lines:
            assert entry.source
            assert entry.as_of >= "2025"
            assert Decimal(entry.monthly_usd) == (
                Decimal(repr(entry.quantity)) * Decimal(entry.unit_price_usd)
            ).quantize(Decimal("0.01"), "ROUND_HALF_UP")


def test_the_cost_per_booking_is_over_a_month_of_730_hours() -> None:
    plan = plan_of(**CLOUD)
    bookings = Decimal(plan.sizes.daily_bookings) * 730 / 24
    expected = (Decimal(plan.cost.monthly_usd) / bookings).quantize(Decimal("0.0001"))
    assert Decimal(plan.cost.per_booking_usd) == expected


def test_sixty_percent_of_the_hours_are_reserved_where_the_provider_has_a_price() -> None:
    cost = plan_of(**CLOUD).cost
    machines = [entry for entry in cost.lines if entry.item.startswith("machines")]
    reserved, demand = machines
    assert "reserved 60 % (1 year, partial upfront" in reserved.item
    assert "on demand" in demand.item
    assert reserved.quantity / (reserved.quantity + demand.quantity) == pytest.approx(0.6)
    discount = CATALOG.providers["aws"].reserved_discount_percent
    assert (
        Decimal(reserved.unit_price_usd) == Decimal(demand.unit_price_usd) * (100 - discount) / 100
    )


def test_nothing_is_reserved_where_there_is_nothing_to_reserve() -> None:
    cost = plan_of(target="kubernetes", provider="on-premises").cost
    assert [entry.item for entry in cost.lines if "reserved" in entry.item] == []


def test_machines_hold_what_the_deployment_needs() -> None:
    for plan in every_plan():
        shape = plan.cost.lines[0].item.split("(")[1]
        count = int(plan.cost.lines[0].item.split()[1])
        vcpus, memory = (int(part.split()[0]) for part in shape.split(")")[0].split(","))
        assert count * vcpus >= plan.sizes.cpu_cores
        assert count * memory >= plan.sizes.memory_gb


def test_a_larger_market_costs_more() -> None:
    totals = [
        Decimal(plan_of(**CLOUD, market=market).cost.monthly_usd)
        for market in ("small", "medium", "large", "enterprise")
    ]
    assert totals == sorted(set(totals))


def test_targets_of_the_manual_stand_beside_the_cost() -> None:
    cost = plan_of(BARBERSHOP).cost
    assert (cost.target_monthly_usd, cost.target_per_booking_usd) == ("350", "0.15")
    cost = plan_of(PSYCHOLOGY).cost
    assert (cost.target_monthly_usd, cost.target_per_booking_usd) == ("600", "0.50")


def test_above_the_target_is_a_finding_and_below_is_none() -> None:
    above = plan_of(**CLOUD, market="enterprise")
    assert Decimal(above.cost.monthly_usd) > 350
    (finding,) = [f for f in above.findings if f.id == "cost-monthly-above-target"]
    assert above.cost.monthly_usd in finding.evidence
    assert not [f for f in plan_of().findings if f.id.startswith("cost-")]


def test_a_vertical_without_a_target_is_noted() -> None:
    catalog = CATALOG.model_copy(
        update={"policies": CATALOG.policies.model_copy(update={"cost_targets": {}})}
    )
    plan = make_plan(request_of(), catalog, Inventory())
    assert plan.cost.target_monthly_usd is None
    assert [f.id for f in plan.findings if f.id.startswith("cost-")] == ["cost-no-target"]
