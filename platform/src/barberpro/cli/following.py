"""Carries a run out in this process while the terminal shows it, and stops it cleanly when asked."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

import click

from barberpro.cli.composition import Operator
from barberpro.cli.preload import RunEngine
from barberpro.cli.progress import listener
from barberpro.errors import ExitCode
from barberpro.runs.events import Event
from barberpro.runs.results import RunResult


@dataclass
class _Relay:
    """Hands events on to whoever shows them; the engine is older than the view."""

    send: Callable[[Event], None] = field(default=lambda _: None)

    def __call__(self, event: Event) -> None:
        self.send(event)


@dataclass(frozen=True, slots=True)
class Show:
    """How the run is shown: its heading, ``-o``, and after how many seconds to stop it."""

    heading: str
    output: str = "table"
    timeout: float | None = None
    expected_seconds: float | None = None


def follow_run(
    operator: Operator, show: Show, begin: Callable[[RunEngine], RunResult]
) -> RunResult:
    """Run ``begin`` on an engine, showing its events; says at the end how it went."""
    relay = _Relay()
    with (
        operator.engine(relay) as engine,
        _stops(engine, show.timeout),
        listener(show.output, show.heading, show.expected_seconds) as send,
    ):
        relay.send = send
        result = begin(engine)
    if show.output == "table":
        _say_ending(result)
    return result


@contextmanager
def _stops(engine: RunEngine, timeout: float | None) -> Iterator[None]:
    """Ctrl-C or SIGTERM once: stop after the step in flight. Ctrl-C twice: end at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        engine.request_stop()
        click.echo(
            "\nstopping after the step in flight; press Ctrl-C again to end at once", err=True
        )

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    timer = threading.Timer(timeout, engine.request_stop) if timeout is not None else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _say_ending(result: RunResult) -> None:
    for note in result.notes:
        click.echo(f"note: {note}", err=True)
    if result.status == "done":
        return
    if result.given_up:
        click.echo("the run was taken back; what ran before still serves", err=True)
        return
    heads = {
        "undone": "failed, and everything it did was undone; what ran before still serves",
        "failed": "failed; what it made was kept",
        "interrupted": "interrupted; nothing is lost",
    }
    step = f" at step {result.failed_step}" if result.failed_step else ""
    click.echo(
        click.style("error: ", fg="red", bold=True) + f"the run {heads[result.status]}{step}",
        err=True,
    )
    click.echo("  " + result.message.replace("\n", "\n  "), err=True)
    if result.exit_code != ExitCode.INTERRUPTED:
        click.echo(f"  every step and its log: barberpro runs {result.run}", err=True)
