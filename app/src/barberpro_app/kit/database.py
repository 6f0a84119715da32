"""The pool of connections to PostgreSQL, and the two ways to use one.

`connection()` lends one in autocommit: each statement is a transaction of its own, which makes a
call of a database function one round trip. `transaction()` commits at the end of the block, or
rolls back if it raises. Only edges (endpoints, pages, jobs, commands) open either; services and
repositories get the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from barberpro_app.kit.errors import UnavailableError

Connection = AsyncConnection[DictRow]

#: What a session of the app has; behind a pooler its role has it, for a pooler passes no options on.
SESSION = {
    "timezone": "UTC",
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "15s",
}


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Sizes are connections of one process; `wait_seconds` is how long a request waits for one.

    Of those beyond the minimum one ends each `idle_seconds` in which it was not needed: a server
    process that did some bookings keeps 10 MB of plans. Who finds the one in use waits for it
    `share_seconds` before another is opened.
    """

    minimum: int = 0
    maximum: int = 8
    wait_seconds: float = 5.0
    idle_seconds: float = 5.0
    share_seconds: float = 0.0


#: Jobs hold a connection for milliseconds and can wait for each other; they may be many at once for as
#: long as the pool has room, for one may hold its connection and ask for another.
JOBS_POOL = PoolSettings(minimum=1, maximum=3, share_seconds=0.05)


class Database:
    """The app's database; `open` starts filling the pool and does not wait for the server.

    `direct` is the way around a pooler in transaction mode, if one is in between. Then nothing lives longer
    than a transaction: no prepared statement (plans are kept by the functions of the database), no setting,
    no lock of a session.
    """

    def __init__(
        self,
        url: str,
        pool: PoolSettings | None = None,
        *,
        name: str = "app",
        direct: str | None = None,
        read_only: bool = False,
    ) -> None:
        sizes = pool or PoolSettings()
        self._direct = direct
        session = {**SESSION, "default_transaction_read_only": "on"} if read_only else SESSION
        options = {"options": " ".join(f"-c {name}={value}" for name, value in session.items())}
        self._share_seconds = sizes.share_seconds
        self._one = asyncio.Semaphore()
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            connection_class=AsyncConnection[DictRow],
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "prepare_threshold": 1 if direct is None else None,
                **(options if direct is None else {}),
                "application_name": f"barberpro-{name}",
                "connect_timeout": 5,
            },
            min_size=sizes.minimum,
            max_size=sizes.maximum,
            timeout=sizes.wait_seconds,
            max_idle=sizes.idle_seconds,
            open=False,
            name=name,
        )

    async def open(self) -> None:
        await self._pool.open(wait=False)

    async def check(self) -> None:
        """Throws away the connections that are dead, as after a restart of the server: nobody else
        has to find that out by an error."""
        await self._pool.check()

    async def close(self) -> None:
        await self._pool.close(timeout=5)

    @property
    def statistics(self) -> dict[str, Any]:
        """Counters of the pool, for metrics."""
        return dict(self._pool.get_stats())

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit. Raises `UnavailableError` if the server does not answer."""
        async with self._lend() as connection:
            yield connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """A connection in autocommit whose session is nobody else's, as locks that outlive a transaction
        need. Raises `UnavailableError` likewise."""
        if self._direct is None:
            async with self._lend() as connection:
                yield connection
            return
        try:
            own = await AsyncConnection[DictRow].connect(
                self._direct, autocommit=True, row_factory=dict_row, connect_timeout=5,
                application_name="barberpro-session",
            )  # fmt: skip
        except psycopg.OperationalError as error:
            raise UnavailableError from error
        async with own:
            yield own

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction. Raises `UnavailableError` likewise."""
        async with self._lend() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def _lend(self) -> AsyncIterator[Connection]:
        try:
            async with self._turn(), self._pool.connection() as connection:
                yield connection
        except psycopg.OperationalError as error:  # PoolTimeout is one
            if error.sqlstate not in _GONE:
                raise
            raise UnavailableError from error

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Ours alone, or after `share_seconds` beside whoever has it."""
        ours = False
        if self._share_seconds:
            try:
                async with asyncio.timeout(self._share_seconds):
                    ours = await self._one.acquire()
            except TimeoutError:
                ours = False
        try:
            yield
        finally:
            if ours:
                self._one.release()


#: SQLSTATEs of a server that is away, starting, stopping or full; None is a broken connection.
_GONE = {None, "57P01", "57P02", "57P03", "53300", "08000", "08001", "08003", "08006"}
