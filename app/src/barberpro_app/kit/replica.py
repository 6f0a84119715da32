"""Reads that may be a little old, from a replica: what is offered, free times, what is published, reports.

A replica answers only if it has replayed the log up to where the primary was at most `OLDEST_SECONDS` ago;
else, and whenever it does not answer, the primary does. Whoever wrote something reads from the primary for
`PIN_SECONDS`, which is longer, so that everybody sees what they did. Nothing that a write decides reads here.
https://www.postgresql.org/docs/18/functions-admin.html#FUNCTIONS-RECOVERY-CONTROL
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from barberpro_app.kit.database import Connection, Database, PoolSettings
from barberpro_app.kit.errors import AppError, UnavailableError
from barberpro_app.kit.logging import get_logger
from barberpro_app.kit.tasks import end

OLDEST_SECONDS = 5.0
PIN_SECONDS = 15
MEASURE_SECONDS = 1.0
#: A replica that did not answer is left alone for a while.
AWAY_SECONDS = 5.0
WAIT_SECONDS = 0.5
PIN = "__Host-wrote"
_SAFE_METHODS = {"GET", "HEAD"}

log = get_logger(__name__)
Result = TypeVar("Result")
Work = Callable[[Connection], Awaitable[Result]]


class Replica:
    """One address, behind which there may be several replicas: each lent connection is asked anew."""

    def __init__(self, url: str, primary: Database, *, measure: float = MEASURE_SECONDS) -> None:
        pool = PoolSettings(0, 5, WAIT_SECONDS)
        self._replicas = Database(url, pool, name="replica", read_only=True)
        self._primary = primary
        self._measure = measure
        self._position = ""  # of the primary's log
        self._measured = float("-inf")
        self._away_until = float("-inf")
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.answered = 0

    async def open(self) -> None:
        await self._replicas.open()
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        if self._task is not None:
            await end(self._task)
        await self._replicas.close()

    def outdate(self) -> None:
        """Something changed just now: what was measured before does not count any more."""
        self._measured = float("-inf")
        self._due.set()

    async def read(self, work: Work[Result]) -> Result:
        """What `work` finds; raises `UnavailableError` where no replica is up to date or there is none."""
        now = time.monotonic()
        if now < self._away_until or now - self._measured > OLDEST_SECONDS:
            raise UnavailableError
        position = self._position
        try:
            async with self._replicas.connection() as connection:
                cursor = await connection.execute(
                    "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= %s::pg_lsn AS fresh",
                    (position,),
                )
                row = await cursor.fetchone()
                if not (row and row["fresh"]):
                    raise UnavailableError
                found = await work(connection)
        except UnavailableError as error:
            if error.__cause__ is not None:  # nobody answers
                self._away_until = time.monotonic() + AWAY_SECONDS
                log.warning("replica_away", error=type(error.__cause__).__name__)
            raise
        self.answered += 1
        return found

    async def _follow(self) -> None:
        """Measures where the primary is, each second and after each change: what is committed is written
        by then (`synchronous_commit`)."""
        while True:
            self._due.clear()
            before = time.monotonic()
            try:
                async with self._primary.connection() as connection:
                    cursor = await connection.execute(
                        "SELECT pg_current_wal_lsn()::text AS position"
                    )
                    row = await cursor.fetchone()
            except (UnavailableError, psycopg.Error) as error:
                log.debug("primary_not_measured", error=type(error).__name__)
            else:
                # one that became due meanwhile may have missed the change
                if row and not self._due.is_set():
                    self._position, self._measured = row["position"], before
            try:
                await asyncio.wait_for(self._due.wait(), self._measure)
            except TimeoutError:
                continue


async def read(request: Request, work: Work[Result]) -> Result:
    """What `work` finds, on a replica where that will do, else on the primary. `work` may run twice and
    changes nothing."""
    replica: Replica | None = request.app.state.replica
    if replica is not None and may_be_old(request):
        try:
            return await replica.read(work)
        except (AppError, psycopg.Error) as error:
            # also what is not there yet, or a query that gave way to the log
            log.debug("primary_reads", error=type(error).__name__)
    database: Database = request.app.state.database
    async with database.connection() as connection:
        return await work(connection)


def may_be_old(request: Request) -> bool:
    """Not for a write, nor for who wrote just now, nor for programs: those keep no cookies."""
    pinned = PIN in request.cookies or "authorization" in request.headers
    return request.method in _SAFE_METHODS and not pinned


class RememberWriting:
    """Gives a browser that wrote something a cookie that ends by itself, soon."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _SAFE_METHODS:
            await self.app(scope, receive, send)
            return
        cookie = f"{PIN}=1; Max-Age={PIN_SECONDS}; Path=/; Secure; HttpOnly; SameSite=Lax".encode()

        async def send_with_pin(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 500:
                headers = [*message.get("headers", ())]
                if (b"set-cookie", cookie) not in headers:
                    headers.append((b"set-cookie", cookie))
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, send_with_pin)
