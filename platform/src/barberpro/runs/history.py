"""What earlier runs tell: their attempts, how long stages took, and whether one became slower.

Reads the records that DBOS stores (schema ``dbos``), by SQL and without importing it.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import DictRow

from barberpro.runs.connections import Session
from barberpro.runs.records import StepRecord, parse
from barberpro.runs.rows import Shape, StageShape

REGRESSION_FACTOR = 1.5
REGRESSION_SECONDS = 0.5
REGRESSION_RUNS = 3  # so many earlier runs must have measured the stage
HISTORY_RUNS = 10


@dataclass(frozen=True, slots=True)
class StageDuration:
    """How long one stage took in one run, waits between attempts included."""

    run: str
    stage: str
    seconds: float


def step_records(session: Session, run: str, *, skip: int = 0) -> list[StepRecord]:
    """Every finished attempt of the run in the order of execution, from the ``skip``-th on."""

    def work(connection: psycopg.Connection[DictRow]) -> list[DictRow]:
        return connection.execute(
            "SELECT output FROM dbos.operation_outputs WHERE workflow_uuid = %s"
            " AND (function_name LIKE 'run:%%' OR function_name LIKE 'undo:%%')"
            " ORDER BY function_id OFFSET %s",
            [run, skip],
        ).fetchall()

    try:
        return [parse(json.loads(row["output"])) for row in session.transaction(work)]
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return []  # a registry in which no run was ever started


def stage_durations(
    session: Session, deployment: str, kind: str, *, limit: int = HISTORY_RUNS
) -> list[StageDuration]:
    """Of the last ``limit`` runs of this kind that went through undisturbed, newest first.

    A run that was resumed says nothing about durations: it was down in between.
    """

    def work(connection: psycopg.Connection[DictRow]) -> list[DictRow]:
        return connection.execute(
            "WITH last AS (SELECT id, shape, started_at FROM registry.runs WHERE deployment = %s"
            "  AND kind = %s AND status = 'done' AND resumed = 0 ORDER BY started_at DESC LIMIT %s)"
            " SELECT last.id, last.shape, o.function_name, o.started_at_epoch_ms AS started,"
            "  o.completed_at_epoch_ms AS ended"
            " FROM last JOIN dbos.operation_outputs o ON o.workflow_uuid = last.id"
            " WHERE o.function_name LIKE 'run:%%' ORDER BY last.started_at DESC, o.function_id",
            [deployment, kind, limit],
        ).fetchall()

    rows = session.transaction(work)
    return _by_stage(rows)


def _by_stage(rows: Sequence[DictRow]) -> list[StageDuration]:
    stages: dict[str, dict[str, str]] = {}
    first: dict[tuple[str, str], int] = {}
    last: dict[tuple[str, str], int] = {}
    for row in rows:
        if row["id"] not in stages:
            shape = Shape.parse(row["shape"])
            stages[row["id"]] = {step.id: stage.id for stage, step in shape.steps()}
        step = row["function_name"].split(":")[1]
        key = (row["id"], stages[row["id"]][step])
        first.setdefault(key, row["started"])
        last[key] = row["ended"]
    return [
        StageDuration(run, stage, (last[run, stage] - started) / 1000)
        for (run, stage), started in first.items()
    ]


def by_stage(durations: Sequence[StageDuration]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for duration in durations:
        found.setdefault(duration.stage, []).append(duration.seconds)
    return found


def regression(stage: str, seconds: float, earlier: Sequence[float]) -> str:
    """A note, or nothing. A stage became slower when it takes more than 1.5 times the median of
    at least three earlier runs, and more than half a second longer than it."""
    if len(earlier) < REGRESSION_RUNS:
        return ""
    median = statistics.median(earlier)
    if seconds <= REGRESSION_FACTOR * median or seconds - median <= REGRESSION_SECONDS:
        return ""
    return (
        f"stage {stage} took {seconds:.1f} s, {seconds / max(median, 0.001):.1f} times its median of"
        f" {median:.1f} s over the last {len(earlier)} runs"
    )


def over_budget(stage: StageShape, seconds: float) -> str:
    """A note, or nothing."""
    if seconds <= stage.budget_seconds:
        return ""
    return f"stage {stage.id} took {seconds:.1f} s, its budget is {stage.budget_seconds} s"


def notes(
    shape: Shape, stage_seconds: Mapping[str, float], earlier: Sequence[StageDuration]
) -> list[str]:
    past = by_stage(earlier)
    found = []
    for stage in shape.stages:
        seconds = stage_seconds.get(stage.id)
        if seconds is not None:
            found.append(over_budget(stage, seconds))
            found.append(regression(stage.id, seconds, past.get(stage.id, ())))
    return [note for note in found if note]
