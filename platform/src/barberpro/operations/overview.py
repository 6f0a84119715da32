"""What there is and how it is: the list of deployments, and the state of one. Read-only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from barberpro.deployment.context import DESTROYED
from barberpro.errors import BarberProError, InvalidInputError
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import Plan
from barberpro.planning.plans import plan_from_json
from barberpro.runs.registry import Registry
from barberpro.runs.rows import Deployment, Revision, Run
from barberpro.targets.protocol import ServiceState, Target

RUNNING = "running"
KUBERNETES = "kubernetes"
DEGRADED, RUN_IN_FLIGHT, INTERRUPTED = "degraded", "changing", "interrupted"


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the list. ``memory_bytes`` is resident memory of the deployment's own processes."""

    id: str
    name: str
    vertical: str
    target: str
    state: str
    revision: int | None
    url: str
    memory_bytes: int
    last_run: Run | None


@dataclass(frozen=True, slots=True)
class Status:
    """Everything about one deployment. ``findings`` are those of the run that made its revision."""

    summary: Summary
    services: tuple[ServiceState, ...]
    plan: Plan | None
    requirements: tuple[str, ...]
    findings: tuple[Finding, ...]
    runs: tuple[Run, ...]

    @property
    def open_findings(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity is not Severity.INFO)


def list_deployments(
    registry: Registry,
    target: Target,
    elsewhere: Mapping[str, Sequence[ServiceState]] = MappingProxyType({}),
) -> list[Summary]:
    """All that were not destroyed, by id. ``elsewhere`` has the services of those on clusters, which
    are read for all of them at once."""
    return [
        _summary(
            registry, target, known,
            [*elsewhere.get(known.id, ())] if known.target == KUBERNETES else _services(target, known),
        )
        for known in registry.deployments()
        if known.state != DESTROYED
    ]  # fmt: skip


def status(registry: Registry, target: Target, deployment: str) -> Status:
    """Raises ``InvalidInputError`` where there is no such deployment."""
    known = registry.deployment(deployment)
    if known is None or known.state == DESTROYED:
        raise InvalidInputError(
            f"there is no deployment {deployment!r}",
            where="registry",
            mend="barberpro list shows those that there are",
        )
    services = _services(target, known)
    revision = registry.current_revision(deployment)
    plan = _plan(revision)
    return Status(
        summary=_summary(registry, target, known, services),
        services=tuple(services),
        plan=plan,
        requirements=plan.requirements if plan else (),
        findings=tuple(registry.findings(revision.run)) if revision else (),
        runs=tuple(registry.runs(deployment, limit=5)),
    )


def _services(target: Target, known: Deployment) -> list[ServiceState]:
    """Its processes and the shared ones; none where the target does not know the deployment."""
    try:
        return list(target.services(known.id))
    except BarberProError:
        return []


def _plan(revision: Revision | None) -> Plan | None:
    return plan_from_json(revision.plan) if revision else None


def _summary(
    registry: Registry, target: Target, known: Deployment, services: list[ServiceState]
) -> Summary:
    runs = registry.runs(known.id, limit=1)
    own = [service for service in services if service.name.startswith(known.id)]
    return Summary(
        id=known.id,
        name=known.name,
        vertical=known.vertical,
        target=known.target,
        state=_state(registry, known, services, runs[0] if runs else None),
        revision=known.current_revision,
        url=_url(registry, target, known),
        memory_bytes=sum(service.memory_bytes or 0 for service in own),
        last_run=runs[0] if runs else None,
    )


def _state(
    registry: Registry, known: Deployment, services: list[ServiceState], last: Run | None
) -> str:
    """The registry's word, unless a run is in flight or was interrupted, or something does not
    run that should."""
    if last is not None and last.unfinished:
        return RUN_IN_FLIGHT if registry.holder(known.id) else INTERRUPTED
    if known.state == "live" and (
        not services or any(service.state != RUNNING for service in services)
    ):
        return DEGRADED
    return known.state


def _url(registry: Registry, target: Target, known: Deployment) -> str:
    """On a cluster the name alone: a way there is opened by ``barberpro open``, not by looking."""
    revision = registry.current_revision(known.id)
    if revision is not None and known.target == KUBERNETES:
        return f"https://{json.loads(revision.plan)['network']['hostname']}"
    plan = _plan(revision)
    if plan is None:
        return ""
    try:
        return target.access(plan, None).url
    except BarberProError:
        return ""
