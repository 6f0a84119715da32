"""DBOS, set up for us: quiet, local, one process per executor, patient with its database.

- The executor id is new for every process, so DBOS's recovery at launch finds nothing to recover;
  a run is resumed only by whoever holds the deployment's lock, on a queue that only it reads.
- The application version is a constant: an upgrade of BarberPro must not orphan a run (``rows.Shape``
  and ``rows.RUN_FORMAT`` say what a run may be resumed with).
- No console, no admin server, no telemetry; warnings go to the logger ``barberpro.dbos``.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager

import psycopg
from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID

from barberpro.errors import BarberProError
from barberpro.runs import connections
from barberpro.runs.outcomes import Json
from barberpro.runs.records import encode

WORKFLOW = "barberpro.run"
APPLICATION_VERSION = "runs-1"
QUEUE_PREFIX = "resume-"
QUEUE_POLL_SECONDS = 0.05
ENDED = ("SUCCESS", "ERROR")
POOL = {"pool_size": 4, "max_overflow": 8}

Ending = Mapping[str, Json]


class StopRunError(BaseException):
    """Leaves a run where it is, to be resumed. Not an Exception: DBOS records those as the end
    of a workflow, and retries connection errors without end."""

    def __init__(self, why: str, *, requested: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.requested = requested


class EngineBusyError(BarberProError):
    """Only one engine can be open in a process."""


class JsonSerializer(Serializer):
    """Plain JSON, so that records can be read without DBOS and without unpickling anything."""

    def serialize(self, data: object) -> str:
        return encode(data if not isinstance(data, BaseException) else {"error": repr(data)})

    def deserialize(self, serialized_data: str) -> object:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "json"


class _Forward(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger("barberpro.dbos").handle(record)


class Durable:
    """Starts and resumes workflows whose body is ``body(run id)``; one per process."""

    _open = threading.Lock()

    def __init__(self, url: str, body: Callable[[str], dict[str, Json]], patience: float) -> None:
        self._url = url
        self._body = body
        self._patience = patience
        self._patient: set[int] = set()  # threads that wait for the database, then stop their run
        self._bodies: dict[str, Future[None]] = {}
        self._workflow: Callable[[str], dict[str, Json]] = self._carry_out
        self.executor = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._queue = QUEUE_PREFIX + self.executor
        self._listens = False

    def open(self) -> None:
        """Launches DBOS in this process; its schema is created or upgraded when it has to be."""
        if not self._open.acquire(blocking=False):
            raise EngineBusyError(mend="close the other engine of this process first")
        _quiet()
        config: DBOSConfig = {
            "name": "barberpro",
            "system_database_url": self._url,
            "application_version": APPLICATION_VERSION,
            "executor_id": self.executor,
            "serializer": JsonSerializer(),
            "log_level": "WARNING",
            "enable_otlp": False,
            "db_engine_kwargs": {"creator": self._connect, **POOL},
        }
        try:
            DBOS(config=config)
            self._workflow = DBOS.workflow(name=WORKFLOW)(_function(self._carry_out))
            DBOS.listen_queues([self._queue])
            with self._waiting():
                DBOS.launch()
        except BaseException:
            self._shut_down()
            raise

    def close(self) -> None:
        if self._listens:
            try:
                DBOS.delete_queue(self._queue)
            except Exception as error:  # noqa: BLE001 - a row left behind does no harm
                logging.getLogger("barberpro.dbos").warning("a queue stays behind: %s", error)
        self._shut_down()

    def _shut_down(self) -> None:
        DBOS.destroy(destroy_registry=True)
        self._open.release()

    def carry_out(self, run: str, *, resume: bool) -> Ending:
        """Runs the workflow ``run`` to its end and returns what its body returned.

        Raises what stopped the body (``StopRunError`` for the most part), with the workflow left
        to be resumed. The calling thread only waits, so signals reach it.
        """
        body: Future[None] = Future()
        self._bodies[run] = body
        try:
            with self._waiting():
                status = DBOS.get_workflow_status(run) if resume else None
                if status is None:  # new, or its process died before DBOS knew of it
                    with SetWorkflowID(run):
                        handle = DBOS.start_workflow(self._workflow, run)
                elif status.status in ENDED:  # its process died before the registry knew
                    handle = DBOS.retrieve_workflow(run)
                    body.set_result(None)
                else:
                    self._listen()
                    handle = DBOS.resume_workflow(run, queue_name=self._queue)
                body.result()
                return handle.get_result(polling_interval_sec=QUEUE_POLL_SECONDS)
        finally:
            del self._bodies[run]

    def recorded(self, run: str) -> frozenset[str]:
        """The names of the DBOS steps of ``run`` that have their record."""
        with self._waiting():
            return frozenset(
                str(step["function_name"])
                for step in DBOS.list_workflow_steps(run, load_output=False)
            )

    def _carry_out(self, run: str) -> dict[str, Json]:
        body = self._bodies[run]
        try:
            with self._waiting():
                result = self._body(run)
        except BaseException as error:
            stop = error if isinstance(error, StopRunError) else _stop(error)
            body.set_exception(stop if isinstance(error, Exception) else error)
            raise stop from error
        body.set_result(None)
        return result

    def _listen(self) -> None:
        """A queue of this process alone; those of processes that are gone are swept away."""
        host = self.executor.split(":")[0]
        for queue in DBOS.list_queues():
            parts = queue.name.removeprefix(QUEUE_PREFIX).split(":")
            if parts[0] == host and len(parts) == 3 and not _alive(int(parts[1])):
                DBOS.delete_queue(queue.name)
        self._listens = True
        DBOS.register_queue(
            self._queue, polling_interval_sec=QUEUE_POLL_SECONDS, on_conflict="always_update"
        )

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """In this block a lost database is waited for, and then ``StopRunError`` is raised."""
        thread = threading.get_ident()
        entered = thread not in self._patient
        self._patient.add(thread)
        try:
            yield
        finally:
            if entered:
                self._patient.discard(thread)

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """For DBOS's pool. DBOS itself would retry for ever."""
        give_up = time.monotonic() + self._patience
        while True:
            try:
                return psycopg.connect(self._url, **connections.defaults(self._url))
            except psycopg.OperationalError as error:
                if threading.get_ident() not in self._patient:
                    raise
                if time.monotonic() >= give_up:
                    raise StopRunError(str(connections.unavailable(self._url, error))) from error
                time.sleep(0.1)


def _function(method: Callable[[str], dict[str, Json]]) -> Callable[[str], dict[str, Json]]:
    """A plain function: DBOS takes a bound method for one of a registered class."""

    def carry_out(run: str) -> dict[str, Json]:
        return method(run)

    return carry_out


def _stop(error: BaseException) -> StopRunError:
    if isinstance(error, BarberProError):
        return StopRunError(str(error))
    return StopRunError(f"{type(error).__name__}: {error}")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _quiet() -> None:
    """Before DBOS sets its logger up: it adds a console handler where there is no handler yet."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(_Forward())
        logger.propagate = False
        logging.getLogger("barberpro").addHandler(logging.NullHandler())
