"""The engine: starts, resumes and undoes runs, one at a time per deployment.

Importing this module imports DBOS, which is slow: commands that only read use ``registry``.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType

from barberpro.errors import BarberProError, ExitCode
from barberpro.runs import connections, history, locks, results
from barberpro.runs.durable import Durable, StopRunError
from barberpro.runs.events import Event, EventKind, Listener
from barberpro.runs.execution import Execution
from barberpro.runs.kinds import Bound, PipelineFactory, RunInput
from barberpro.runs.locks import DeploymentLock
from barberpro.runs.outcomes import Json
from barberpro.runs.records import StepRecord
from barberpro.runs.registry import Registry, UnknownRunError, check_deployment_id
from barberpro.runs.results import RunResult
from barberpro.runs.rows import RUN_FORMAT, Run, Shape, canonical, checksum


class UnfinishedRunError(BarberProError):
    """An earlier run of this deployment has to be resumed or undone first."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"{run.kind} run {run.id} of {run.deployment} was begun and not finished",
            where=f"deployment {run.deployment}",
            mend=f"finish it with: barberpro resume {run.deployment}, or take it back with:"
            f" barberpro resume {run.deployment} --undo",
        )
        self.run = run


class PipelineChangedError(BarberProError):
    """The run cannot be resumed by this version of the program."""


