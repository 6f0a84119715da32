"""Monthly cost from dated price facts, line by line, against the vertical's targets.

Decimal arithmetic throughout. A month is ``cost_model.hours_per_month`` hours (730, which are 30.4
days), for the hours of a machine and for the bookings of a day alike. Lines are rounded to cents,
half up, and the total is their sum. Taxes are not included: price lists have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from barberpro.catalog.model import (
    Catalog,
    CostTarget,
    NodePrice,
    Policies,
    PriceFact,
    Provider,
    ProviderLocation,
)
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import Cost, CostLine, Request, Sizes

_CENT = Decimal("0.01")
_PER_BOOKING = Decimal("0.0001")
_HOURS_PER_DAY = 24
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class _Month:
    """What a deployment uses in one month."""

    hours: Decimal
    storage_gib: Decimal
    bookings: Decimal
    egress_gib: Decimal


def make_cost(request: Request, sizes: Sizes, catalog: Catalog, location: ProviderLocation) -> Cost:
    """The cost of ``sizes`` at ``location``; the same figures in ``Cost`` and on its lines."""
    policies = catalog.policies
    month = _month(sizes, policies)
    lines = (
        *_node_lines(
            request, sizes, catalog.providers[request.provider], location, month, policies
        ),
        *_fact_lines(location.prices, month),
    )
    total = sum((Decimal(line.monthly_usd) for line in lines), Decimal(0)).quantize(_CENT)
    target = policies.cost_targets.get(request.vertical)
    return Cost(
        lines=lines,
        monthly_usd=str(total),
        per_booking_usd=str((total / month.bookings).quantize(_PER_BOOKING, ROUND_HALF_UP)),
        target_monthly_usd=None if target is None else str(target.monthly_infrastructure),
        target_per_booking_usd=None if target is None else str(target.per_unit),
    )


def cost_findings(cost: Cost, target: CostTarget | None) -> Iterator[Finding]:
    """A warning for each target that the cost is above; one note where the manual sets no target."""
    if target is None:
        yield Finding(
            id="cost-no-target",
            severity=Severity.INFO,
            what="The catalog sets no cost target for this vertical.",
            where="cost",
            why='Manual, "Reserved Instance Planning" (cost_targets)',
            mend="Add one to cost_targets in the catalog's policies to have the cost judged.",
        )
        return
    pairs = (
        ("monthly", "Monthly infrastructure", cost.monthly_usd, target.monthly_infrastructure),
        (f"per-{target.unit}", f"Cost per {target.unit}", cost.per_booking_usd, target.per_unit),
    )
    for key, title, actual, wanted in pairs:
        if Decimal(actual) > wanted:
            yield Finding(
                id=f"cost-{key}-above-target",
                severity=Severity.WARNING,
                what=f"{title} is estimated at {actual} USD, above the target of {wanted} USD.",
                where="cost",
                why='Manual, "Reserved Instance Planning" (cost_targets)',
                mend="Choose a smaller market, another provider or location, or raise the target.",
                evidence=f"{actual} USD against {wanted} USD",
            )


def _month(sizes: Sizes, policies: Policies) -> _Month:
    model = policies.cost_model
    bookings = Decimal(sizes.daily_bookings) * model.hours_per_month / _HOURS_PER_DAY
    return _Month(
        hours=Decimal(model.hours_per_month),
        storage_gib=Decimal(repr(sizes.storage_gb)),
        bookings=bookings,
        egress_gib=bookings * Decimal(repr(model.egress_gib_per_booking)),
    )


def machines(location: ProviderLocation, sizes: Sizes) -> tuple[NodePrice, int]:
    """The machine shape of the location, and how many of it, that the cost is worked out for."""
    return _cheapest(location.nodes, sizes)


def _cheapest(nodes: Iterable[NodePrice], sizes: Sizes) -> tuple[NodePrice, int]:
    """The shape, and how many of it, that hold the sizes for the least money."""
    fitting = ((node, _count(node, sizes)) for node in nodes)
    return min(fitting, key=lambda pair: (pair[0].usd_per_hour * pair[1], pair[1], pair[0].name))


def _count(node: NodePrice, sizes: Sizes) -> int:
    by_cpu = Decimal(repr(sizes.cpu_cores)) / node.vcpus
    by_memory = Decimal(repr(sizes.memory_gb)) / node.memory_gib
    return max(1, int(max(by_cpu, by_memory).to_integral_value(ROUND_CEILING)))


def _node_lines(
    request: Request,
    sizes: Sizes,
    provider: Provider,
    location: ProviderLocation,
    month: _Month,
    policies: Policies,
) -> Iterator[CostLine]:
    """Machines: the reserved share of their hours at the provider's reserved price where it
    publishes one, the rest on demand (manual, "Reserved Instance Planning")."""
    node, count = _cheapest(location.nodes, sizes)
    hours = month.hours * count
    shape = f" ({node.vcpus} vCPU, {node.memory_gib} GiB)" if request.target != "local" else ""
    label = f"machines, {count} × {node.name}{shape}"
    plan = policies.reserved_instance_strategy
    reserved = hours * plan.percentage_reserved / _HUNDRED
    if provider.reserved_discount_percent and reserved:
        terms = f"{plan.term_length} year, {plan.payment_option.replace('_', ' ')}"
        line = _line(
            f"{label}, reserved {plan.percentage_reserved} % ({terms}; upfront spread over the term)",
            reserved,
            "hour",
            node.usd_per_hour * (_HUNDRED - provider.reserved_discount_percent) / _HUNDRED,
            node,
        )
        source = f"{node.source}; {provider.reserved_discount_source}"
        yield line.model_copy(update={"source": source})
        hours -= reserved
    if hours:
        suffix = ", on demand" if provider.kind == "cloud" else ""
        yield _line(f"{label}{suffix}", hours, "hour", node.usd_per_hour, node)


def _fact_lines(prices: Iterable[PriceFact], month: _Month) -> Iterator[CostLine]:
    """What is paid beside the machines. Electricity by the kWh is in the price of a machine of one's
    own already, and so is no line."""
    quantities = {
        "hour": month.hours,
        "month": Decimal(1),
        "gib-month": month.storage_gib,
        "gib": month.egress_gib,
    }
    for fact in prices:
        if fact.unit not in quantities:
            continue
        yield _line(fact.item, quantities[fact.unit], fact.unit, fact.usd, fact)


def _line(
    item: str, quantity: Decimal, unit: str, price: Decimal, fact: NodePrice | PriceFact
) -> CostLine:
    return CostLine(
        item=item,
        quantity=float(quantity),
        unit=unit,
        unit_price_usd=f"{price.normalize():f}",
        monthly_usd=str((quantity * price).quantize(_CENT, ROUND_HALF_UP)),
        source=fact.source,
        as_of=fact.as_of,
    )
