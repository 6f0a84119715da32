"""Hands a workflow that another process left behind to this process, and to no other.

DBOS resumes through a queue. Ours is read by this process alone and exists only until the run is
taken up. (DBOS's own recovery at launch has nothing to do: executor ids are never used twice.)
"""

from __future__ import annotations

import threading

import psutil
from dbos import DBOS, DBOSClient, WorkflowHandle

from barberpro.runs import connections
from barberpro.runs.outcomes import Json
from barberpro.runs.patience import Patience, StopRunError

QUEUE_PREFIX = "resume-"
QUEUE_POLL_SECONDS = 0.05
QUEUE_SECONDS = 10.0  # by then the queue has handed the run over, if the database is there


class Handover:
    """``executor`` is ``host:pid:random``."""

    def __init__(self, url: str, application: str, executor: str, patience: Patience) -> None:
        self.queue = QUEUE_PREFIX + executor
        self._url = url
        self._application = application
        self._executor = executor
        self._patience = patience
        self._turn = threading.Lock()
        self._registered = False

    def register_early(self) -> None:
        """Before DBOS is launched, whose first pass then finds the queue: later it would look
        for new queues only once a second."""
        with connections.raw_connect(self._url) as connection:
            found = connection.execute("SELECT to_regclass('dbos.queues') AS it").fetchone()
        if found is None or found["it"] is None:
            return  # killed before DBOS was ever launched here: there is no workflow to resume
        client = DBOSClient(
            system_database_url=self._url, application_name=self._application, lazy=True
        )
        try:
            client.register_queue(self.queue, polling_interval_sec=QUEUE_POLL_SECONDS)
            self._registered = True
        finally:
            client.destroy()

    def withdraw(self) -> None:
        """Where it turned out that there is nothing to hand over."""
        if self._registered:
            DBOS.delete_queue(self.queue)
            self._registered = False

    def resume(self, run: str, begun: threading.Event) -> WorkflowHandle[dict[str, Json]]:
        """Returns when ``begun`` is set, which the workflow does first of all."""
        with self._turn:
            for queue in DBOS.list_queues():  # of processes that died before they got to it
                if self._is_orphan(queue.name):
                    DBOS.delete_queue(queue.name)
            DBOS.register_queue(self.queue, polling_interval_sec=QUEUE_POLL_SECONDS)
            handle: WorkflowHandle[dict[str, Json]] = DBOS.resume_workflow(
                run, queue_name=self.queue
            )
            delivered = begun.wait(self._patience.seconds + QUEUE_SECONDS)
            DBOS.delete_queue(self.queue)
            self._registered = False
        if not delivered:
            raise StopRunError("the run was not taken up: the database is too slow or too busy")
        return handle

    def _is_orphan(self, queue: str) -> bool:
        """A queue of a process of this host that is no more."""
        host, pid, _ = self._executor.rsplit(":", 2)
        theirs = queue.removeprefix(QUEUE_PREFIX).rsplit(":", 2)
        if len(theirs) != 3 or theirs[0] != host or theirs[1] == pid:
            return False
        return not psutil.pid_exists(int(theirs[1]))
