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
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType

from barberpro.errors import ExitCode
from barberpro.runs import connections, history, locks, refusals, results
from barberpro.runs.carrying import Carrier
from barberpro.runs.events import Listener
from barberpro.runs.kinds import Bound, PipelineFactory, RunInput
from barberpro.runs.locks import DeploymentLock
from barberpro.runs.outcomes import Json
from barberpro.runs.records import StepRecord
from barberpro.runs.refusals import PipelineChangedError, UnfinishedRunError
from barberpro.runs.registry import Registry, UnknownRunError, check_deployment_id
from barberpro.runs.results import RunResult
from barberpro.runs.rows import RUN_FORMAT, Run, Shape, canonical, checksum
from barberpro.runs.schema import ensure_schema

__all__ = ["Engine", "PipelineChangedError", "UnfinishedRunError"]


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
        self._patience = patience
        self._stop = threading.Event()
        self._session = connections.Session(registry_url, patience)
        self.registry = Registry(registry_url, patience=patience)
        self._carrier = Carrier(self.registry, self._session, listener, self._stop)

    def __enter__(self) -> Engine:
        """Raises ``RegistryUnavailableError`` and ``NewerRegistryError``."""
        ensure_schema(self._url)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._carrier.close()
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
        """Carries a new run out. Raises ``LockedError``, ``UnfinishedRunError`` and, where it
        cannot even be begun, ``RegistryUnavailableError``; all else is in the result.

        With ``reserve_revision`` the run has the deployment's next revision number, whose plan is
        ``payload["plan"]``; the number is in the ``RunInput`` and, when done, is the current one.
        """
        who = started_by or _user()
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
            self._carrier.open(resume=False)
            revision = self.registry.insert_run(run, reserve_revision=reserve_revision)
            run = replace(run, revision=revision)
            try:
                bound = self._bind(run)
            except Exception as error:
                self.registry.end_run(run, "failed", message=str(error))
                raise
            return self._carrier.carry(run, bound, lock, resume=False)

    def resume(
        self, run_or_deployment: str, *, lock_wait: float = 0.0, undo: bool = False
    ) -> RunResult:
        """Finishes an unfinished run, or with ``undo`` takes it back, newest step first.

        A run that somebody else finished meanwhile gives its result. Raises ``UnknownRunError``
        where there is no such run, ``PipelineChangedError`` where this version cannot do it.
        """
        found = self._find(run_or_deployment)
        with self._lock(found.deployment, found.id, found.kind, _user(), lock_wait) as lock:
            run = self.registry.run(found.id)
            if not run.unfinished:
                return results.of_row(run)
            refusals.check_resumable(run)
            bound = self._bind(run)
            refusals.check_steps(run, bound.pipeline)
            self._carrier.open(resume=True)
            self.registry.mark_resumed(
                run.id, host=socket.gethostname(), pid=os.getpid(), undo=undo
            )
            return self._carrier.carry(self.registry.run(run.id), bound, lock, resume=True)

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
                mend=f"barberpro runs --deployment {run_or_deployment} lists its runs",
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
            raise refusals.unknown_kind(run, sorted(self._kinds))
        return factory(_input(run))


def _user() -> str:
    """The operator's name; a number in a container that has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user {os.getuid()}"


def _new_id() -> str:
    """Sorts by time; short enough to be typed."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def _input(run: Run) -> RunInput:
    return RunInput(run.id, run.kind, run.deployment, run.revision, run.payload)
