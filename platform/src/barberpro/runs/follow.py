"""Follows a run from another process, by its records (``barberpro runs RUN --follow``).

What a run does is in the registry only when an attempt has ended; which attempt is under way
follows from the run's shape and the attempts that ended. Does not import DBOS.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from barberpro.runs import connections, history
from barberpro.runs.events import Event, EventKind
from barberpro.runs.narrate import Narrator
from barberpro.runs.records import Phase, StepRecord
from barberpro.runs.registry import Registry
from barberpro.runs.rows import Run, StepShape

POLL_SECONDS = 0.25
ABSENT_POLLS = 3  # so often "running, but nobody holds the lock" before it is believed

Attempt = tuple[Phase, str, int]


def follow(
    url: str,
    run_id: str,
    *,
    poll: float = POLL_SECONDS,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """The run's events from its beginning to its end, as they come; ends with ``run-ended``.

    A run whose process died ends as interrupted. Raises ``UnknownRunError`` and
    ``RegistryUnavailableError``. ``stop`` is asked between polls.
    """
    session = connections.Session(url)
    with Registry(url) as registry:
        try:
            yield from _follow(registry, session, registry.run(run_id), poll, stop)
        finally:
            session.close()


def _follow(
    registry: Registry,
    session: connections.Session,
    run: Run,
    poll: float,
    stop: Callable[[], bool],
) -> Iterator[Event]:
    narrator = Narrator(run.id, run.deployment, run.shape)
    records: list[StepRecord] = []
    announced: Attempt | None = None
    absent = 0
    yield _event(run, "run-started", run.started_at.timestamp())
    while not stop():
        # the status first: what was recorded before the end is then seen before the end
        run = registry.run(run.id)
        for record in history.step_records(session, run.id, skip=len(records)):
            records.append(record)
            attempt = (record.phase, record.step, record.attempt)
            if attempt != announced:
                yield from narrator.before(*attempt, at=record.started)
            yield from narrator.after(record)
        absent = 0 if run.status != "running" or registry.holder(run.deployment) else absent + 1
        if run.status != "running" or absent >= ABSENT_POLLS:
            yield _ended(run)
            return
        due = next_attempt(run, records)
        if due is not None and due != announced and not absent:
            yield from narrator.before(*due)
            announced = due
        time.sleep(poll)


def next_attempt(run: Run, records: Sequence[StepRecord]) -> Attempt | None:
    """Which attempt is under way or due after these; None at the end."""
    shapes = {step.id: step for _, step in run.shape.steps()}
    last = records[-1] if records else None
    if last is not None and last.result == "retry" and last.attempt < shapes[last.step].attempts:
        return last.phase, last.step, last.attempt + 1
    ended = {record.step for record in records if record.result in ("done", "skipped")}
    if run.undo_requested and (last is None or last.phase == "run"):
        return None  # begun at a step that left no record, so which one cannot be told yet
    if last is None or (last.phase == "run" and last.step in ended):
        return next((("run", s.id, 1) for _, s in run.shape.steps() if s.id not in ended), None)
    if not (run.undo_on_failure or run.undo_requested):
        return None
    begun = _begun(records, shapes)
    undone = {record.step for record in records if record.phase == "undo"}
    return next((("undo", id_, 1) for id_ in reversed(begun) if id_ not in undone), None)


def _begun(records: Sequence[StepRecord], shapes: dict[str, StepShape]) -> list[str]:
    """Steps that have something to undo, oldest first."""
    found: dict[str, bool] = {}
    for record in records:
        if record.phase == "run":
            found[record.step] = record.result != "skipped"
    return [id_ for id_, changed in found.items() if changed and shapes[id_].undo]


def _event(run: Run, kind: EventKind, at: float) -> Event:
    return Event(kind, at, run.id, run.deployment, title=run.kind, status="running")


def _ended(run: Run) -> Event:
    if run.ended_at is None:
        return Event(
            "run-ended", time.time(), run.id, run.deployment, title=run.kind,
            status="interrupted", detail=f"its process (pid {run.pid} on {run.host}) is gone;"
            f" resume it with: barberpro resume {run.deployment}",
        )  # fmt: skip
    return Event(
        "run-ended", run.ended_at.timestamp(), run.id, run.deployment, title=run.kind,
        status=run.status, detail=run.message,
        seconds=(run.ended_at - run.started_at).total_seconds(),
    )  # fmt: skip
