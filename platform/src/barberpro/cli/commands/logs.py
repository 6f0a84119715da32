"""``barberpro logs``: a deployment's log lines, router and app, merged by time."""

from __future__ import annotations

import time

import click

from barberpro.cli.known import KUBERNETES, known_deployment
from barberpro.cli.options import deployment_argument
from barberpro.errors import InvalidInputError
from barberpro.kube.contexts import choose
from barberpro.operations.cluster_logs import ClusterLogReader
from barberpro.operations.logs import LogLine, LogReader
from barberpro.targets.kubernetes.site import Site
from barberpro.targets.local.layout import Layout

POLL_SECONDS = 0.3


@click.command()
@deployment_argument
@click.option("-f", "--follow", is_flag=True, help="Go on as lines come; Ctrl-C ends it.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(1, 100_000),
    default=50,
    show_default=True,
    help="How many of the last.",
)
@click.option(
    "--request", metavar="ID", help="Only the lines of this request id, in all processes."
)
@click.option(
    "--level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="This level and worse.",
)
@click.option("--service", metavar="NAME", help="On a cluster: the pods of this service alone.")
@click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def logs(
    deployment: str,
    follow: bool,
    lines: int,
    request: str | None,
    level: str | None,
    service: str | None,
    output: str,
) -> None:
    """Log lines of DEPLOYMENT from all its processes or pods, merged by time.

    \b
    Examples:
      barberpro logs barbershop-palermo --follow
      barberpro logs barbershop-palermo --level warning -n 200
      barberpro logs barbershop-palermo --request 2bc5161d-8133-404c-9c59-58c4679b2404
    """
    layout = Layout.of()
    known = known_deployment(layout, deployment)
    if known.target == KUBERNETES:
        site = Site.of(choose(known.context or None), deployment)
        cluster = ClusterLogReader(site, request=request, level=level, service=service)
        for line in cluster.last(lines):
            _show(line, output)
        for line in cluster.follow() if follow else ():
            _show(line, output)
        return
    if service is not None:
        raise InvalidInputError(
            f"{deployment} runs on this machine, where one process serves several services",
            where="--service",
        )
    reader = LogReader(layout, deployment, request=request, level=level)
    for line in reader.last(lines):
        _show(line, output)
    while follow:
        time.sleep(POLL_SECONDS)
        for line in reader.new():
            _show(line, output)


def _show(line: LogLine, output: str) -> None:
    if output == "json":
        click.echo(line.raw)
        return
    colour = {"error": "red", "warning": "yellow"}.get(line.level)
    level = click.style(f"{line.level:<7}", fg=colour)
    click.echo(f"{line.time} {level} {line.source:<8} {line.text}")
