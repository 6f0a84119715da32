"""Flags of commands that look at one deployment or at all of them."""

from __future__ import annotations

from collections.abc import Collection

import click

from barberpro.cli.options import together
from barberpro.errors import InvalidInputError

VERTICALS = click.option("--vertical", "verticals", metavar="VERTICAL", multiple=True, help="Of this kind of business alone; may be given several times.")  # fmt: skip
KNOWN = (
    "live",
    "stopped",
    "degraded",
    "changing",
    "interrupted",
    "failed",
    "new",
    "down",
    "unknown",
)
STATES = click.option("--state", "states", type=click.Choice(KNOWN), multiple=True, help="Show those in this state alone.")  # fmt: skip
MANY = together((click.option("--all", "everything", is_flag=True, help="Every deployment that is known here."), VERTICALS))  # fmt: skip


def require_one_or_all(
    deployment: str | None, everything: bool, narrowed: Collection[object]
) -> None:
    """Raises ``InvalidInputError`` where it is neither, or both, or one is narrowed further."""
    if everything == (deployment is not None):
        raise InvalidInputError("say which deployment", mend="name one, or all of them: --all")
    if narrowed and not everything:
        raise InvalidInputError("one deployment is not narrowed further", mend="add --all")


def chosen(value: str, wanted: Collection[str]) -> bool:
    return not wanted or value in wanted


def check_verticals(wanted: Collection[str], there: Collection[str]) -> None:
    """A name that is misspelt must not look like a fleet that is well. Raises ``InvalidInputError``."""
    missing = sorted(set(wanted) - set(there))
    if missing:
        raise InvalidInputError(
            f"there is no deployment of kind {', '.join(missing)}",
            where="--vertical",
            mend=f"one of: {', '.join(sorted(set(there)))}"
            if there
            else "nothing is deployed here",
        )
