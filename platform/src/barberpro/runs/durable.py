"""DBOS, set up for us: quiet, local, one process per executor, patient with its database.

- The executor id is new for every process, so that nobody recovers anybody else's runs.
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
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future

from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID

from barberpro.errors import BarberProError
from barberpro.runs.handover import Handover
from barberpro.runs.outcomes import Json
from barberpro.runs.patience import Patience
from barberpro.runs.records import encode

APPLICATION = "barberpro"
WORKFLOW = "barberpro.run"
APPLICATION_VERSION = "runs-1"
ENDED = ("SUCCESS", "ERROR")
POLL_SECONDS = 0.05
POOL = {"pool_size": 4, "max_overflow": 8}

Ending = Mapping[str, Json]


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
        self._patience = Patience(url, patience)
        self._bodies: dict[str, _Body] = {}
        self._workflow: Callable[[str], dict[str, Json]] = self._carry_out
        self._executor = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._handover = Handover(url, APPLICATION, self._executor, self._patience)
        self._launched = False
        self._opening = threading.Lock()  # runs of several threads may begin at once

    def open(self, *, resume: bool) -> None:
        """Launches DBOS in this process; its schema is created or upgraded when it has to be.

        With ``resume`` it is ready to resume a run at once; without, within a second.
        """
        with self._opening:
            if not self._launched:
                self._launch(resume=resume)

    def _launch(self, *, resume: bool) -> None:
        if not self._one.acquire(blocking=False):
            raise EngineBusyError(mend="close the other engine of this process first")
        _quiet()
        self._launched = True
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": self._url,
            "application_version": APPLICATION_VERSION,
            "executor_id": self._executor,
            "serializer": JsonSerializer(),
            "log_level": "WARNING",
            "enable_otlp": False,
            "db_engine_kwargs": {"creator": self._patience.connect, **POOL},
        }
        try:
            DBOS(config=config)
            self._workflow = DBOS.workflow(name=WORKFLOW)(_function(self._carry_out))
            DBOS.listen_queues([self._handover.queue])
            with self._patience.waiting():
                if resume:
                    self._handover.register_early()
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
            with self._patience.waiting():
                status = DBOS.get_workflow_status(run) if resume else None
                if status is None or status.status in ENDED:
                    self._handover.withdraw()
                if status is None:  # new, or its process died before DBOS knew of it
                    with SetWorkflowID(run):
                        handle = DBOS.start_workflow(self._workflow, run)
                elif status.status in ENDED:  # its process died before the registry knew
                    handle = DBOS.retrieve_workflow(run)
                    body.ended.set_result(None)
                else:
                    handle = self._handover.resume(run, body.begun)
                body.ended.result()
                return handle.get_result(polling_interval_sec=POLL_SECONDS)
        finally:
            del self._bodies[run]

    def recorded(self, run: str) -> frozenset[str]:
        """The names of the DBOS steps of ``run`` that have their record."""
        with self._patience.waiting():
            return frozenset(
                str(step["function_name"])
                for step in DBOS.list_workflow_steps(run, load_output=False)
            )

    def _carry_out(self, run: str) -> dict[str, Json]:
        body = self._bodies[run]
        body.begun.set()
        try:
            with self._patience.waiting():
                result = self._body(run)
        except BaseException as error:  # KeyboardInterrupt from a step passes as what it is
            body.ended.set_exception(error)
            raise
        body.ended.set_result(None)
        return result


def _function(method: Callable[[str], dict[str, Json]]) -> Callable[[str], dict[str, Json]]:
    """A plain function: DBOS takes a bound method for one of a registered class."""

    def carry_out(run: str) -> dict[str, Json]:
        return method(run)

    return carry_out


def _quiet() -> None:
    """Before DBOS sets its logger up: it adds a console handler where there is no handler yet."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(_Forward())
        logger.propagate = False
        logging.getLogger("barberpro").addHandler(logging.NullHandler())
