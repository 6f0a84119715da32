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

import psutil
import psycopg
from dbos import DBOS, DBOSClient, DBOSConfig, Serializer, SetWorkflowID, WorkflowHandle
from dbos import error as dbos_errors

from barberpro.errors import BarberProError
from barberpro.runs import connections
from barberpro.runs.outcomes import Json
from barberpro.runs.records import encode

APPLICATION = "barberpro"
WORKFLOW = "barberpro.run"
APPLICATION_VERSION = "runs-1"
QUEUE_PREFIX = "resume-"
QUEUE_POLL_SECONDS = 0.05
QUEUE_SECONDS = 10.0  # by then the queue has handed a resumed run to this process
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


class _Body:
    """What the waiting thread knows of a workflow's body."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended: Future[None] = Future()


class Durable:
    """Starts and resumes workflows whose body is ``body(run id)``; one per process."""

    _one = threading.Lock()

    def __init__(self, url: str, body: Callable[[str], dict[str, Json]], patience: float) -> None:
        self._url = url
        self._body = body
        self._patience = patience
        self._patient: set[int] = set()  # threads that wait for the database, then stop their run
        self._bodies: dict[str, _Body] = {}
        self._workflow: Callable[[str], dict[str, Json]] = self._carry_out
        self.executor = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._queue = QUEUE_PREFIX + self.executor
        self._launched = False

    def open(self, *, resume: bool) -> None:
        """Launches DBOS in this process; its schema is created or upgraded when it has to be.

        With ``resume`` its first pass over the queues finds ours: later it would look only once
        a second.
        """
        if self._launched:
            return
        if not self._one.acquire(blocking=False):
            raise EngineBusyError(mend="close the other engine of this process first")
        _quiet()
        self._launched = True
        config: DBOSConfig = {
            "name": APPLICATION,
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
                if resume:
                    self._register_early()
                DBOS.launch()
        except BaseException:
            self._shut_down()
            raise

    def close(self) -> None:
        if self._launched:
            self._shut_down()

    def _shut_down(self) -> None:
        DBOS.destroy(destroy_registry=True)
        self._launched = False
        self._one.release()

    def carry_out(self, run: str, *, resume: bool) -> Ending:
        """Runs the workflow ``run`` to its end and returns what its body returned.

        Raises what stopped the body (``StopRunError`` for the most part), with the workflow left
        to be resumed. The calling thread only waits, so signals reach it.
        """
        self._bodies[run] = body = _Body()
        try:
            with self._waiting():
                status = DBOS.get_workflow_status(run) if resume else None
                if status is None:  # new, or its process died before DBOS knew of it
                    with SetWorkflowID(run):
                        handle = DBOS.start_workflow(self._workflow, run)
                elif status.status in ENDED:  # its process died before the registry knew
                    handle = DBOS.retrieve_workflow(run)
                    body.ended.set_result(None)
                else:
                    handle = self._resume(run, body)
                body.ended.result()
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
        body.begun.set()
        try:
            with self._waiting():
                result = self._body(run)
        except BaseException as error:  # KeyboardInterrupt from a step passes as what it is
            body.ended.set_exception(error)
            raise
        body.ended.set_result(None)
        return result

    def _resume(self, run: str, body: _Body) -> WorkflowHandle[dict[str, Json]]:
        """Through a queue that only this process reads, and only as long as it takes."""
        for queue in DBOS.list_queues():  # left by processes that died before they got to it
            if _is_orphan(queue.name, self.executor):
                DBOS.delete_queue(queue.name)
        DBOS.register_queue(self._queue, polling_interval_sec=QUEUE_POLL_SECONDS)
        handle: WorkflowHandle[dict[str, Json]] = DBOS.resume_workflow(run, queue_name=self._queue)
        delivered = body.begun.wait(self._patience + QUEUE_SECONDS)
        DBOS.delete_queue(self._queue)
        if not delivered:
            raise StopRunError("the run was not taken up: the database is too slow or too busy")
        return handle

    def _register_early(self) -> None:
        with connections.raw_connect(self._url) as connection:
            found = connection.execute("SELECT to_regclass('dbos.queues') AS it").fetchone()
        if found is None or found["it"] is None:
            return  # killed before DBOS was ever launched here: there is no workflow to resume
        client = DBOSClient(system_database_url=self._url, application_name=APPLICATION, lazy=True)
        try:
            client.register_queue(self._queue, polling_interval_sec=QUEUE_POLL_SECONDS)
        finally:
            client.destroy()

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """In this block a lost database is waited for, and then ``StopRunError`` is raised; so it
        is for whatever else DBOS may raise."""
        thread = threading.get_ident()
        entered = thread not in self._patient
        self._patient.add(thread)
        try:
            yield
        except (Exception, dbos_errors.DBOSBaseException) as error:
            raise _stop(error) from error
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
    lines = str(error).splitlines() or [""]
    return StopRunError(f"{type(error).__name__}: {lines[0]}")


def _is_orphan(queue: str, executor: str) -> bool:
    """A queue of a process of this host that is no more."""
    host, pid, _ = executor.rsplit(":", 2)
    theirs = queue.removeprefix(QUEUE_PREFIX).rsplit(":", 2)
    if len(theirs) != 3 or theirs[0] != host or theirs[1] == pid:
        return False
    return not psutil.pid_exists(int(theirs[1]))


def _quiet() -> None:
    """Before DBOS sets its logger up: it adds a console handler where there is no handler yet."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(_Forward())
        logger.propagate = False
        logging.getLogger("barberpro").addHandler(logging.NullHandler())
