"""How a run ended, as its caller gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from barberpro.errors import ExitCode
from barberpro.runs.outcomes import Failed, Json
from barberpro.runs.rows import Run, RunStatus


@dataclass(frozen=True, slots=True)
class RunResult:
    """``status``: done; undone (failed, and all of it was undone); failed (kept on purpose, or an
    undo failed too); interrupted (to be resumed). Times in seconds, waits included."""

    run: str
    deployment: str
    kind: str
    revision: int | None
    status: RunStatus
    message: str = ""
    failed_step: str = ""
    failure: Failed | None = None
    undo_failures: tuple[str, ...] = ()
    seconds: float = 0.0
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stopped_on_request: bool = False
    given_up: bool = False  # undone because the operator wanted it so

    @property
    def exit_code(self) -> ExitCode:
        if self.status == "done" or (self.status == "undone" and self.given_up):
            return ExitCode.DONE
        if self.status == "interrupted" and self.stopped_on_request:
            return ExitCode.INTERRUPTED
        if self.failure is not None and self.failure.refused:
            return ExitCode.REFUSED
        return ExitCode.FAILED


def message(failure: Failed | None, undo_failures: tuple[str, ...]) -> str:
    """What, where and how to mend, then what could not be undone; one line each."""
    if failure is None:
        return ""
    lines = [failure.what]
    if failure.where:
        lines.append(f"  where: {failure.where}")
    if failure.mend:
        lines.append(f"  mend: {failure.mend}")
    return "\n".join([*lines, *undo_failures])


def of_ending(run: Run, ending: Mapping[str, Json]) -> RunResult:
    """From what the run's workflow returned (``execution.ending``)."""
    failure = None
    if ending["status"] != "done":
        failure = Failed(
            str(ending["what"]),
            str(ending["where"]),
            str(ending["mend"]),
            bool(ending["refused"]),
        )
    undo_failures = tuple(str(text) for text in _list(ending["undo_failures"]))
    return RunResult(
        run.id,
        run.deployment,
        run.kind,
        run.revision,
        _status(ending["status"]),
        message(failure, undo_failures),
        str(ending["failed_step"]),
        failure,
        undo_failures,
        given_up=bool(ending.get("given_up", False)),
    )


def of_row(run: Run) -> RunResult:
    """Of a run that had ended before anybody got to resume it."""
    return RunResult(
        run.id, run.deployment, run.kind, run.revision, run.status, run.message, run.failed_step,
        seconds=(run.ended_at - run.started_at).total_seconds() if run.ended_at else 0.0,
    )  # fmt: skip


def _status(value: Json) -> RunStatus:
    match value:
        case "done" | "failed" | "undone":
            return value
    raise ValueError(f"a run cannot end as {value!r}")


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
