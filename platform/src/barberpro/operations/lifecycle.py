"""Start, stop and destroy as durable runs: few steps, the same engine, the same registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from barberpro.deployment.checks.client import open_client, wait_for
from barberpro.deployment.context import DESTROYED
from barberpro.deployment.public_name import remove_records
from barberpro.errors import BarberProError, InvalidInputError, RefusedError
from barberpro.planning.plans import plan_from_json
from barberpro.runs.kinds import Bound, PipelineFactory, RunContext, RunInput
from barberpro.runs.outcomes import Done, Failed, Json, Outcome, RetryAfter, Skipped
from barberpro.runs.pipelines import Pipeline, Stage, Step
from barberpro.runs.rows import Deployment, Revision
from barberpro.targets.protocol import PassingFaultError, Target

START, STOP, DESTROY = "start", "stop", "destroy"
LIVE, STOPPED = "live", "stopped"
ANSWER_SECONDS = 60.0
BUDGETS = {START: 120, STOP: 60, DESTROY: 300}


Documented = Callable[[str], object]


def nothing_written(_deployment: str) -> None:
    """For a caller that keeps no documents."""


class States(Protocol):
    """The share of the registry that these runs use (``runs.registry.Registry``)."""

    def deployment(self, id_: str) -> Deployment | None: ...

    def current_revision(self, deployment: str) -> Revision | None: ...

    def set_deployment_state(
        self, id_: str, state: str, *, current_revision: int | None = None
    ) -> None: ...


@dataclass(kw_only=True)
class LifecycleContext(RunContext):
    deployment: str
    target: Target
    states: States
    keep_backup: bool = True
    documented: Documented = nothing_written


def lifecycle_factories(
    target: Target, states: States, documented: Documented = nothing_written
) -> dict[str, PipelineFactory]:
    """The engine's factories for runs of kind start, stop and destroy. A destroy run's payload is
    ``{"options": {"keep_backup": bool}}``; a last backup is kept unless that is false.
    ``documented`` writes the runbook of a deployment anew, after a start and after a stop."""

    def factory(kind: str) -> PipelineFactory:
        def build(given: RunInput) -> Bound:
            if states.deployment(given.deployment) is None:
                raise InvalidInputError(
                    f"there is no deployment {given.deployment!r}",
                    mend="barberpro list shows those that there are",
                )
            context = LifecycleContext(
                deployment=given.deployment,
                target=target,
                states=states,
                keep_backup=_keep_backup(given.payload),
                documented=documented,
            )
            return Bound(lifecycle_pipeline(kind), context)

        return build

    return {kind: factory(kind) for kind in (START, STOP, DESTROY)}


def _keep_backup(payload: Mapping[str, Json]) -> bool:
    options = payload.get("options")
    return not isinstance(options, dict) or options.get("keep_backup") is not False


def lifecycle_pipeline(kind: str) -> Pipeline[LifecycleContext]:
    """One stage; whatever it does can be repeated, and nothing of it needs to be undone."""
    steps: dict[str, tuple[Step[LifecycleContext], ...]] = {
        START: (
            _step("Start processes", _start),
            _step("Verify that the deployment answers", _verify),
        ),
        STOP: (_step("Stop processes", _stop),),
        DESTROY: (
            _step("Remove public DNS records", _forget_name),
            _step("Remove the deployment", _destroy),
        ),
    }
    stage = Stage(id=kind, title=kind.capitalize(), budget_seconds=BUDGETS[kind], steps=steps[kind])
    return Pipeline(kind=kind, stages=(stage,))


def _step(title: str, work: Callable[[LifecycleContext], Outcome]) -> Step[LifecycleContext]:
    def run(context: LifecycleContext) -> Outcome:
        try:
            return work(context)
        except PassingFaultError as fault:
            return RetryAfter(fault.seconds, str(fault))
        except BarberProError as error:
            refused = isinstance(error, RefusedError)
            return Failed(error.what, error.where, error.mend, refused=refused)

    return Step(id=title.lower().replace(" ", "-"), title=title, run=run)


def _start(context: LifecycleContext) -> Outcome:
    return Done(context.target.start(context.deployment).detail)


def _verify(context: LifecycleContext) -> Outcome:
    """From outside, like a client."""
    revision = context.states.current_revision(context.deployment)
    if revision is None:
        return Done("nothing was deployed yet, so nothing answers")
    access = context.target.access(plan_from_json(revision.plan), None)
    with open_client(access, preview=False) as client:
        wait_for(client, "/ready", seconds=ANSWER_SECONDS)
    context.states.set_deployment_state(context.deployment, LIVE)
    context.documented(context.deployment)
    return Done(f"{access.url} is ready", {"url": access.url})


def _stop(context: LifecycleContext) -> Outcome:
    report = context.target.stop(context.deployment)
    context.states.set_deployment_state(context.deployment, STOPPED)
    context.documented(context.deployment)
    return Done(report.detail)


def _forget_name(context: LifecycleContext) -> Outcome:
    """The public records, first: nobody should be led to what is about to go."""
    revision = context.states.current_revision(context.deployment)
    domain = plan_from_json(revision.plan).network.domain if revision is not None else None
    if domain is None:
        return Skipped("it has no public name")
    said = remove_records(context.target.publishing(), context.deployment, domain)
    return Done(said or f"no record of {domain} was ours")


def _destroy(context: LifecycleContext) -> Outcome:
    report = context.target.destroy(context.deployment, keep_backup=context.keep_backup)
    context.states.set_deployment_state(context.deployment, DESTROYED)
    backup = report.facts.get("backup")
    return Done(report.detail, {"backup": str(backup)} if backup else {})
