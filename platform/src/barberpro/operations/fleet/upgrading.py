"""The run of kind ``upgrade``: one deployment on a cluster to a new plan or image.

It is the short way of a fleet: one Helm release (whose hook brings the schema up to date first), its
rollout, and the switch. A pod is taken in when it is ready and the ones before serve until then; what
fails goes back to the Helm revision before. The whole pipeline with its tests is ``deploy``.
"""

from __future__ import annotations

from barberpro.deployment.applied import write_applied
from barberpro.deployment.conclusions import step
from barberpro.deployment.context import DeployContext, Surroundings, read_context
from barberpro.deployment.runbook import remove_documents
from barberpro.errors import InvalidInputError
from barberpro.runs.kinds import Bound, PipelineFactory, RunInput
from barberpro.runs.outcomes import Done, Failed, Outcome
from barberpro.runs.pipelines import Pipeline, Stage
from barberpro.targets.kubernetes.records import Records

UPGRADE = "upgrade"
BUDGET_SECONDS = 900
RUNNING = "running"


def upgrade_factory(around: Surroundings, records: Records) -> PipelineFactory:
    """A run's payload is that of a deploy; ``options.image`` is the image from now on, and
    ``options.image_before`` the one that an undo goes back to."""

    def build(given: RunInput) -> Bound:
        options = given.payload.get("options")
        if not isinstance(options, dict) or not isinstance(options.get("image"), str):
            raise InvalidInputError(f"the input of run {given.run} names no image")
        before = str(options.get("image_before") or options["image"])
        return Bound(_pipeline(records, str(options["image"]), before), read_context(given, around))

    return build


def _pipeline(records: Records, image: str, before: str) -> Pipeline[DeployContext]:
    def choose(context: DeployContext) -> Outcome:
        record = records.required(context.plan.deployment_id)
        record.image = image
        serving = record.sections.get(record.live or 0, {})
        if "mail" in serving:  # the one section that the plan does not hold
            record.sections = {**record.sections, context.revision: {"mail": serving["mail"]}}
        records.save(record)
        return Done(f"image {image}")

    def go_back(context: DeployContext) -> None:
        record = records.required(context.plan.deployment_id)
        record.image = before
        records.save(record)

    stage = Stage(
        id=UPGRADE,
        title="Upgrade",
        budget_seconds=BUDGET_SECONDS,
        steps=(
            step("Choose the image", choose, go_back),
            step("Release", _release, _withdraw),
            step("Roll out", _roll_out),
            step("Switch", _switch, _switch_back),
        ),
    )
    return Pipeline(kind=UPGRADE, stages=(stage,))


def _release(context: DeployContext) -> Outcome:
    return Done(context.target.start_base(context.plan, context.revision).detail)


def _withdraw(context: DeployContext) -> None:
    context.target.stop_revision(context.plan, context.revision)


def _roll_out(context: DeployContext) -> Outcome:
    detail = context.target.start_specialized(context.plan, context.revision).detail
    poor = [
        f"{one.name}: {one.state}, {one.detail}"
        for one in context.target.services(context.plan.deployment_id)
        if one.state != RUNNING
    ]
    if poor:
        return Failed("; ".join(poor), where=context.plan.deployment_id)
    return Done(detail)


def _switch(context: DeployContext) -> Outcome:
    write_applied(context.documents, context.revision, context.plan)
    return Done(context.target.activate(context.plan, context.revision).detail)


def _switch_back(context: DeployContext) -> None:
    context.target.deactivate(context.plan, context.revision)
    remove_documents(context.documents, context.revision, context.previous)
