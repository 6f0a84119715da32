"""The live picture of a run: stages with their times, and the steps of the one at work."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from barberpro.cli.output import duration
from barberpro.runs.events import Event

SIGNS = {
    "done": ("✓", "green"),
    "skipped": ("–", "dim"),
    "failed": ("✗", "bold red"),
    "retry": ("↻", "yellow"),
    "undone": ("↩", "yellow"),
    "interrupted": ("‖", "yellow"),
}


@dataclass
class _StepRow:
    title: str
    status: str = ""
    detail: str = ""


@dataclass
class _StageRow:
    title: str
    budget_seconds: int
    started: float
    seconds: float | None = None
    status: str = ""
    steps: dict[str, _StepRow] = field(default_factory=dict)


class LiveView:
    """Draws at most ten times a second; finished stages fold to one line, a failed one stays open."""

    def __init__(self, heading: str, expected_seconds: float | None = None) -> None:
        self.heading = heading
        self.expected_seconds = expected_seconds
        self.started = time.monotonic()
        self.stages: dict[str, _StageRow] = {}
        self.notes: list[str] = []
        self.ended: Event | None = None
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(
            get_renderable=self.render,
            console=Console(stderr=True),
            refresh_per_second=10,
            transient=False,
        )

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def listen(self, event: Event) -> None:
        if event.kind == "stage-started":
            self.stages[event.stage] = _StageRow(
                event.title, event.budget_seconds or 0, time.monotonic()
            )
        elif event.kind == "stage-ended" and event.stage in self.stages:
            stage = self.stages[event.stage]
            stage.seconds, stage.status = event.seconds, event.status
        elif event.kind in {"step-started", "undo-started"}:
            row = self._stage(event).steps.setdefault(event.step, _StepRow(event.title))
            row.status, row.detail = ("undoing" if event.kind == "undo-started" else ""), ""
        elif event.kind in {"step-ended", "undo-ended"}:
            row = self._stage(event).steps.setdefault(event.step, _StepRow(event.title))
            row.status, row.detail = event.status, event.detail
        elif event.kind in {"note", "run-resumed"} and event.detail:
            self.notes.append(event.detail)
        elif event.kind == "run-ended":
            self.ended = event

    def _stage(self, event: Event) -> _StageRow:
        return self.stages.setdefault(event.stage, _StageRow(event.stage, 0, time.monotonic()))

    def render(self) -> RenderableType:
        spent = (
            time.monotonic() - self.started if self.ended is None else (self.ended.seconds or 0.0)
        )
        about = (
            f" of about {duration(self.expected_seconds)}"
            if self.expected_seconds and self.ended is None
            else ""
        )
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(width=3, no_wrap=True)
        grid.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
        grid.add_column(justify="right", no_wrap=True, width=19)
        for number, stage in enumerate(self.stages.values(), 1):
            self._add_stage(grid, number, stage)
        notes = [Text(f"  {note}", style="dim") for note in self.notes[-4:]]
        return Group(
            Text(self.heading, style="bold"),
            Text(f"{duration(spent)}{about}", style="dim"),
            grid,
            *notes,
        )

    def _add_stage(self, grid: Table, number: int, stage: _StageRow) -> None:
        running = stage.seconds is None
        seconds = time.monotonic() - stage.started if stage.seconds is None else stage.seconds
        budget = f" of {stage.budget_seconds // 60} min" if stage.budget_seconds else ""
        grid.add_row(
            self._sign(stage.status, running=running),
            Text(f"{number} {stage.title}", style="bold" if running else ""),
            Text(f"{duration(seconds)}{budget}", style="dim"),
        )
        if running or stage.status == "failed":
            for row in stage.steps.values():
                line = (
                    Text("  ")
                    .append(row.title)
                    .append(f"  {row.detail}" if row.detail else "", style="dim")
                )
                grid.add_row("", Text("  ").append_text(self._mark(row)).append_text(line), "")

    def _mark(self, row: _StepRow) -> Text:
        sign, style = SIGNS.get(row.status, ("…", "cyan"))
        return Text(sign, style=style)

    def _sign(self, status: str, *, running: bool) -> RenderableType:
        if running and self.ended is None:
            return self._spinner
        sign, style = SIGNS.get(status, ("·", "dim"))
        return Text(f" {sign}", style=style)
