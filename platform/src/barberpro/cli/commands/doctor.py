"""``barberpro doctor``: what is wrong with this machine, and the command that mends it."""

from __future__ import annotations

import click

from barberpro.cli.output import emit, marked, output_option
from barberpro.cli.plan_view import MARK_OF
from barberpro.errors import ExitCode
from barberpro.operations.doctor import Doctor
from barberpro.planning.findings import Finding, Severity
from barberpro.runs.registry import Registry
from barberpro.targets.local.platform import LocalPlatform


@click.command()
@output_option
def doctor(output: str) -> int:
    """Check this machine: programs, disk, ports, names, trust, processes, interrupted runs.

    Reads only. Exits 1 where something is wrong that keeps deployments from working.
    """
    local = LocalPlatform.open()
    if local.is_running():
        with Registry.open(local.registry_url()) as registry:
            found = Doctor(local, registry).examine()
    else:
        found = Doctor(local).examine()
    emit([one.model_dump(mode="json") for one in found], output, lambda: _show(found))
    bad = any(one.severity is Severity.BLOCKING for one in found)
    return ExitCode.FAILED if bad else ExitCode.DONE


def _show(found: list[Finding]) -> None:
    for one in found:
        mark = "ok" if one.severity is Severity.INFO and not one.mend else MARK_OF[one.severity]
        click.echo(marked(mark, one.what))
        if one.mend:
            click.echo(f"    mend: {one.mend}")
    counts = [
        sum(1 for one in found if one.severity is s) for s in (Severity.BLOCKING, Severity.WARNING)
    ]
    click.echo(f"\n{counts[0]} to mend now, {counts[1]} to look at", err=True)
