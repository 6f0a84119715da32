"""From flags to a plan, with what runs now: files alone, no server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barberpro.adapters.catalog_files import load_catalog
from barberpro.cli.known import LOCAL, KnownDeployment, known_deployment, known_deployments
from barberpro.deployment.applied import read_applied
from barberpro.errors import BarberProError
from barberpro.operations.publishing import target_facts
from barberpro.planning.differences import Change, difference
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.inventory import Inventory, Known, TargetFacts
from barberpro.planning.model import Plan
from barberpro.planning.plans import checksum, make_plan
from barberpro.planning.requests import parse_request
from barberpro.runs.outcomes import Json
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.state import Store


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, what runs now, and the difference. ``live`` is the revision that serves."""

    plan: Plan
    current: Plan | None
    live: int | None
    changes: tuple[Change, ...]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.plan.findings if f.severity is Severity.BLOCKING)

    def payload(self) -> dict[str, Json]:
        """The input of a deploy run: the plan that was shown, by its checksum."""
        return {
            "plan": self.plan.model_dump(mode="json"),  # the registry reads the request in it
            "checksum": checksum(self.plan),
            "options": {"previous_revision": self.live},
        }


def documents_of(layout: Layout, deployment: str) -> Path:
    """The folder of a deployment's generated documents."""
    return layout.deployment(deployment) / "documents"


def applied_plans(layout: Layout) -> dict[str, tuple[KnownDeployment, Plan | None]]:
    """Every deployment of this home with the plan that it runs, read from files alone."""
    found: dict[str, tuple[KnownDeployment, Plan | None]] = {}
    for record in known_deployments(layout):
        plan = read_applied(documents_of(layout, record.id), record.live) if record.live else None
        found[record.id] = (record, plan)
    return found


def applied_plan(layout: Layout, deployment: str) -> tuple[Plan, KnownDeployment]:
    """The plan that ``deployment`` runs; what it is on disk where nothing is live."""
    record = known_deployment(layout, deployment)
    plan = read_applied(documents_of(layout, deployment), record.live) if record.live else None
    if plan is None:
        raise BarberProError(
            f"{deployment} has no live revision",
            where=str(layout.deployment(deployment)),
            mend=f"barberpro resume {deployment} finishes what was begun; or deploy it again",
        )
    return plan, record


def make_planned(options: Mapping[str, Any]) -> Planned:
    """Plan from the flags of ``deploy``; ``catalogs`` are folders of the operator's own."""
    fields = {name: value for name, value in options.items() if name != "catalogs"}
    catalog = load_catalog(options.get("catalogs") or ())
    request = parse_request(fields, catalog)
    existing = applied_plans(Layout.of())
    known = {
        id_: Known(name=plan.request.name, vertical=plan.request.vertical, plan=plan)
        for id_, (_, plan) in existing.items()
        if plan is not None
    }
    here = request.target == LOCAL  # a cluster's address is its own
    facts = (
        target_facts(Store(Layout.of()).platform().public, request.domain)
        if here
        else TargetFacts()
    )
    plan = make_plan(request, catalog, Inventory(deployments=known, facts=facts))
    record, current = existing.get(plan.deployment_id, (None, None))
    live = record.live if record is not None else None
    return Planned(plan, current, live, difference(current, plan))
