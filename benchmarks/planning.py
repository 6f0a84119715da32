"""Planning and diffing a thousand deployments, and whether ten thousand take ten times as long.

The catalog is loaded once; each deployment is planned anew for a larger market than the one that it has, with all others in the
inventory, and the difference is worked out.
"""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path

from figures import Figure, emit

from barberpro.catalog.loader import parse_catalog
from barberpro.catalog.model import Catalog
from barberpro.planning.differences import difference
from barberpro.planning.inventory import Inventory, Known
from barberpro.planning.model import Plan, Request
from barberpro.planning.plans import checksum, make_plan
from barberpro.planning.requests import parse_request

ROOT = Path(__file__).resolve().parent.parent
MARKETS = ("small", "medium", "large", "enterprise")


def load_catalog() -> Catalog:
    folder = ROOT / "catalog"
    return parse_catalog(
        {
            path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(folder.rglob("*.yaml"))
        }
    )


def requests(catalog: Catalog, count: int, step: int) -> list[Request]:
    """``count`` brands over all verticals, markets and regions; ``step`` moves each to a larger market."""
    combinations = itertools.cycle(
        itertools.product(catalog.verticals, range(len(MARKETS) - 1), catalog.regions)
    )
    return [
        parse_request(
            {
                "vertical": vertical,
                "name": f"Brand Number {number}",
                "market": MARKETS[market + step],
                "region": region,
            },
            catalog,
        )
        for number, (vertical, market, region) in zip(range(count), combinations, strict=False)
    ]


def measure(catalog: Catalog, count: int) -> tuple[float, float, float]:
    """Seconds to plan, to work out checksums and to work out differences, for ``count`` deployments."""
    empty = Inventory()
    old: dict[str, Plan] = {}
    for request in requests(catalog, count, 0):
        plan = make_plan(request, catalog, empty)
        old[plan.deployment_id] = plan
    inventory = Inventory(
        {key: Known(plan.request.name, plan.request.vertical, plan) for key, plan in old.items()}
    )
    wanted = requests(catalog, count, 1)
    started = time.perf_counter()
    plans = [make_plan(request, catalog, inventory) for request in wanted]
    planned = time.perf_counter()
    for plan in plans:
        checksum(plan)
    summed = time.perf_counter()
    changes = sum(len(difference(old[plan.deployment_id], plan)) for plan in plans)
    ended = time.perf_counter()
    assert changes > count
    return planned - started, summed - planned, ended - summed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--count", type=int, default=1000, help="deployments of the first measurement"
    )
    parser.add_argument(
        "--factor", type=int, default=10, help="how many times as many for the second"
    )
    arguments = parser.parse_args()
    catalog = load_catalog()
    measure(catalog, 20)  # first calls build pydantic's validators
    plan, digest, diff = measure(catalog, arguments.count)
    total = plan + digest + diff
    each = f"plan {plan:.2f} s, checksum {digest:.2f} s, difference {diff:.2f} s"
    emit(Figure(f"planning and diffing {arguments.count:,} deployments", total, "s", 10, note=each))
    if arguments.factor > 1:
        many = arguments.count * arguments.factor
        growth = sum(measure(catalog, many)) / total / arguments.factor
        emit(Figure(f"planning and diffing {many:,} ÷ linear growth", growth, "", 1.3))


if __name__ == "__main__":
    main()
