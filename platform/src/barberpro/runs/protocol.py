"""What others ask of the engine, without loading it and the library beneath it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from barberpro.runs.kinds import RunInput
from barberpro.runs.outcomes import Json
from barberpro.runs.results import RunResult


class Runs(Protocol):
    """Begins runs and goes on with them, as ``runs.engine.Engine`` does."""

    def start(
        self,
        kind: str,
        deployment: str,
        payload: Mapping[str, Json],
        *,
        started_by: str = "",
        lock_wait: float = 0.0,
        undo_on_failure: bool = True,
        reserve_revision: bool = False,
    ) -> RunResult: ...

    def resume(
        self, run_or_deployment: str, *, lock_wait: float = 0.0, undo: bool = False
    ) -> RunResult: ...

    def pending(self, deployment: str) -> RunInput | None: ...
