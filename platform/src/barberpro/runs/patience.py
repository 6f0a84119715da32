"""How long a run waits for its database, and how it is left when that was too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from dbos import error as dbos_errors
from psycopg.rows import TupleRow

from barberpro.errors import BarberProError
from barberpro.runs import connections

PAUSE_SECONDS = 0.1


class StopRunError(BaseException):
    """Leaves a run where it is, to be resumed. Not an Exception: DBOS records those as the end
    of a workflow, and repeats without end what failed for want of a connection."""

    def __init__(self, why: str, *, requested: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.requested = requested


class PatientCursor(psycopg.Cursor[TupleRow]):
    """Tells the connection's ``Patience`` of each statement that the server could not carry out."""

    def execute(self, *query: Any, **options: Any) -> Self:
        try:
            return super().execute(*query, **options)
        except psycopg.OperationalError as error:
            _patience_of(self.connection).failed(error)
            raise


class PatientConnection(psycopg.Connection[TupleRow]):
    patience: Patience

    def commit(self) -> None:
        try:
            super().commit()
        except psycopg.OperationalError as error:
            self.patience.failed(error)
            raise
        self.patience.succeeded()


class Patience:
    """Gives DBOS its connections; to threads inside ``waiting`` only after waiting for them.

    DBOS repeats without end what fails because the server is away, restarts, or is out of disk,
    memory or connections. In a thread that waits, that ends after ``seconds``.
    """

    def __init__(self, url: str, seconds: float) -> None:
        self.seconds = seconds
        self._url = url
        self._threads: set[int] = set()
        self._failing: dict[int, float] = {}  # since when, per thread

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """In this block a lost database is waited for, and then ``StopRunError`` is raised; so it
        is for whatever else DBOS may raise."""
        thread = threading.get_ident()
        entered = thread not in self._threads
        self._threads.add(thread)
        try:
            yield
        except (Exception, dbos_errors.DBOSBaseException) as error:
            raise stopped_by(error) from error
        finally:
            if entered:
                self._threads.discard(thread)
                self._failing.pop(thread, None)

    def connect(self) -> PatientConnection:
        """For DBOS's pool. Threads of DBOS itself get the error at once: they try again later."""
        give_up = time.monotonic() + self.seconds
        while True:
            try:
                connection = PatientConnection.connect(
                    self._url, cursor_factory=PatientCursor, **connections.defaults(self._url)
                )
            except psycopg.OperationalError as error:
                if threading.get_ident() not in self._threads:
                    raise
                if time.monotonic() >= give_up:
                    raise StopRunError(str(connections.unavailable(self._url, error))) from error
                time.sleep(PAUSE_SECONDS)
            else:
                connection.patience = self
                return connection

    def failed(self, error: psycopg.OperationalError) -> None:
        thread = threading.get_ident()
        if thread in self._threads:
            since = self._failing.setdefault(thread, time.monotonic())
            if time.monotonic() - since >= self.seconds:
                raise StopRunError(str(connections.unavailable(self._url, error))) from error

    def succeeded(self) -> None:
        self._failing.pop(threading.get_ident(), None)


def _patience_of(connection: object) -> Patience:
    assert isinstance(connection, PatientConnection)
    return connection.patience


def stopped_by(error: BaseException) -> StopRunError:
    if isinstance(error, BarberProError):
        return StopRunError(str(error))
    lines = str(error).splitlines() or [""]
    return StopRunError(f"{type(error).__name__}: {lines[0]}")
