"""``barberpro runs`` and ``barberpro resume``: what was done, step by step, and what is to be finished."""

from __future__ import annotations

from typing import Any

import click

from barberpro.cli import preload, progress
from barberpro.cli.composition import Operator, open_operator
from barberpro.cli.following import Show, follow_run
from barberpro.cli.options import deployment_argument, run_options
from barberpro.cli.output import duration, emit, output_option, table
from barberpro.errors import InvalidInputError
from barberpro.runs import history
from barberpro.runs.connections import Session
from barberpro.runs.follow import follow
from barberpro.runs.records import StepRecord
from barberpro.runs.registry import Registry
from barberpro.runs.rows import Run


@click.command()
@click.argument("run", required=False)
@click.option("--deployment", metavar="DEPLOYMENT", help="Only the runs of this deployment.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option(
    "--follow",
    "following",
    is_flag=True,
    help="Show a run while it goes, from its beginning to its end.",
)
@click.option("--log", is_flag=True, help="With RUN: the log lines of every step too.")
@output_option
def runs(run: str | None, output: str, **options: Any) -> int:
    """History of runs, newest first; or every attempt of every step of RUN.

    \b
    Examples:
      barberpro runs --deployment barbershop-palermo
      barberpro runs 20261124-034500-66bb57 --log
      barberpro runs --deployment barbershop-palermo --follow
    """
    with open_operator() as operator, operator.registry() as registry:
        if options["following"]:
            return _follow(
                operator, registry, run or _newest(registry, options["deployment"]).id, output
            )
        if run is None:
            found = registry.runs(options["deployment"], limit=options["limit"])
            emit([_run_data(one) for one in found], output, lambda: _show_runs(found))
            return 0
        one = registry.run(run)
        session = Session(operator.platform.registry_url())
        try:
            steps = history.step_records(session, one.id)
        finally:
            session.close()
        data = {**_run_data(one), "steps": [_step_data(step) for step in steps]}
        emit(data, output, lambda: _show_steps(one, steps, with_log=options["log"]))
        return 0


@click.command()
@deployment_argument
@click.option(
    "--undo", is_flag=True, help="Take the run back, newest step first, instead of finishing it."
)
@run_options
@output_option
def resume(deployment: str, output: str, **options: Any) -> int:
    """Finish the run of DEPLOYMENT (or the run of this id) that was interrupted or killed.

    \b
    Examples:
      barberpro resume barbershop-palermo
      barberpro resume barbershop-palermo --undo
    """
    preload.begin()
    with open_operator() as operator:
        show = Show(f"resuming {deployment}", output, options["timeout"])
        result = follow_run(
            operator,
            show,
            lambda engine: engine.resume(
                deployment, lock_wait=options["lock_wait"], undo=options["undo"]
            ),
        )
        return result.exit_code


def _newest(registry: Registry, deployment: str | None) -> Run:
    found = registry.runs(deployment, limit=1)
    if not found:
        raise InvalidInputError(
            "there is no run to follow", mend="barberpro runs lists those that there are"
        )
    return found[0]


def _follow(operator: Operator, registry: Registry, run: str, output: str) -> int:
    one = registry.run(run)
    heading = f"{one.kind} of {one.deployment}, begun by {one.started_by}"
    ended = ""
    with progress.listener(output, heading) as send:
        for event in follow(operator.platform.registry_url(), run):
            send(event)
            ended = event.status if event.kind == "run-ended" else ended
    return 0 if ended == "done" else 1


def _seconds(run: Run) -> float | None:
    return (run.ended_at - run.started_at).total_seconds() if run.ended_at else None


def _run_data(run: Run) -> dict[str, Any]:
    return {
        "run": run.id, "deployment": run.deployment, "kind": run.kind, "revision": run.revision,
        "status": run.status, "started_by": run.started_by, "started_at": run.started_at.isoformat(),
        "seconds": _seconds(run), "resumed": run.resumed, "failed_step": run.failed_step, "message": run.message,
    }  # fmt: skip


def _step_data(step: StepRecord) -> dict[str, Any]:
    return {
        "phase": step.phase, "stage": step.stage, "step": step.step, "attempt": step.attempt,
        "result": step.result, "detail": step.detail, "started": step.started,
        "seconds": round(step.seconds, 6), "facts": dict(step.facts), "where": step.where, "mend": step.mend,
        "log": list(step.log),
    }  # fmt: skip


def _show_runs(found: list[Run]) -> None:
    rows = []
    for run in found:
        seconds = _seconds(run)
        rows.append([
            run.id, run.deployment, run.kind, str(run.revision or ""), run.status,
            run.started_at.astimezone().strftime("%Y-%m-%d %H:%M"),
            duration(seconds) if seconds is not None else "", run.started_by,
        ])  # fmt: skip
    table(["run", "deployment", "kind", "revision", "status", "started", "took", "by"], rows)


def _show_steps(run: Run, steps: list[StepRecord], *, with_log: bool) -> None:
    seconds = _seconds(run)
    spent = f" in {duration(seconds)}" if seconds is not None else ""
    click.echo(click.style(f"{run.kind} of {run.deployment}: {run.status}{spent}", bold=True))
    click.echo(
        f"run {run.id}, begun {run.started_at.astimezone():%Y-%m-%d %H:%M:%S} by {run.started_by}"
    )
    if run.message:
        click.echo(run.message)
    stage = ""
    for step in steps:
        if step.stage != stage:
            stage = step.stage
            click.echo("\n" + click.style(stage, bold=True))
        sign = progress.SIGNS.get("undone" if step.phase == "undo" else step.result, "·")
        attempt = f" (attempt {step.attempt})" if step.attempt > 1 else ""
        click.echo(f"  {sign} {step.step}{attempt}: {step.detail}  [{duration(step.seconds)}]")
        for line in step.log if with_log else ():
            click.echo(f"      {line}")
