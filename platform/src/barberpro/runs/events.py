"""What a run tells while it goes: one event per line with ``-o json`` (schema version 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

EventKind = Literal[
    "run-started", "run-resumed", "stage-started", "step-started", "step-ended", "stage-ended",
    "undo-started", "undo-ended", "run-ended", "note",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """``at`` is seconds since the epoch (UTC); ``seconds`` is how long what ended took.

    ``replayed`` marks what an earlier process had finished before this one resumed the run;
    its ``at`` and ``seconds`` are those of that time.
    """

    kind: EventKind
    at: float
    run: str
    deployment: str
    stage: str = ""
    step: str = ""
    title: str = ""
    status: str = ""  # done, skipped, retry, failed, undone, interrupted
    detail: str = ""
    seconds: float | None = None
    budget_seconds: int | None = None
    replayed: bool = False
    attempt: int | None = None


Listener = Callable[[Event], None]
