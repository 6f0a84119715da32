"""``barberpro deploy``: request in, live business out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from barberpro.cli import preload
from barberpro.cli.background import run_in_background
from barberpro.cli.clusters import NAMES, cluster_options, prepare_record
from barberpro.cli.commands.plan import show
from barberpro.cli.composition import Operator, open_operator
from barberpro.cli.following import Show, follow_run
from barberpro.cli.known import KUBERNETES, LOCAL
from barberpro.cli.options import consent_options, request_options, run_options, together
from barberpro.cli.output import output_option
from barberpro.cli.plan_view import show_summary
from barberpro.cli.planned import Planned, make_planned
from barberpro.cli.preload import RunEngine
from barberpro.cli.welcome import show_welcome
from barberpro.errors import InvalidInputError, RefusedError
from barberpro.planning.model import Plan
from barberpro.runs.results import RunResult
from barberpro.targets.local.layout import Layout

TARGETS_HERE = (LOCAL, KUBERNETES)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the operator wants the run carried out."""

    output: str
    lock_wait: float
    timeout: float | None
    rollback_on_failure: bool
    yes: bool
    non_interactive: bool


@click.command()
@request_options
@together(cluster_options)
@click.option(
    "--dry-run", is_flag=True, help="Print plan, difference, cost and findings; change nothing."
)
@click.option(
    "--detailed-exitcode", is_flag=True, help="With --dry-run: exit 10 where there are changes."
)
@click.option(
    "--rollback-on-failure/--keep-on-failure",
    default=True,
    show_default=True,
    help="Undo a run that failed, or leave what it made for inspection.",
)
@run_options
@consent_options
@output_option
def deploy(dry_run: bool, detailed_exitcode: bool, wait: bool, **options: Any) -> int:
    """Turn a template into a live booking business, or bring a deployment up to date.

    \b
    Examples:
      barberpro deploy --vertical barbershop --name "BarberShop Palermo" \\
          --market small --region argentina-central
      barberpro deploy --vertical psychology --name "MentalHealth Buenos Aires" \\
          --market large --region argentina-central --domain psicologia.salud.ar --dry-run
    """
    wishes = Wishes(**{name: options.pop(name) for name in Wishes.__dataclass_fields__})
    cluster = {name: options.pop(name) for name in NAMES}
    planned = make_planned(options)
    if dry_run:
        return show(planned, wishes.output, detailed_exitcode=detailed_exitcode)
    _refuse_blocked(planned)
    _refuse_other_targets(planned)
    _confirm(planned, wishes)
    if planned.plan.request.target == KUBERNETES:
        prepare_record(planned.plan, cluster)
    if not wait:
        return run_in_background(planned.plan.deployment_id, Layout.of().logs)
    preload.begin()  # not sooner: a plan that is refused needs no engine
    if wishes.output == "table":
        show_summary(planned)
    with open_operator(tuple(options.get("catalogs") or ())) as operator:
        return _carry_out(operator, planned, wishes)


def _refuse_blocked(planned: Planned) -> None:
    if planned.blocking:
        first = planned.blocking[0]
        more = "".join(
            f"\n  also: {finding.what} ({finding.why})" for finding in planned.blocking[1:]
        )
        raise RefusedError(f"{first.what} ({first.why}){more}", where=first.where, mend=first.mend)


def _refuse_other_targets(planned: Planned) -> None:
    plan = planned.plan
    current = planned.current
    if current is not None and current.request.target != plan.request.target:
        raise InvalidInputError(
            f"{plan.deployment_id} runs on {current.request.target} already",
            where=f"--target {plan.request.target}",
            mend=f"give another --id; or destroy it there first: barberpro destroy {plan.deployment_id}",
        )
    if plan.request.target not in TARGETS_HERE:
        raise InvalidInputError(
            f"this release carries plans out on: {', '.join(TARGETS_HERE)}",
            where=f"--target {plan.request.target}",
            mend="plan for it with --dry-run; to deploy, leave --target out",
        )


def _confirm(planned: Planned, wishes: Wishes) -> None:
    """A change that replaces what runs is confirmed; a first deployment and an update are not."""
    replaced = [change for change in planned.changes if change.impact == "replace"]
    if planned.current is None or not replaced or wishes.yes:
        return
    paths = ", ".join(change.path for change in replaced)
    if wishes.non_interactive:
        raise InvalidInputError(f"this replaces what runs: {paths}", mend="add --yes to agree")
    click.confirm(f"This replaces what runs ({paths}). Go on?", abort=True, err=True)


def _carry_out(operator: Operator, planned: Planned, wishes: Wishes) -> int:
    deployment, payload = planned.plan.deployment_id, planned.payload()

    def begin(engine: RunEngine) -> RunResult:
        """A run of the same plan that was cut short is finished, not begun again."""
        earlier = engine.pending(deployment)
        if earlier is not None and earlier.kind == "deploy" and same_plan(earlier.payload, payload):
            return engine.resume(earlier.run, lock_wait=wishes.lock_wait)
        return engine.start(
            "deploy",
            deployment,
            payload,
            started_by=operator.name,
            lock_wait=wishes.lock_wait,
            undo_on_failure=wishes.rollback_on_failure,
            reserve_revision=True,
        )

    show = Show(
        heading(planned.plan), wishes.output, wishes.timeout, operator.usual_seconds(deployment)
    )
    result = follow_run(operator, show, begin)
    if result.exit_code == 0 and wishes.output == "table":
        show_welcome(operator, planned.plan)
    return result.exit_code


def same_plan(earlier: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    return earlier.get("checksum") == wanted.get("checksum")


def heading(plan: Plan) -> str:
    request = plan.request
    return f"{request.name} · {request.vertical} · {request.market} · {request.region} → {request.target}"
