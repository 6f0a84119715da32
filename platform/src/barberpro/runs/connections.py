"""Connections to the registry's PostgreSQL that outlive a restart of the server.

Nothing here knows a table. A ``Session`` repeats a transaction that the server cut off, for as
long as its patience lasts; what it is given must therefore be safe to repeat.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg import conninfo
from psycopg.rows import DictRow, dict_row

from barberpro.errors import BarberProError

PATIENCE_SECONDS = 30.0
CONNECT_TIMEOUT_SECONDS = 5
# A holder whose machine died or left the network is noticed by the server after about half a
# minute; the death of a process alone is noticed at once.
KEEPALIVE = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
OUT_OF_RESOURCES = "53"  # class of SQLSTATE: disk, memory, connections
OUTAGES = (psycopg.OperationalError, psycopg.InterfaceError)

T = TypeVar("T")


class RegistryUnavailableError(BarberProError):
    """The registry's PostgreSQL cannot be reached."""


def place(url: str) -> str:
    """The server and database of a URL, without what is secret in it."""
    try:
        parts = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "a registry address that cannot be read"
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    return f"database {parts.get('dbname') or '(default)'} at {host}:{parts.get('port') or 5432}"


def unavailable(url: str, error: psycopg.Error) -> RegistryUnavailableError:
    lines = str(error).strip().splitlines()
    reason = lines[0] if lines else type(error).__name__
    again = "then run the same command again: what was begun is resumed"
    if (error.sqlstate or "").startswith(OUT_OF_RESOURCES):
        return RegistryUnavailableError(
            f"PostgreSQL has run out of something it needs: {reason}",
            where=place(url),
            mend=f"free disk space, memory or connections on its machine, {again}",
        )
    return RegistryUnavailableError(
        f"PostgreSQL does not answer: {reason}",
        where=place(url),
        mend=f"start the server (barberpro start) or correct the registry's address, {again}",
    )


def connect(url: str) -> psycopg.Connection[DictRow]:
    """A connection in autocommit, rows as dictionaries. Raises ``RegistryUnavailableError``."""
    try:
        return raw_connect(url)
    except OUTAGES as error:
        raise unavailable(url, error) from error
    except psycopg.ProgrammingError:  # its message would repeat the URL, password and all
        raise RegistryUnavailableError(
            "the registry's address cannot be read",
            mend="write it as postgresql://user@host:port/database",
        ) from None


def raw_connect(url: str) -> psycopg.Connection[DictRow]:
    return psycopg.connect(url, autocommit=True, row_factory=dict_row, **defaults(url))


def defaults(url: str) -> dict[str, Any]:
    """Connection parameters that the URL does not set itself."""
    given = conninfo.conninfo_to_dict(url)
    wanted = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": "barberpro",
        **KEEPALIVE,
    }
    return {name: value for name, value in wanted.items() if name not in given}


class Session:
    """One connection, opened at first use, shared by threads one transaction at a time."""

    def __init__(self, url: str, patience: float = PATIENCE_SECONDS) -> None:
        self.url = url
        self.patience = patience
        self._turn = threading.RLock()
        self._connection: psycopg.Connection[DictRow] | None = None
        self._answered = False

    def transaction(self, work: Callable[[psycopg.Connection[DictRow]], T]) -> T:
        """Runs ``work`` in a transaction; again, if the server went away in the middle of it.

        A server that never answered is not waited for.
        """
        with self._turn:
            give_up = time.monotonic() + (self.patience if self._answered else 0.0)
            while True:
                try:
                    if self._connection is None:
                        self._connection = raw_connect(self.url)
                        self._answered = True
                    with self._connection.transaction():
                        return work(self._connection)
                except OUTAGES as error:
                    self._drop()
                    if time.monotonic() >= give_up:
                        raise unavailable(self.url, error) from error
                    time.sleep(0.1)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        with self._turn:
            self._drop()
