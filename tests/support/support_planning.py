"""The shipped catalog for tests of planning, whole or with some texts changed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from barberpro.catalog.loader import parse_catalog
from barberpro.catalog.model import Catalog
from barberpro.planning.inventory import Inventory
from barberpro.planning.model import Plan, Request
from barberpro.planning.plans import make_plan
from barberpro.planning.requests import parse_request

FOLDER = Path(__file__).resolve().parents[2] / "catalog"


@lru_cache(maxsize=1)
def _texts() -> Mapping[str, str]:
    return {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(FOLDER.rglob("*.yaml"))
    }


@lru_cache(maxsize=1)
def shipped_catalog() -> Catalog:
    return parse_catalog(_texts())


def changed_catalog(file: str, old: str, new: str) -> Catalog:
    """The shipped catalog with ``old`` in ``file`` replaced; fails where it is not there."""
    texts = dict(_texts())
    assert old in texts[file], f"{old!r} is not in {file}"
    texts[file] = texts[file].replace(old, new)
    return parse_catalog(texts)


def extended_catalog(file: str, text: str) -> Catalog:
    """The shipped catalog with one more file."""
    return parse_catalog({**_texts(), file: text})


BARBERSHOP: Mapping[str, object] = {
    "vertical": "barbershop",
    "name": "BarberShop Palermo",
    "market": "medium",
    "region": "argentina-central",
}
PSYCHOLOGY: Mapping[str, object] = {
    "vertical": "psychology",
    "name": "MentalHealth Buenos Aires",
    "market": "large",
    "region": "argentina-central",
    "domain": "psicologia.salud.ar",
    "environment": "production",
}


def request_of(fields: Mapping[str, object] = BARBERSHOP, **changes: object) -> Request:
    return parse_request({**fields, **changes}, shipped_catalog())


def plan_of(
    fields: Mapping[str, object] = BARBERSHOP, inventory: Inventory | None = None, **changes: object
) -> Plan:
    return make_plan(request_of(fields, **changes), shipped_catalog(), inventory or Inventory())
