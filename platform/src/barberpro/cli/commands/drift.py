"""``barberpro diff``: what somebody changed by hand since the last deploy."""

from __future__ import annotations

import click

from barberpro.cli.known import KUBERNETES, chart_folder, known_deployment
from barberpro.cli.options import deployment_argument
from barberpro.cli.output import emit, output_option
from barberpro.errors import ExitCode, InvalidInputError
from barberpro.targets.kubernetes.drift import Drift, find_drift, moved_by_hand
from barberpro.targets.kubernetes.target import KubernetesTarget
from barberpro.targets.local.layout import Layout


@click.command("diff")
@deployment_argument
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 where something was changed.")
@output_option
def diff(deployment: str, detailed_exitcode: bool, output: str) -> int:
    """What differs on the cluster from what was deployed: changed by hand, or gone.

    \b
    Example:
      barberpro diff barbershop-palermo
    """
    layout = Layout.of()
    if known_deployment(layout, deployment).target != KUBERNETES:
        raise InvalidInputError(
            f"{deployment} runs on this machine, where nothing changes it but barberpro",
            mend="barberpro plan shows what a deploy would change",
        )
    target = KubernetesTarget(layout.home, chart_folder(), layout.backups)
    record = target.records.required(deployment)
    helm = target.helm(record)
    found = find_drift(target.site(record), helm)
    ours = record.helm.get(record.live or 0, 0)
    moved = moved_by_hand(helm.history(), ours)
    if moved is not None:
        found = [moved, *found]
    data = [{"object": one.object, "lines": list(one.lines)} for one in found]
    emit({"deployment": deployment, "drift": data}, output, lambda: _show(deployment, found, ours))
    return ExitCode.CHANGES if found and detailed_exitcode else ExitCode.DONE


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
