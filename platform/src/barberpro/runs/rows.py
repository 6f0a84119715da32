"""The rows of the registry, typed. JSON columns are parsed; instants are aware (UTC)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from barberpro.errors import InvalidInputError
from barberpro.runs.outcomes import Json
from barberpro.runs.pipelines import Pipeline

RunStatus = Literal["running", "done", "failed", "undone", "interrupted"]
UNFINISHED: tuple[RunStatus, ...] = ("running", "interrupted")
STEP_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
RUN_FORMAT = 1  # of payload, shape and step records together; raised when an old run cannot be read


@dataclass(frozen=True, slots=True)
class Deployment:
    """``state``: new, live, stopped, maintenance, failed, destroyed ... in the words of the kinds."""

    id: str
    name: str
    vertical: str
    target: str
    current_revision: int | None
    state: str
    request: Mapping[str, Json]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Revision:
    deployment: str
    number: int
    plan: str  # canonical JSON, exactly what the checksum was taken of
    checksum: str
    run: str
    state: Literal["reserved", "applied", "failed"]
    applied_at: datetime | None


@dataclass(frozen=True, slots=True)
class StepShape:
    id: str
    title: str
    attempts: int
    undo: bool


@dataclass(frozen=True, slots=True)
class StageShape:
    id: str
    title: str
    budget_seconds: int
    steps: tuple[StepShape, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """The pipeline as it was when the run began. A resumed run goes by it, whatever version of
    the program resumes it; only the code of the steps is looked up by id."""

    stages: tuple[StageShape, ...]

    @classmethod
    def of(cls, pipeline: Pipeline[object]) -> Shape:
        """Raises ValueError where a step's id cannot name its records."""
        seen: set[str] = set()
        for step in pipeline.steps():
            if step.id in seen:
                raise ValueError(f"step {step.id} stands twice in the pipeline {pipeline.kind}")
            if not STEP_ID.fullmatch(step.id):
                raise ValueError(f"{step.id!r} is not a step id: lower-case words and hyphens")
            seen.add(step.id)
        return cls(
            tuple(
                StageShape(
                    stage.id,
                    stage.title,
                    stage.budget_seconds,
                    tuple(
                        StepShape(step.id, step.title, max(1, step.attempts), step.undo is not None)
                        for step in stage.steps
                    ),
                )
                for stage in pipeline.stages
            )
        )

    @classmethod
    def parse(cls, text: str) -> Shape:
        return cls(
            tuple(
                StageShape(
                    stage["id"],
                    stage["title"],
                    stage["budget_seconds"],
                    tuple(StepShape(**step) for step in stage["steps"]),
                )
                for stage in json.loads(text)["stages"]
            )
        )

    def steps(self) -> list[tuple[StageShape, StepShape]]:
        return [(stage, step) for stage in self.stages for step in stage.steps]


@dataclass(frozen=True, slots=True)
class Run:
    id: str
    deployment: str
    kind: str
    revision: int | None
    started_by: str
    host: str
    pid: int
    format: int
    payload: Mapping[str, Json]
    checksum: str
    shape: Shape
    undo_on_failure: bool
    undo_requested: bool
    resumed: int
    started_at: datetime
    ended_at: datetime | None
    status: RunStatus
    failed_step: str
    message: str

    @property
    def unfinished(self) -> bool:
        return self.status in UNFINISHED


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a deployment's lock."""

    deployment: str
    run: str
    kind: str
    started_by: str
    host: str
    pid: int
    since: datetime


def canonical(value: Mapping[str, Json] | Sequence[Json]) -> str:
    """Canonical JSON: sorted keys, no insignificant blanks, UTF-8, no NaN (DESIGN §4)."""
    try:
        text = json.dumps(
            value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"this cannot be written as JSON: {error}",
            mend="use plain values: text, numbers, true, false, null, lists and objects",
        ) from error
    return text


def checksum(text: str) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
