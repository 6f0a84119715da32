"""Request, catalog and inventory to a plan, and a plan to text and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from barberpro.catalog.model import Catalog
from barberpro.errors import InvalidInputError
from barberpro.planning import compliance, cost, names, network
from barberpro.planning.application import make_application, make_seed
from barberpro.planning.cases import Case
from barberpro.planning.inventory import Inventory
from barberpro.planning.model import Plan, Request
from barberpro.planning.monitors import make_monitors
from barberpro.planning.protection import location_of, make_protection
from barberpro.planning.sizing import size

SCHEMA_VERSION = 1
_DOCUMENT_KEYS = {"checksum", "plan"}


class InvalidPlanError(InvalidInputError):
    """The text is not a plan that this release can carry out."""


def make_plan(request: Request, catalog: Catalog, inventory: Inventory) -> Plan:
    """The plan of ``request``: the same arguments give the same plan, byte for byte.

    What law or policy forbids stands among the findings as blocking; ``refuse_if_blocked`` of
    ``compliance`` turns it into a refusal. Raises ``InvalidInputError`` where the id belongs to
    another deployment.
    """
    names.check_collision(request, inventory)
    identifier = names.request_id(request)
    vertical = catalog.verticals[request.vertical]
    sizing = size(
        catalog.markets[request.market], vertical, catalog, names.database_names(identifier)
    )
    protection = make_protection(request, catalog)
    reachable = network.make_network(identifier, request, sizing.workloads, inventory.facts)
    monthly = cost.make_cost(request, sizing.sizes, catalog, location_of(request, catalog))
    monitors, notes = make_monitors(identifier, request, sizing.sizes, catalog)
    case = Case(identifier, request, protection, sizing.database, reachable, catalog, inventory)
    findings = (
        *compliance.judge(case),
        *cost.cost_findings(monthly, catalog.policies.cost_targets.get(vertical.id)),
        *notes,
    )
    return Plan(
        deployment_id=identifier,
        request=request,
        latency_target_ms=catalog.regions[request.region].latency_target,
        sizes=sizing.sizes,
        workloads=sizing.workloads,
        database=sizing.database,
        cache=sizing.cache,
        network=reachable,
        cost=monthly,
        monitors=monitors,
        findings=compliance.ordered(findings),
        application=make_application(
            identifier, request, catalog, sizing.workloads, reachable, protection
        ),
        seed=make_seed(request, catalog),
        requirements=network.requirements(reachable, request, inventory.facts),
        protection=protection,
    )


def canonical_json(plan: Plan) -> str:
    """The one text of ``plan``: sorted keys, no insignificant blanks, no escapes but JSON's own."""
    return _canonical(plan.model_dump(mode="json"))


def checksum(plan: Plan) -> str:
    """SHA-256 of the canonical JSON in UTF-8, as 64 hexadecimal digits."""
    return _digest(canonical_json(plan))


def plan_document(plan: Plan) -> str:
    """``plan`` with its checksum, as text that ``plan_from_json`` reads and verifies."""
    text = canonical_json(plan)
    return f'{{"checksum":"{_digest(text)}","plan":{text}}}'


def plan_from_json(text: str, *, expected_checksum: str | None = None) -> Plan:
    """The plan in ``text``, which is canonical JSON or a ``plan_document``; order and blanks are free.

    Raises ``InvalidPlanError`` where the text is no plan, comes from a newer release, or does not
    have the checksum that it states or that is expected.
    """
    value = _parsed(text)
    stated = expected_checksum
    if value.keys() == _DOCUMENT_KEYS:
        stated = _stated_checksum(value["checksum"], expected_checksum)
        value = value["plan"] if isinstance(value["plan"], dict) else {}
    _check_version(value.get("schema_version"))
    try:
        plan = Plan.model_validate_json(_canonical(value))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidPlanError(
            f"The plan is not valid: {first['msg']}.",
            where=place,
            mend="Make the plan again with `barberpro plan`; do not edit it.",
        ) from error
    actual = checksum(plan)
    if stated is not None and stated != actual:
        raise InvalidPlanError(
            f"The plan was changed: its checksum is {actual}, not {stated}.",
            where=plan.deployment_id,
            mend="Make the plan again with `barberpro plan`, look at it and approve that one.",
        )
    return plan


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _parsed(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidPlanError(
            "The plan is not JSON.", where=str(error)[:200], mend="Make it with `barberpro plan`."
        ) from error
    if not isinstance(value, dict):
        raise InvalidPlanError(
            "The plan is not a JSON object.", mend="Make it with `barberpro plan`."
        )
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _stated_checksum(stated: object, expected: str | None) -> str:
    """What the plan must have: the document's own checksum, which must be the expected one."""
    if not isinstance(stated, str) or (expected is not None and stated != expected):
        raise InvalidPlanError(
            f"This is another plan: its checksum is {str(stated)[:64]}, not {expected}.",
            mend="Approve this plan, or carry out the one that was approved.",
        )
    return stated


def _check_version(version: object) -> None:
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise InvalidPlanError(
            f"The plan has schema version {version}; this release knows {SCHEMA_VERSION}.",
            where="schema_version",
            mend="Use the release that made the plan, or a newer one.",
        )
    if version != SCHEMA_VERSION:
        raise InvalidPlanError(
            "The plan does not say which schema version it has."
            if version is None
            else f"The plan has the unknown schema version {str(version)[:40]!r}.",
            where="schema_version",
            mend="Make the plan again with `barberpro plan`.",
        )
