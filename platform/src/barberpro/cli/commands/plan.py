"""``barberpro plan``: what deploy would do, changing nothing and needing no server."""

from __future__ import annotations

from typing import Any

import click

from barberpro.cli.options import request_options
from barberpro.cli.output import emit, output_option
from barberpro.cli.plan_view import plan_data, show_plan
from barberpro.cli.planned import Planned, make_planned
from barberpro.errors import ExitCode


@click.command()
@request_options
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 10 where there are changes, 0 where there are none.",
)
@output_option
def plan(output: str, detailed_exitcode: bool, **fields: Any) -> int:
    """Show what deploy would do: plan, difference, cost and findings. Changes nothing.

    \b
    Example:
      barberpro plan --vertical barbershop --name "BarberShop Palermo" \\
          --market medium --region argentina-central
    """
    planned = make_planned(fields)
    return show(planned, output, detailed_exitcode=detailed_exitcode)


def show(planned: Planned, output: str, *, detailed_exitcode: bool) -> int:
    emit(plan_data(planned), output, lambda: show_plan(planned))
    if planned.blocking:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if detailed_exitcode and planned.changes else ExitCode.DONE
