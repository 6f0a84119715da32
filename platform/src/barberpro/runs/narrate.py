"""Turns attempts into events, stage by stage; the same for a live run and for one that is followed."""

from __future__ import annotations

import time
from collections.abc import Iterator

from barberpro.runs.events import Event, EventKind
from barberpro.runs.records import Phase, StepRecord
from barberpro.runs.rows import Shape, StageShape, StepShape


class Narrator:
    """Fed with what happens, in order; remembers which stage is open and how long it took."""

    def __init__(self, run: str, deployment: str, shape: Shape) -> None:
        self._run = run
        self._deployment = deployment
        self._places = {step.id: (stage, step) for stage, step in shape.steps()}
        self._stage = ""
        self._first: dict[str, float] = {}  # start of the first attempt per step
        self.stage_seconds: dict[str, float] = {}  # per stage: its steps, waits between tries too

    def before(
        self,
        phase: Phase,
        step: str,
        attempt: int,
        *,
        at: float | None = None,
        replayed: bool = False,
    ) -> Iterator[Event]:
        stage, shape = self._places[step]
        moment = time.time() if at is None else at
        if phase == "undo":
            yield self._event("undo-started", moment, stage, shape, replayed, attempt)
            return
        if stage.id != self._stage:
            self._stage = stage.id
            yield self._event("stage-started", moment, stage, None, replayed)
        yield self._event("step-started", moment, stage, shape, replayed, attempt)

    def after(self, record: StepRecord, *, replayed: bool = False) -> Iterator[Event]:
        stage, shape = self._places[record.step]
        kind: EventKind = "undo-ended" if record.phase == "undo" else "step-ended"
        status = "undone" if (record.phase, record.result) == ("undo", "done") else record.result
        yield self._event(
            kind, record.ended, stage, shape, replayed, record.attempt,
            status=status, detail=record.detail, seconds=record.seconds,
        )  # fmt: skip
        if record.phase == "undo":
            return
        first = self._first.setdefault(record.step, record.started)
        given_up = record.result == "retry" and record.attempt >= shape.attempts
        if record.result == "retry" and not given_up:
            return
        total = self.stage_seconds.get(stage.id, 0.0) + (record.ended - first)
        self.stage_seconds[stage.id] = total
        failed = given_up or record.result == "failed"
        if failed or shape.id == stage.steps[-1].id:
            yield self._event(
                "stage-ended", record.ended, stage, None, replayed,
                status="failed" if failed else "done", seconds=total,
            )  # fmt: skip

    def _event(
        self,
        kind: EventKind,
        at: float,
        stage: StageShape,
        step: StepShape | None,
        replayed: bool,
        attempt: int | None = None,
        **ending: str | float,
    ) -> Event:
        seconds = ending.get("seconds")
        return Event(
            kind,
            at,
            self._run,
            self._deployment,
            stage=stage.id,
            step=step.id if step else "",
            title=step.title if step else stage.title,
            status=str(ending.get("status", "")),
            detail=str(ending.get("detail", "")),
            seconds=None if seconds is None else float(seconds),
            budget_seconds=None if step else stage.budget_seconds,
            replayed=replayed,
            attempt=attempt,
        )
