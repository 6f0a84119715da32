"""The worker's half: writes what is due, reads what changed, renews channels, finds conflicts.

Loaded only where somebody has connected a calendar: HTTP and iCalendar libraries take memory. Each
calendar is worked on by itself, a few at once, so that one that hangs holds up no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from barberpro_app.calendar_sync import queue, repository
from barberpro_app.calendar_sync.entries import Entries
from barberpro_app.calendar_sync.errors import PeerError
from barberpro_app.calendar_sync.peers import Peer, Window
from barberpro_app.calendar_sync.reaching import INTEGRATIONS, Reach
from barberpro_app.kit import clock, integrations
from barberpro_app.kit.database import Database
from barberpro_app.kit.logging import get_logger
from barberpro_app.kit.metrics import Metrics
from barberpro_app.notification.outbox import LONGEST_WAIT, wait_before
from barberpro_app.settings import Settings

BATCH, AT_ONCE = 40, 4
#: How far outside events are known; beyond the longest booking window.
BEHIND, AHEAD = timedelta(days=1), timedelta(days=400)
READ_EVERY, READ_EVERY_WITH_CHANNEL = timedelta(minutes=5), timedelta(minutes=30)
#: Repetitions are written out as far as the window reaches, which moves on.
FULL_EVERY = timedelta(days=1)
MOST_ATTEMPTS = 12
REMOVAL_AT_MOST = timedelta(days=2)

log = get_logger(__name__)
Row = dict[str, Any]


class CalendarWorker:
    """Keeps access tokens for as long as the process lives."""

    def __init__(self, settings: Settings, database: Database, metrics: Metrics) -> None:
        self._settings = settings
        self._database = database
        self._metrics = metrics
        self._reach = Reach(settings)
        self._entries = Entries(settings.app)

    async def run(self) -> int:
        """One turn: how many writings and looks were tried. Raises `UnavailableError`."""
        kinds = await self._open_kinds()
        written = await self._write(kinds)
        read = await self._read(kinds)
        return written + read

    async def _open_kinds(self) -> list[str]:
        """The kinds of calendars that do not hold us back as a whole."""
        async with self._database.connection() as connection:
            return [
                kind
                for kind, name in INTEGRATIONS.items()
                if not await integrations.is_limited(connection, name)
            ]

    # --- writing

    async def _write(self, kinds: list[str]) -> int:
        lease = uuid4()
        async with self._database.connection() as connection:
            rows = await queue.claim_mirrors(connection, lease, kinds, BATCH)
        by_calendar: dict[UUID, list[Row]] = {}
        for row in rows:
            by_calendar.setdefault(row["connection_id"], []).append(row)
        await _a_few_at_once(
            self._write_calendar(key, lease, mine) for key, mine in by_calendar.items()
        )
        return len(rows)

    async def _write_calendar(self, connection_id: UUID, lease: UUID, mirrors: list[Row]) -> None:
        async with self._database.connection() as connection:
            row = await queue.connection_row(connection, connection_id)
        if row is None:
            return
        peer: Peer | None = None
        try:
            for position, mirror in enumerate(mirrors):
                try:
                    peer = peer or self._reach.peer(row)
                    await self._write_one(row, peer, mirror)
                except PeerError as error:
                    if not await self._note_failure(row, mirror, error):
                        async with self._database.connection() as connection:
                            wait = max(error.wait, timedelta(seconds=30))
                            rest = mirrors[position + 1 :]
                            await queue.give_back(connection, lease, rest, wait)
                        break
        finally:
            if peer is not None:
                await peer.close()

    async def _write_one(self, row: Row, peer: Peer, mirror: Row) -> None:
        """The booking as it is now: there, changed, or taken away."""
        subject = mirror["subject_id"]
        async with self._database.connection() as connection:
            entry = await queue.entry(connection, subject)
        here = (
            entry is not None
            and entry["live"]
            and entry["provider_id"] == row["provider_id"]
            and row["writes"]
            and row["state"] == "active"
        )
        if here and entry is not None:
            written = await peer.put(
                subject, self._entries.event(entry, row["detail"]), mirror["etag"]
            )
            async with self._database.connection() as connection:
                await queue.note_written(connection, mirror, written.remote, written.etag)
                await integrations.note(connection, INTEGRATIONS[row["kind"]])
        else:
            await peer.remove(subject)
            async with self._database.connection() as connection:
                await queue.note_removed(connection, mirror)
        self._metrics.calendar_calls.labels(row["kind"], "written").inc()

    async def _note_failure(self, row: Row, mirror: Row, error: PeerError) -> bool:
        """False if nothing more can be written to this calendar for now."""
        about_this = error.verdict in {"later", "rejected", "expired"}
        spent = error.verdict == "rejected" or mirror["attempts"] >= MOST_ATTEMPTS
        wait = max(error.wait, wait_before(mirror["attempts"]))
        async with self._database.connection() as connection:
            await queue.note_failed(
                connection, mirror, error.reason, None if about_this and spent else wait,
                counts=about_this,
            )  # fmt: skip
        await self._tell(row, error, looking=False)
        return about_this

    async def _tell(self, row: Row, error: PeerError, *, looking: bool) -> None:
        """Into the connection's state, the integration's state and the log."""
        name = INTEGRATIONS[row["kind"]]
        wait = max(error.wait, wait_before(min(row["failures"] + 4, 30)))
        if not looking:
            wait = min(wait, READ_EVERY)
        self._metrics.calendar_calls.labels(row["kind"], error.verdict).inc()
        log.warning("calendar", integration=name, connection_id=str(row["id"]),
                    outcome=error.verdict, reason=error.reason)  # fmt: skip
        async with self._database.connection() as connection:
            if error.verdict == "limited" and row["kind"] == "google":
                await integrations.note_limit(connection, name, error.wait, error.reason)
            elif error.verdict == "limited":  # one server of many: the others go on
                log.warning("rate.limit", integration=name, seconds=error.wait.total_seconds(),
                            reason=error.reason)  # fmt: skip
                await integrations.note(connection, name, error.reason)
            else:
                await integrations.note(connection, name, error.reason)
            if looking or error.verdict == "refused":
                await queue.note_connection(
                    connection, row["id"], error.reason, min(wait, LONGEST_WAIT),
                    refused=error.verdict == "refused",
                )  # fmt: skip

    # --- reading

    async def _read(self, kinds: list[str]) -> int:
        lease = uuid4()
        async with self._database.connection() as connection:
            rows = await queue.claim_connections(connection, lease, kinds, BATCH)
        await _a_few_at_once(self._look(row) for row in rows)
        return len(rows)

    async def _look(self, claimed: Row) -> None:
        async with self._database.connection() as connection:
            row = await queue.connection_row(connection, claimed["id"])
        if row is None:
            return
        try:
            peer = self._reach.peer(row)
        except PeerError as error:
            await self._tell(row, error, looking=True)
            return
        try:
            if row["state"] == "removing":
                await self._finish_removal(row, peer)
            else:
                await self._pull(row, peer)
                await self._reach.renew_channel(self._database, row, peer)
                await self._done(row)
        except PeerError as error:
            await self._tell(row, error, looking=True)
        finally:
            await peer.close()

    async def _pull(self, row: Row, peer: Peer) -> None:
        """By the cursor; whole where there is none, it is no longer good, or a day has passed."""
        if not row["blocks"] and not row["writes"]:
            return
        now = clock.now()
        window = Window(
            now - BEHIND, now + AHEAD, ZoneInfo(row["zone"] or self._settings.app.timezone)
        )
        due = row["full_at"] is None or row["full_at"] < now - FULL_EVERY
        async with self._database.connection() as connection:
            known = await queue.known(connection, row["id"])
        try:
            changes = await peer.changes(None if due else row["cursor"], known, window)
        except PeerError as error:
            if error.verdict != "expired" or due:
                raise
            log.info("calendar_read_anew", connection_id=str(row["id"]), reason=error.reason)
            changes = await peer.changes(None, known, window)
        async with self._database.transaction() as connection:
            await queue.store(connection, row, changes)
        async with self._database.transaction() as connection:
            await connection.execute("SELECT calendar_find_conflicts()")

    async def _done(self, row: Row) -> None:
        wait = READ_EVERY_WITH_CHANNEL if row["channel_until"] else READ_EVERY
        async with self._database.connection() as connection:
            await queue.note_connection(connection, row["id"], "", wait)
            await integrations.note(connection, INTEGRATIONS[row["kind"]])
        self._metrics.calendar_calls.labels(row["kind"], "read").inc()

    async def _finish_removal(self, row: Row, peer: Peer) -> None:
        """Once our events are taken away, or after two days of trying."""
        async with self._database.connection() as connection:
            left = await repository.connection_by_id(connection, row["id"])
        if left is None:
            return
        tried_long = left["oldest"] is not None and clock.now() - left["oldest"] > REMOVAL_AT_MOST
        if left["waiting"] and not tried_long:
            async with self._database.connection() as connection:
                await queue.note_connection(connection, row["id"], "", timedelta(seconds=5))
            return
        await self._reach.let_go(row, peer)
        async with self._database.connection() as connection:
            await repository.delete_connection(connection, row["id"])


async def _a_few_at_once(works: Iterable[Awaitable[None]]) -> None:
    """Waits for all; a failure of ours in one is raised when the others have ended."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(work: Awaitable[None]) -> None:
        async with gate:
            await work

    results = await asyncio.gather(*(one(work) for work in works), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
