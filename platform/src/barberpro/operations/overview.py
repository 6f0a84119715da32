"""What there is and how it is: the list of deployments, and the state of one. Read-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from barberpro.deployment.context import DESTROYED
from barberpro.errors import BarberProError, InvalidInputError
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import Plan
from barberpro.planning.plans import plan_from_json
from barberpro.runs.registry import Registry
from barberpro.runs.rows import Deployment, Revision, Run
from barberpro.runs.summaries import LastRun
from barberpro.targets.protocol import ServiceState, Target

RUNNING = "running"
KUBERNETES = "kubernetes"
LIVE, STOPPED = "live", "stopped"
DEGRADED, RUN_IN_FLIGHT, INTERRUPTED, UNKNOWN = "degraded", "changing", "interrupted", "unknown"
WELL = (LIVE, STOPPED, RUN_IN_FLIGHT)
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the list. ``memory_bytes`` is resident memory of the deployment's own processes.
    ``trouble`` says in a line what is wrong, where something is."""

    id: str
    name: str
    vertical: str
    target: str
    state: str
    revision: int | None
    url: str
    memory_bytes: int
    last_run: LastRun | None
    trouble: str = ""

    @property
    def well(self) -> bool:
        """Whether nobody has to look at it."""
        return self.state in WELL


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The services of deployments on clusters, and why those of others could not be read."""

    services: Mapping[str, Sequence[ServiceState]]
    problems: Mapping[str, str]


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
    registry: Registry, target: Target, elsewhere: Elsewhere | None = None
) -> list[Summary]:
    """All that were not destroyed, by id, by a few queries for all of them. ``elsewhere`` has the
    services of those on clusters, which are read for all of them at once."""
    there = elsewhere or Elsewhere({}, {})
    runs, held, hostnames = registry.last_runs(), registry.held(), registry.hostnames()
    found = []
    for known in registry.deployments():
        if known.state == DESTROYED:
            continue
        if known.target == KUBERNETES:
            services = [*there.services.get(known.id, ())]
            url = f"https://{hostnames[known.id]}" if hostnames.get(known.id) else ""
        else:
            services = _services(target, known)
            url = _url(target, _plan(registry.current_revision(known.id)))
        look = _Look(
            services, runs.get(known.id), known.id in held, there.problems.get(known.id, "")
        )
        found.append(_summary(known, look, url))
    return found


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
    runs = registry.runs(deployment, limit=5)
    last = LastRun(runs[0].id, runs[0].kind, runs[0].status, runs[0].message) if runs else None
    look = _Look(services, last, registry.holder(deployment) is not None)
    return Status(
        summary=_summary(known, look, _url(target, plan)),
        services=tuple(services),
        plan=plan,
        requirements=plan.requirements if plan else (),
        findings=tuple(registry.findings(revision.run)) if revision else (),
        runs=tuple(runs),
    )


def _services(target: Target, known: Deployment) -> list[ServiceState]:
    """Its processes and the shared ones; none where the target does not know the deployment."""
    try:
        return list(target.services(known.id))
    except BarberProError:
        return []


def _plan(revision: Revision | None) -> Plan | None:
    return plan_from_json(revision.plan) if revision else None


@dataclass(frozen=True, slots=True)
class _Look:
    """What is known of one deployment now. ``problem``: why its cluster could not be asked."""

    services: Sequence[ServiceState]
    last: LastRun | None
    held: bool
    problem: str = ""


def _summary(known: Deployment, look: _Look, url: str) -> Summary:
    own = [service for service in look.services if service.name.startswith(known.id)]
    state = _state(known, look)
    return Summary(
        id=known.id,
        name=known.name,
        vertical=known.vertical,
        target=known.target,
        state=state,
        revision=known.current_revision,
        url=url,
        memory_bytes=sum(service.memory_bytes or 0 for service in own),
        last_run=look.last,
        trouble=_trouble(state, look),
    )


def _state(known: Deployment, look: _Look) -> str:
    """The registry's word, unless a run is in flight or was interrupted, something does not run that
    should, or nobody answers who knows."""
    if look.last is not None and look.last.unfinished:
        return RUN_IN_FLIGHT if look.held else INTERRUPTED
    if known.state != LIVE:
        return known.state
    if look.problem:
        return UNKNOWN
    if not look.services or any(service.state != RUNNING for service in look.services):
        return DEGRADED
    return known.state


def _trouble(state: str, look: _Look) -> str:
    if state == UNKNOWN:
        return look.problem
    if state == DEGRADED:
        poor = [
            f"{one.name} {one.state} ({one.detail})"
            for one in look.services
            if one.state != RUNNING
        ]
        more = f" and {len(poor) - SHOWN} more" if len(poor) > SHOWN else ""
        return ", ".join(poor[:SHOWN]) + more or "none of its services is there"
    if state in WELL or look.last is None:
        return ""
    said = (look.last.message.splitlines() or [""])[0]
    return f"{look.last.kind} {look.last.id}: {said or look.last.status}"


def _url(target: Target, plan: Plan | None) -> str:
    """On a cluster the name alone: a way there is opened by ``barberpro open``, not by looking."""
    if plan is None:
        return ""
    if plan.request.target == KUBERNETES:
        return f"https://{plan.network.hostname}"
    try:
        return target.access(plan, None).url
    except BarberProError:
        return ""
