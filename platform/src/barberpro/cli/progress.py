"""What the terminal says while a run goes: a live picture, plain lines, or JSON events.

All three are listeners for the engine's events, and all write where their readers look: pictures
and lines for people on stderr, JSON events (one per line, versioned) on stdout.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click

from barberpro.cli.live import LiveView
from barberpro.cli.output import duration
from barberpro.runs.events import Event, Listener

EVENT_SCHEMA = 1
SIGNS = {
    "done": "✓",
    "skipped": "–",
    "failed": "✗",
    "retry": "↻",
    "undone": "↩",
    "interrupted": "‖",
}


@contextmanager
def listener(
    output: str, heading: str, expected_seconds: float | None = None
) -> Iterator[Listener]:
    """The listener that fits the reader: ``-o json``, a terminal, or a pipe."""
    if output == "json":
        yield write_json
    elif (
        sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    ):
        with LiveView(heading, expected_seconds) as view:
            yield view.listen
    else:
        click.echo(heading, err=True)
        yield write_line


def write_json(event: Event) -> None:
    fields = {name: value for name, value in asdict(event).items() if value not in ("", None)}
    fields["event"] = fields.pop("kind")
    click.echo(json.dumps({"schema": EVENT_SCHEMA, **fields}, ensure_ascii=False))


def write_line(event: Event) -> None:
    text = plain_text(event)
    if text:
        click.echo(text, err=True)


def plain_text(event: Event) -> str:
    """One line for one event; empty for those that a log does not need."""
    if event.kind == "stage-started":
        budget = f" (budget {event.budget_seconds // 60} min)" if event.budget_seconds else ""
        return f"{event.title}{budget}"
    if event.kind in {"step-ended", "undo-ended"}:
        sign = SIGNS.get(event.status, "·")
        spent = f"  [{duration(event.seconds)}]" if event.seconds is not None else ""
        undo = "undo: " if event.kind == "undo-ended" else ""
        detail = f": {event.detail}" if event.detail else ""
        return f"  {sign} {undo}{event.title}{detail}{spent}"
    if event.kind == "run-ended":
        spent = f" in {duration(event.seconds)}" if event.seconds is not None else ""
        return f"run {event.run} {event.status}{spent}"
    if event.kind in {"run-resumed", "note"}:
        return f"  · {event.detail}" if event.detail else ""
    return ""
