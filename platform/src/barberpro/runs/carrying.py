"""Carries a run out under its lock, from the first event to the end in the registry."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from barberpro.runs import connections, history, results
from barberpro.runs.durable import Durable
from barberpro.runs.events import Event, EventKind, Listener
from barberpro.runs.execution import Execution
from barberpro.runs.kinds import Bound
from barberpro.runs.locks import DeploymentLock
from barberpro.runs.outcomes import Json
from barberpro.runs.patience import StopRunError, stopped_by
from barberpro.runs.registry import Registry
from barberpro.runs.results import RunResult
from barberpro.runs.rows import Run


class Carrier:
    """Between the engine, which decides what to run, and the execution, which runs it."""

    def __init__(
        self,
        registry: Registry,
        session: connections.Session,
        listener: Listener,
        stop: threading.Event,
    ) -> None:
        self._registry = registry
        self._session = session
        self._listener = listener
        self._stop = stop
        self._executions: dict[str, Execution] = {}
        self._durable = Durable(registry.url, self._body, session.patience)

    def open(self, *, resume: bool) -> None:
        """Launches DBOS where that was not done yet. Raises ``RegistryUnavailableError`` and
        ``EngineBusyError``: a run that cannot be carried out must not be begun."""
        try:
            self._durable.open(resume=resume)
        except StopRunError as stop:
            raise connections.RegistryUnavailableError(
                f"the engine cannot be started: {stop.why}",
                where=connections.place(self._registry.url),
                mend="see that the database is there and that its user may create schemas in it",
            ) from stop

    def close(self) -> None:
        self._durable.close()

    def carry(self, run: Run, bound: Bound, lock: DeploymentLock, *, resume: bool) -> RunResult:
        """To its end, or to where it had to stop; the result says which."""
        began = time.time()
        try:
            result = self._carry(run, bound, lock, resume=resume)
        except StopRunError as stop:
            result = self._interrupted(run, stop)
        except connections.RegistryUnavailableError as error:
            result = self._interrupted(run, stopped_by(error))
        result = replace(result, seconds=time.time() - began)
        self._tell(run, "run-ended", result.status, result.message, result.seconds)
        return result

    def _carry(self, run: Run, bound: Bound, lock: DeploymentLock, *, resume: bool) -> RunResult:
        recorded = self._durable.recorded(run.id) if resume else frozenset[str]()
        execution = Execution(run, bound, lock, self._listener, self._stop, recorded)
        self._executions[run.id] = execution
        try:
            self._tell(run, "run-resumed" if resume else "run-started", run.status)
            ending = self._durable.carry_out(run.id, resume=resume)
        finally:
            del self._executions[run.id]
        result = results.of_ending(run, ending)
        result = replace(
            result,
            stage_seconds=dict(execution.narrator.stage_seconds),
            notes=self._notes(run, execution, result),
        )
        self._registry.end_run(
            run, result.status, failed_step=result.failed_step, message=result.message
        )
        return result

    def _body(self, run: str) -> dict[str, Json]:
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

    def _interrupted(self, run: Run, stop: StopRunError) -> RunResult:
        message = f"{stop.why}\n  resume it with: barberpro resume {run.deployment}"
        try:
            self._registry.end_run(run, "interrupted", message=message)
        except connections.RegistryUnavailableError:
            # its row still says "running", and nobody holds the lock: just as resumable
            message = f"{stop.why}\n  once that is mended: barberpro resume {run.deployment}"
        return RunResult(
            run.id, run.deployment, run.kind, run.revision, "interrupted", message,
            stopped_on_request=stop.requested,
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
