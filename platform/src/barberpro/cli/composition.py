"""The composition root of the command line: builds what the commands work with, in one place."""

from __future__ import annotations

import getpass
import platform
import statistics
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barberpro.adapters.catalog_files import load_catalog
from barberpro.cli import preload
from barberpro.cli.preload import RunEngine, make_engine
from barberpro.deployment.applied import read_applied
from barberpro.deployment.context import Surroundings
from barberpro.deployment.pipeline import deploy_factory
from barberpro.deployment.runbook import latest
from barberpro.errors import BarberProError, InvalidInputError
from barberpro.operations.lifecycle import lifecycle_factories
from barberpro.planning.differences import Change, difference
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.inventory import Inventory, Known
from barberpro.planning.model import Plan
from barberpro.planning.plans import checksum, make_plan
from barberpro.planning.requests import parse_request
from barberpro.runs.events import Listener
from barberpro.runs.kinds import PipelineFactory
from barberpro.runs.outcomes import Json
from barberpro.runs.registry import Registry
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.state import Deployment, Store
from barberpro.targets.local.target import LocalTarget

TARGETS_HERE = ("local",)


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


def applied_plans(layout: Layout) -> dict[str, tuple[Deployment, Plan | None]]:
    """Every deployment of this home with the plan that it runs, read from files alone."""
    found: dict[str, tuple[Deployment, Plan | None]] = {}
    for record in Store(layout).deployments():
        plan = read_applied(documents_of(layout, record.id), record.live) if record.live else None
        found[record.id] = (record, plan)
    return found


def applied_plan(layout: Layout, deployment: str) -> tuple[Plan, Deployment]:
    """The plan that ``deployment`` runs; what it is on disk where nothing is live."""
    record = Store(layout).required(deployment)
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
    if request.target not in TARGETS_HERE:
        raise InvalidInputError(
            f"this release deploys to: {', '.join(TARGETS_HERE)}",
            where="--target",
            mend="leave --target out, or write --target local",
        )
    existing = applied_plans(Layout.of())
    known = {
        id_: Known(name=plan.request.name, vertical=plan.request.vertical, plan=plan)
        for id_, (_, plan) in existing.items()
        if plan is not None
    }
    plan = make_plan(request, catalog, Inventory(deployments=known))
    record, current = existing.get(plan.deployment_id, (None, None))
    live = record.live if record is not None else None
    return Planned(plan, current, live, difference(current, plan))


@dataclass(frozen=True, slots=True)
class Operator:
    """The local platform at work, and who is asking."""

    platform: LocalPlatform
    target: LocalTarget
    name: str
    catalogs: tuple[Path, ...] = ()

    def kinds(self, registry: Registry) -> dict[str, PipelineFactory]:
        """Every kind of run that this program can start or resume."""
        layout = self.platform.layout
        around = Surroundings(
            target=self.target,
            documents=lambda deployment: documents_of(layout, deployment),
            recorder=registry,
            policies=load_catalog(self.catalogs).policies,
        )
        return {"deploy": deploy_factory(around), **lifecycle_factories(self.target, registry)}

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        with Registry.open(self.platform.registry_url()) as registry:
            yield registry

    @contextmanager
    def engine(self, send: Listener) -> Iterator[RunEngine]:
        url = self.platform.registry_url()
        with self.registry() as registry, make_engine(url, self.kinds(registry), send) as engine:
            yield engine

    def runbook(self, deployment: str) -> Path:
        """The newest runbook in HTML."""
        path = latest(documents_of(self.platform.layout, deployment))
        if path is None:
            raise BarberProError(f"{deployment} has no runbook yet", mend="every deploy writes one")
        return path

    def usual_seconds(self, deployment: str, kind: str = "deploy") -> float | None:
        """The median duration of the last undisturbed runs; None where there is none."""
        with self.registry() as registry:
            spent = [
                (run.ended_at - run.started_at).total_seconds()
                for run in registry.runs(deployment, limit=20)
                if run.kind == kind and run.status == "done" and not run.resumed and run.ended_at
            ]
        return statistics.median(spent) if spent else None


@contextmanager
def open_operator(catalogs: tuple[Path, ...] = (), *, remove: bool = False) -> Iterator[Operator]:
    """Brings the shared services up, and leaves them as the deployments need them. With ``remove``
    nothing but backups is left at the end where no deployment is."""
    preload.begin()
    local = LocalPlatform.open()
    local.ensure_running()
    try:
        yield Operator(
            local, LocalTarget(local), f"{getpass.getuser()}@{platform.node()}", catalogs
        )
    finally:
        local.settle(remove=remove)
