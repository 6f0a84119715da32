"""How a lot of deployments is shown: how many are well, then those that are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from barberpro.cli.output import marked

SHOWN = 50
Row = dict[str, Any]


def sums(rows: Sequence[Row], shown: Sequence[Row]) -> dict[str, Any]:
    """For programs: the sums are of ``rows``, the deployments those ``shown``."""
    return {
        "schema": 1,
        "total": len(rows),
        "well": sum(1 for row in rows if row["well"]),
        "states": dict(sorted(Counter(row["state"] for row in rows).items())),
        "verticals": dict(sorted(Counter(row["vertical"] for row in rows).items())),
        "deployments": list(shown),
    }


def show_sums(rows: Sequence[Row], shown: Sequence[Row], *, everyone: bool) -> None:
    """``everyone``: those that are well are shown too, since they were asked for by their state."""
    states = Counter(row["state"] for row in rows)
    said = ", ".join(f"{number} {state}" for state, number in states.most_common())
    head = click.style(f"{len(rows)} deployment" + "s" * (len(rows) != 1), bold=True)
    click.echo(head + (f": {said}" if said else ""))
    poor = [row for row in shown if everyone or not row["well"]]
    for row in poor[:SHOWN]:
        mark = "ok" if row["well"] else "bad"
        trouble = f": {row['trouble']}" if row["trouble"] else ""
        click.echo("  " + marked(mark, f"{row['id']}  {row['state']}{trouble}"))
    if len(poor) > SHOWN:
        click.echo(f"  ... and {len(poor) - SHOWN} more (-o json shows all)")
    if any(not row["well"] for row in poor):
        click.echo("\nmore of one: barberpro status DEPLOYMENT", err=True)
