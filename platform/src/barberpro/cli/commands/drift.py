"""``barberpro diff``: what somebody changed by hand since the last deploy."""

from __future__ import annotations

from typing import Any

import click

from barberpro.cli.fleet_output import show_compared
from barberpro.cli.known import KUBERNETES, chart_folder, known_deployment
from barberpro.cli.many import MANY, check_verticals, chosen, require_one_or_all
from barberpro.cli.output import emit, output_option
from barberpro.cli.planned import applied_plans
from barberpro.errors import ExitCode, InvalidInputError
from barberpro.operations.fleet.comparing import Compared, Cost, compare_all
from barberpro.targets.kubernetes.drift import Drift, find_drift, moved_by_hand
from barberpro.targets.kubernetes.target import KubernetesTarget
from barberpro.targets.local.layout import Layout

STATES = ("as-deployed", "changed", "gone", "unknown")


@click.command("diff")
@click.argument("deployment", metavar="[DEPLOYMENT]", required=False)
@MANY
@click.option(
    "--state",
    "states",
    type=click.Choice(STATES),
    multiple=True,
    help="With --all: show these alone.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 where something was changed.")
@output_option
def diff(
    deployment: str | None, everything: bool, verticals: tuple[str, ...], states: tuple[str, ...],
    detailed_exitcode: bool, output: str,
) -> int:  # fmt: skip
    """What differs on the cluster from what was deployed: changed by hand, or gone.

    Of all of them at once, few lists of each cluster tell whom somebody else wrote to; these alone
    are compared in full. Exits 1 where one could not be looked at.

    \b
    Examples:
      barberpro diff barbershop-palermo
      barberpro diff --all --detailed-exitcode
      barberpro diff --all --vertical dental -o json
    """
    require_one_or_all(deployment, everything, (*verticals, *states))
    layout = Layout.of()
    target = KubernetesTarget(layout.home, chart_folder(), layout.backups)
    if deployment is None:
        found, cost = _compare(layout, target, verticals)
        shown = [one for one in found if not states or one.state in states]
        emit(_data(found, shown, cost), output, lambda: show_compared(found, shown))
        if any(one.state == "unknown" for one in found):
            return ExitCode.FAILED
        changed = any(one.state != "as-deployed" for one in found)
        return ExitCode.CHANGES if changed and detailed_exitcode else ExitCode.DONE
    if known_deployment(layout, deployment).target != KUBERNETES:
        raise InvalidInputError(
            f"{deployment} runs on this machine, where nothing changes it but barberpro",
            mend="barberpro plan shows what a deploy would change",
        )
    record = target.records.required(deployment)
    helm = target.helm(record)
    drift = find_drift(target.site(record), helm)
    ours = record.helm.get(record.live or 0, 0)
    moved = moved_by_hand(helm.history(), ours)
    if moved is not None:
        drift = [moved, *drift]
    emit(
        {"deployment": deployment, "drift": _lines(drift)}, output,
        lambda: _show(deployment, drift, ours),
    )  # fmt: skip
    return ExitCode.CHANGES if drift and detailed_exitcode else ExitCode.DONE


def _compare(
    layout: Layout, target: KubernetesTarget, verticals: tuple[str, ...]
) -> tuple[list[Compared], Cost]:
    """Those on clusters that something of is live."""
    live = {
        id_: plan.request.vertical if plan else ""
        for id_, (known, plan) in applied_plans(layout).items()
        if known.target == KUBERNETES and known.live is not None
    }
    check_verticals(verticals, live.values())
    wanted = {id_ for id_, vertical in live.items() if chosen(vertical, verticals)}
    return compare_all(target, [one for one in target.records.all() if one.id in wanted])


def _data(found: list[Compared], shown: list[Compared], cost: Cost) -> dict[str, Any]:
    return {
        "schema": 1,
        "total": len(found),
        **{state: sum(one.state == state for one in found) for state in STATES},
        "requests": cost.requests,
        "compared_in_full": cost.closely,
        "deployments": [
            {"id": one.id, "context": one.context, "state": one.state, "problem": one.problem,
             "drift": _lines(one.drift)}
            for one in shown
        ],
    }  # fmt: skip


def _lines(drift: list[Drift] | tuple[Drift, ...]) -> list[dict[str, object]]:
    return [{"object": one.object, "lines": list(one.lines)} for one in drift]


def _show(deployment: str, found: list[Drift], ours: int) -> None:
    if not found:
        click.echo(f"{deployment}: the cluster is as it was deployed")
        return
    for one in found:
        click.echo(click.style(one.object, bold=True))
        for line in one.lines:
            click.echo(click.style(f"  {line}", fg="red" if line[0] == "-" else "green"))
    click.echo(
        f"\n- is what the cluster has, + what was deployed; put back with: helm rollback barberpro "
        f"{ours} -n {deployment}",
        err=True,
    )
