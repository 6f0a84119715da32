"""Stage 3, Container Deployment: the revision's processes, their paths to each other, the schema."""

from __future__ import annotations

from barberpro.deployment.checks.client import open_client, wait_for
from barberpro.deployment.conclusions import conclude, done, plain, step
from barberpro.deployment.context import DeployContext
from barberpro.planning.findings import Finding, Severity
from barberpro.runs.outcomes import Done, Outcome
from barberpro.runs.pipelines import Stage

START_SECONDS = 60.0
# how the app names, on /health, a service that is enabled and that
ABSENT = "not_in_release"  # it does not contain
ELSEWHERE = "in_worker_process"  # runs in the worker beside it
APART = "in_own_process"  # runs in processes of its own
NOT_SET_UP = "not_configured"  # contained, and waits for credentials that nobody gave
HEALTHY = frozenset({"ok", "up", "running", "healthy", "true"})


def start_base(context: DeployContext) -> Outcome:
    return done(context.target.start_base(context.plan, context.revision))


def stop_revision(context: DeployContext) -> None:
    context.target.stop_revision(context.plan, context.revision)


def start_specialized(context: DeployContext) -> Outcome:
    """Each service that the plan enables must report itself on ``/health``; a specialised one that
    this release does not contain is named, so that nobody takes its name in a plan for the thing."""
    report = context.target.start_specialized(context.plan, context.revision)
    with open_client(context.preview(), preview=True) as client:
        health = wait_for(client, "/health", seconds=START_SECONDS, revision=context.revision)
    reported = health.get("services")
    states = reported if isinstance(reported, dict) else {}
    base = {load.name for load in context.plan.workloads if load.kind == "base"}
    wanted = context.plan.application.get("services")
    findings: list[Finding] = []
    running: list[str] = []
    for name in [str(entry) for entry in wanted] if isinstance(wanted, list) else []:
        if name not in states or _state(states[name]) == ABSENT:
            findings.append(_missing(name, base=name in base))
        elif _state(states[name]) == NOT_SET_UP:
            findings.append(_not_set_up(name))
        elif not _healthy(context, name, states[name]):
            findings.append(_unhealthy(name, states[name]))
        else:
            running.append(name)
    count = len(wanted) if isinstance(wanted, list) else 0
    detail = f"{len(running)} of {count} services run: {', '.join(running)}"
    facts = {**report.facts, "services": running}
    return conclude(context, findings, detail, facts=facts)


def _state(reported: object) -> str:
    if isinstance(reported, dict):
        reported = reported.get("status", reported.get("state", ""))
    return str(reported).lower()


def _healthy(context: DeployContext, name: str, reported: object) -> bool:
    """What runs in other processes is as healthy as they are, which the target knows."""
    state = _state(reported)
    if state not in (ELSEWHERE, APART):
        return state in HEALTHY
    workers = [
        service
        for service in context.target.services(context.plan.deployment_id)
        if (service.name == name if state == APART else service.name.endswith("worker"))
    ]
    return bool(workers) and all(worker.state in {"running", "starting"} for worker in workers)


def _missing(name: str, *, base: bool) -> Finding:
    kind = "base" if base else "specialised"
    return Finding(
        id=f"service-not-in-release-{name}",
        severity=Severity.WARNING,
        what=f"{name}: this release does not contain this {kind} service yet",
        where="GET /health",
        why="the plan enables it and the running app does not report it",
        mend="nothing to do here: it starts with the first release that contains it",
    )


def _not_set_up(name: str) -> Finding:
    return Finding(
        id=f"service-not-set-up-{name}",
        severity=Severity.INFO,
        what=f"{name} runs and waits for credentials",
        where="GET /health",
        why="nothing is sent or taken until its secrets are there",
        mend="docs/how-to says how to set it up; /api/integrations/health shows its state",
    )


def _unhealthy(name: str, state: object) -> Finding:
    return Finding(
        id=f"service-unhealthy-{name}",
        severity=Severity.BLOCKING,
        what=f"{name} reports {state}",
        where="GET /health",
        mend="barberpro logs DEPLOYMENT",
    )


def configure_mesh(context: DeployContext) -> Outcome:
    return done(context.target.configure_mesh(context.plan, context.revision))


def initialise_database(context: DeployContext) -> Outcome:
    """Schema and first data, then the app itself must say that it is ready."""
    report = context.target.initialise_database(context.plan, context.revision)
    with open_client(context.preview(), preview=True) as client:
        wait_for(client, "/ready", seconds=START_SECONDS)
    return Done(f"{report.detail}; /ready answers 200", plain(report.facts))


STAGE: Stage[DeployContext] = Stage(
    id="container-deployment",
    title="Container Deployment",
    budget_seconds=1800,
    steps=(
        step("Base containers deployment", start_base, stop_revision),
        step("Specialized containers deployment", start_specialized, stop_revision),
        step("Service mesh configuration", configure_mesh),
        # migrations only go forward and suit the revision before; a first database goes with
        # the resources of stage 2
        step("Database initialization", initialise_database),
    ),
)
