"""Data on stdout in the form that was asked for; words for people on stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
import yaml

F = TypeVar("F", bound=Callable[..., Any])

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "bad": ("✗", "red"), "none": ("·", None)}


def output_option(command: F) -> F:
    return click.option(
        "-o", "--output", type=click.Choice(["table", "json", "yaml"]), default="table", show_default=True,
        help="Form of the data on stdout.",
    )(command)  # fmt: skip


def emit(data: object, output: str, human: Callable[[], None]) -> None:
    """Write ``data`` as JSON or YAML, or call ``human`` to write it as text."""
    if output == "json":
        click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))
    elif output == "yaml":
        click.echo(
            yaml.safe_dump(
                json.loads(json.dumps(data, default=str)), allow_unicode=True, sort_keys=False
            ),
            nl=False,
        )
    else:
        human()


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns, headings in capitals, nothing else: easy for eyes, ``awk`` and ``grep``."""
    widths = [max(len(row[i]) for row in [headings, *rows]) for i in range(len(headings))]
    for number, row in enumerate([[h.upper() for h in headings], *rows]):
        line = "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        click.echo(click.style(line, bold=True) if number == 0 else line)


def marked(mark: str, text: str) -> str:
    sign, colour = MARKS[mark]
    return f"{click.style(sign, fg=colour, bold=True)} {text}"


def duration(seconds: float) -> str:
    """0.42 s, 7.3 s, 4 min 05 s."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"


def money_usd(text: str) -> str:
    return f"US$ {float(text):,.2f}"