class Engine:
    """Opened with ``with``; one per process. ``kinds`` maps each kind of run to its pipeline."""

    def __init__(
        self,
        registry_url: str,
        kinds: Mapping[str, PipelineFactory],
        listener: Listener,
        *,
        patience: float = connections.PATIENCE_SECONDS,
    ) -> None:
        self._url = registry_url
        self._kinds = kinds
        self._listener = listener
        self._patience = patience
        self._stop = threading.Event()
        self._executions: dict[str, Execution] = {}
        self._durable = Durable(registry_url, self._carry_out, patience)
        self._session = connections.Session(registry_url, patience)
        self.registry = Registry(registry_url, patience=patience)

    def __enter__(self) -> Engine:
        self.registry = Registry.open(self._url, patience=self._patience)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._durable.close()
        self.registry.close()
        self._session.close()

    # -- runs --------------------------------------------------------------------------------

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
    ) -> RunResult:
        """Carries a new run out. Raises ``LockedError``, ``UnfinishedRunError`` and, where the
        registry does not answer, ``RegistryUnavailableError``; all else is in the result.

        With ``reserve_revision`` the run has the deployment's next revision number, whose plan is
        ``payload["plan"]``; the number is in the ``RunInput`` and, when done, is the current one.
        """
        who = started_by or getpass.getuser()
        id_ = _new_id()
        check_deployment_id(deployment)
        text = canonical(payload)
        with self._lock(deployment, id_, kind, who, lock_wait) as lock:
            earlier = self.registry.unfinished_run(deployment)
            if earlier is not None:
                raise UnfinishedRunError(earlier)
            run = Run(
                id=id_, deployment=deployment, kind=kind, revision=None, started_by=who,
                host=socket.gethostname(), pid=os.getpid(), format=RUN_FORMAT, payload=json.loads(text),
                checksum=checksum(text), shape=Shape(()),
                undo_on_failure=undo_on_failure, undo_requested=False, resumed=0,
                started_at=datetime.now(UTC), ended_at=None, status="running", failed_step="",
                message="",
            )  # fmt: skip
            # the shape first: a factory that refuses its input must leave no run behind
            run = replace(run, shape=Shape.of(self._bind(run).pipeline))
            revision = self.registry.insert_run(run, reserve_revision=reserve_revision)
            return self._go(replace(run, revision=revision), lock, resume=False)

    def resume(
        self, run_or_deployment: str, *, lock_wait: float = 0.0, undo: bool = False
    ) -> RunResult:
        """Finishes an unfinished run, or with ``undo`` takes it back, newest step first.

        A run that somebody else finished meanwhile gives its result. Raises ``UnknownRunError``
        where there is no such run, ``PipelineChangedError`` where this version cannot do it.
        """
        found = self._find(run_or_deployment)
        who = found.started_by
        with self._lock(found.deployment, found.id, found.kind, who, lock_wait) as lock:
            run = self.registry.run(found.id)
            if not run.unfinished:
                return results.of_row(run)
            self._check_resumable(run)
            self.registry.mark_resumed(
                run.id, host=socket.gethostname(), pid=os.getpid(), undo=undo
            )
            return self._go(self.registry.run(run.id), lock, resume=True)

    def request_stop(self) -> None:
        """For a signal handler. The first call lets the step in flight finish and then stops the
        run as interrupted; the second ends the process at once (exit code 130), as a kill would:
        the run is resumable, and the step in flight runs again."""
        if self._stop.is_set():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ExitCode.INTERRUPTED)
        self._stop.set()

    # -- what there is to know ---------------------------------------------------------------

    def pending(self, deployment: str) -> RunInput | None:
        """The unfinished run of a deployment: in flight in another process, or to be resumed."""
        run = self.registry.unfinished_run(deployment)
        return None if run is None else _input(run)

    def history(self, deployment: str | None = None, *, limit: int = 50) -> list[Run]:
        """Newest first."""
        return self.registry.runs(deployment, limit=limit)

    def steps(self, run: str) -> list[StepRecord]:
        """Every finished attempt of the run and of its undo, in order."""
        return history.step_records(self._session, run)

    def stage_durations(self, deployment: str, kind: str = "deploy") -> dict[str, list[float]]:
        """Seconds per stage in the last undisturbed runs, newest first."""
        return history.by_stage(history.stage_durations(self._session, deployment, kind))

    # -- ------------------------------------------------------------------------------------

    def _find(self, run_or_deployment: str) -> Run:
        found = self.registry.unfinished_run(run_or_deployment)
        if found is None and self.registry.deployment(run_or_deployment) is not None:
            raise UnknownRunError(
                f"{run_or_deployment} has no unfinished run: there is nothing to resume",
                mend=f"barberpro runs {run_or_deployment} lists its runs",
            )
        return found or self.registry.run(run_or_deployment)

    def _lock(self, deployment: str, run: str, kind: str, who: str, wait: float) -> DeploymentLock:
        claim = locks.Claim(deployment, run, kind, who, socket.gethostname(), os.getpid())
        return DeploymentLock.acquire(
            self._url, claim, wait=wait, stop=self._stop.is_set, patience=self._patience
        )

    def _bind(self, run: Run) -> Bound:
        factory = self._kinds.get(run.kind)
        if factory is None:
            raise PipelineChangedError(
                f"this program knows no runs of kind {run.kind}",
                where=f"run {run.id}",
                mend=f"use the version of BarberPro that started it; known are:"
                f" {', '.join(sorted(self._kinds))}",
            )
        return factory(_input(run))

    def _check_resumable(self, run: Run) -> None:
        if run.format > RUN_FORMAT:
            raise PipelineChangedError(
                f"run {run.id} was written in format {run.format}, this version knows up to"
                f" {RUN_FORMAT}",
                where=f"run {run.id}",
                mend="resume it with the newer BarberPro that started it",
            )

    def _go(self, run: Run, lock: DeploymentLock, *, resume: bool) -> RunResult:
        bound = self._bind(run)
        missing = {step.id for _, step in run.shape.steps()} - {
            s.id for s in bound.pipeline.steps()
        }
        if missing:
            raise PipelineChangedError(
                f"this version no longer has the steps {', '.join(sorted(missing))} of run {run.id}",
                where=f"run {run.id}",
                mend="resume it with the version of BarberPro that started it",
            )
        began = time.time()
        try:
            self._durable.open(resume=resume)
            recorded = self._durable.recorded(run.id) if resume else frozenset[str]()
        except StopRunError as stop:
            return self._interrupted(run, stop, began)
        execution = Execution(run, bound, lock, self._listener, self._stop, recorded)
        self._executions[run.id] = execution
        self._tell(run, "run-resumed" if resume else "run-started", run.status)
        try:
            ending = self._durable.carry_out(run.id, resume=resume)
            result = results.of_ending(run, ending)
            result = replace(
                result,
                seconds=time.time() - began,
                stage_seconds=dict(execution.narrator.stage_seconds),
                notes=self._notes(run, execution, result),
            )
            self.registry.end_run(
                run, result.status, failed_step=result.failed_step, message=result.message
            )
        except StopRunError as stop:
            result = self._interrupted(run, stop, began)
        finally:
            del self._executions[run.id]
        self._tell(run, "run-ended", result.status, result.message, result.seconds)
        return result

    def _carry_out(self, run: str) -> dict[str, Json]:
        return self._executions[run].carry_out()

    def _notes(self, run: Run, execution: Execution, result: RunResult) -> tuple[str, ...]:
        """On budgets, and on stages that became slower; a resumed run is not compared."""
        compared = run.resumed == 0 and result.status == "done"
        earlier = (
            history.stage_durations(self._session, run.deployment, run.kind) if compared else []
        )
        found = history.notes(run.shape, execution.narrator.stage_seconds, earlier)
        for note in found:
            self._tell(run, "note", detail=note)
        return tuple(found)

    def _interrupted(self, run: Run, stop: StopRunError, began: float) -> RunResult:
        message = f"{stop.why}; resume it with: barberpro resume {run.deployment}"
        try:
            self.registry.end_run(run, "interrupted", message=message)
        except connections.RegistryUnavailableError:
            # the row still says "running", without a lock: just as resumable
            message = f"{stop.why}; once the database is back: barberpro resume {run.deployment}"
        return RunResult(
            run.id, run.deployment, run.kind, run.revision, "interrupted", message,
            seconds=time.time() - began, stopped_on_request=stop.requested,
        )  # fmt: skip

    def _tell(
        self, run: Run, kind: EventKind, status: str = "", detail: str = "",
        seconds: float | None = None,
    ) -> None:  # fmt: skip
        self._listener(
            Event(
                kind, time.time(), run.id, run.deployment, title=run.kind, status=status,
                detail=detail, seconds=seconds,
            )
        )  # fmt: skip


def _new_id() -> str:
    """Sorts by time; short enough to be typed."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def _input(run: Run) -> RunInput:
    return RunInput(run.id, run.kind, run.deployment, run.revision, run.payload)
