"""One lock per deployment: an advisory lock of a PostgreSQL session that does nothing else.

The server frees it when the holder's connection ends, so a killed holder never blocks anyone. The
row in ``registry.holders`` says who it is; its token tells a holder that lost its connection
whether somebody else had the lock in the meantime.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType

import psycopg
from psycopg.rows import DictRow

from barberpro.errors import LockedError
from barberpro.runs import connections

POLL_SECONDS = 0.1
# after the client's machine is gone, the server notices in about half a minute
SERVER_KEEPALIVE = (
    "SELECT set_config('tcp_keepalives_idle', '15', false),"
    " set_config('tcp_keepalives_interval', '5', false),"
    " set_config('tcp_keepalives_count', '3', false)"
)


class LockLostError(Exception):
    """The connection that held the lock ended, and the lock could not be had back."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants the lock, and for what."""

    deployment: str
    run: str
    kind: str
    started_by: str
    host: str
    pid: int


class DeploymentLock:
    """Held from construction by ``acquire`` to ``release`` (or the end of the ``with`` block)."""

    def __init__(
        self, url: str, claim: Claim, connection: psycopg.Connection[DictRow], patience: float
    ) -> None:
        self._url = url
        self._claim = claim
        self._connection = connection
        self._patience = patience
        self._token = uuid.uuid4()
        self._sign()

    @classmethod
    def acquire(
        cls,
        url: str,
        claim: Claim,
        *,
        wait: float = 0.0,
        stop: Callable[[], bool] = lambda: False,
        patience: float = connections.PATIENCE_SECONDS,
    ) -> DeploymentLock:
        """Raises ``LockedError``, naming the holder, if it is not free within ``wait`` seconds
        or ``stop()`` turns true before."""
        give_up = time.monotonic() + wait
        connection = connections.connect(url)
        try:
            while not _try(connection, claim.deployment):
                if time.monotonic() >= give_up or stop():
                    raise _locked(connection, claim.deployment, wait)
                time.sleep(POLL_SECONDS)
            return cls(url, claim, connection, patience)
        except connections.OUTAGES as error:
            connection.close()
            raise connections.unavailable(url, error) from error
        except BaseException:
            connection.close()
            raise

    def name(self, run: str) -> None:
        """Says which run the lock is held for, once that is known."""
        self._claim = Claim(
            self._claim.deployment, run, self._claim.kind, self._claim.started_by,
            self._claim.host, self._claim.pid,
        )  # fmt: skip
        self._sign()

    def check(self) -> None:
        """Makes sure that the lock is still held: called before each step.

        After a cut connection the lock is taken again, unless another run had it in between;
        then, or when the server stays away, ``LockLostError``.
        """
        try:
            self._connection.execute("SELECT 1")
        except connections.OUTAGES as error:
            self._connection.close()
            self._take_back(error)

    def _take_back(self, cause: Exception) -> None:
        give_up = time.monotonic() + self._patience
        while True:
            try:
                connection = connections.raw_connect(self._url)
                try:
                    held = self._reclaim(connection)
                except BaseException:
                    connection.close()
                    raise
                if held:
                    self._connection = connection
                    return
                connection.close()
            except connections.OUTAGES as error:
                cause = error
            if time.monotonic() >= give_up:
                raise LockLostError(
                    "the connection that holds the deployment's lock was cut, and the lock could"
                    f" not be had back in {self._patience:.0f} s"
                ) from cause
            time.sleep(POLL_SECONDS)

    def _reclaim(self, connection: psycopg.Connection[DictRow]) -> bool:
        """True with the lock, False while it is not free; raises if another run had it."""
        free = _try(connection, self._claim.deployment)
        row = connection.execute(
            "SELECT token FROM registry.holders WHERE deployment = %s", [self._claim.deployment]
        ).fetchone()
        if row is not None and row["token"] == self._token:
            return free  # not free: the server has not noticed yet that our old connection is gone
        raise LockLostError(
            "the connection that holds the deployment's lock was cut, and another run took it"
        )

    def _sign(self) -> None:
        claim = self._claim
        self._connection.execute(
            "INSERT INTO registry.holders"
            " (deployment, lock_key, token, run, kind, started_by, host, pid)"
            " VALUES (%s, hashtextextended('barberpro ' || %s, 0), %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (deployment) DO UPDATE SET token = excluded.token, run = excluded.run,"
            " kind = excluded.kind, started_by = excluded.started_by, host = excluded.host,"
            " pid = excluded.pid, since = clock_timestamp()",
            [claim.deployment, claim.deployment, self._token, claim.run, claim.kind,
             claim.started_by, claim.host, claim.pid],
        )  # fmt: skip

    def release(self) -> None:
        """Safe to repeat. A server that is away has let go of the lock already."""
        if self._connection.closed:
            return
        try:
            self._connection.execute(
                "DELETE FROM registry.holders WHERE deployment = %s AND token = %s",
                [self._claim.deployment, self._token],
            )
        except connections.OUTAGES:
            return
        finally:
            self._connection.close()

    def __enter__(self) -> DeploymentLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _try(connection: psycopg.Connection[DictRow], deployment: str) -> bool:
    connection.execute(SERVER_KEEPALIVE)
    row = connection.execute(
        "SELECT pg_try_advisory_lock(hashtextextended('barberpro ' || %s, 0)) AS held",
        [deployment],
    ).fetchone()
    assert row is not None
    return bool(row["held"])


def _locked(connection: psycopg.Connection[DictRow], deployment: str, waited: float) -> LockedError:
    row = connection.execute(
        "SELECT * FROM registry.holders WHERE deployment = %s", [deployment]
    ).fetchone()
    after = f" after {waited:.0f} s of waiting" if waited else ""
    if row is None:  # taken a moment ago, not signed yet
        return LockedError(
            f"another run holds {deployment}{after}",
            where=f"deployment {deployment}",
            mend="try again, or wait for it with --lock-wait 5m",
        )
    age = (datetime.now(UTC) - row["since"]).total_seconds()
    return LockedError(
        f"{row['started_by']} holds {deployment}{after}: {row['kind']} run {row['run']},"
        f" process {row['pid']} on {row['host']}, for {age:.0f} s",
        where=f"deployment {deployment}",
        mend=f"wait for it with --lock-wait 5m, or watch it with: barberpro runs {row['run']}"
        " --follow",
    )
