"""The live picture of a run, as a terminal of 100 columns shows it."""

from __future__ import annotations

import io
import time

from rich.console import Console

from barberpro.cli.live import LiveView
from barberpro.runs.events import Event, EventKind


def event(kind: EventKind, **fields: object) -> Event:
    return Event(kind, time.time(), "run-1", "palermo", **fields)  # type: ignore[arg-type]


def picture(view: LiveView) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(view.render())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_long_detail_pushes_neither_marks_nor_times_away() -> None:
    view = LiveView("Palermo")
    view.listen(event("stage-started", stage="a", title="Validation", budget_seconds=300))
    view.listen(event("stage-ended", stage="a", title="Validation", status="done", seconds=0.06))
    view.listen(
        event("stage-started", stage="b", title="Container Deployment", budget_seconds=1800)
    )
    view.listen(event("step-started", stage="b", step="s", title="Base containers deployment"))
    view.listen(
        event(
            "step-ended",
            stage="b",
            step="s",
            title="Base containers deployment",
            status="done",
            detail="x" * 300,
        )
    )
    shown = picture(view)
    assert "✓ 1 Validation" in " ".join(shown.split())
    assert "0.06 s of 5 min" in shown
    assert "of 30 min" in shown
    assert "✓" in next(line for line in shown.splitlines() if "Base containers" in line)
    assert max(len(line) for line in shown.splitlines()) <= 100


def test_a_failed_stage_stays_open_and_a_finished_one_folds() -> None:
    view = LiveView("Palermo")
    for stage, status in (("a", "done"), ("b", "failed")):
        view.listen(event("stage-started", stage=stage, title=f"Stage {stage}", budget_seconds=60))
        view.listen(
            event(
                "step-ended",
                stage=stage,
                step=stage,
                title=f"Step {stage}",
                status=status,
                detail="why",
            )
        )
        view.listen(
            event("stage-ended", stage=stage, title=f"Stage {stage}", status=status, seconds=1.0)
        )
    view.listen(event("run-ended", status="undone", seconds=2.0))
    shown = picture(view)
    assert "Step a" not in shown
    assert "Step b" in shown
    assert "✗" in shown
