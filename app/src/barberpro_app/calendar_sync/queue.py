"""The worker's SQL: what is due to be written or read, and what became of it.

Who works on something has a lease. Whatever is noted later is noted under the lease, so that a worker
that was thought dead and comes back changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.types.range import TimestamptzRange

from barberpro_app.calendar_sync.peers import Changes, OutsideEvent, Period
from barberpro_app.kit.database import Connection

Row = dict[str, Any]
LEASE = timedelta(minutes=3)
_UNREAD = "unreadable:"

_CLAIM_MIRRORS = """
WITH due AS (
    SELECT m.subject_id, m.connection_id FROM calendar_mirror m
    JOIN calendar_connection k ON k.id = m.connection_id AND k.state IN ('active', 'removing')
    WHERE m.state = 'pending' AND m.next_attempt_at <= now() AND k.kind = ANY (%(kinds)s)
    ORDER BY m.next_attempt_at LIMIT %(most)s FOR UPDATE OF m SKIP LOCKED
)
UPDATE calendar_mirror m SET attempts = m.attempts + 1, lease = %(lease)s,
    next_attempt_at = now() + %(until)s
FROM due WHERE m.subject_id = due.subject_id AND m.connection_id = due.connection_id
RETURNING m.*
"""

_CLAIM_CONNECTIONS = """
UPDATE calendar_connection k SET lease = %(lease)s, leased_until = now() + %(until)s
WHERE k.id IN (
    SELECT id FROM calendar_connection WHERE state IN ('active', 'removing')
    AND next_sync_at <= now() AND (leased_until IS NULL OR leased_until < now())
    AND kind = ANY (%(kinds)s)
    ORDER BY next_sync_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING k.*
"""


async def claim_mirrors(
    connection: Connection, lease: UUID, kinds: Sequence[str], most: int
) -> list[Row]:
    values = {"lease": lease, "until": LEASE, "kinds": list(kinds), "most": most}
    cursor = await connection.execute(_CLAIM_MIRRORS, values)
    return await cursor.fetchall()


async def claim_connections(
    connection: Connection, lease: UUID, kinds: Sequence[str], most: int
) -> list[Row]:
    values = {"lease": lease, "until": LEASE, "kinds": list(kinds), "most": most}
    cursor = await connection.execute(_CLAIM_CONNECTIONS, values)
    return await cursor.fetchall()


async def connection_row(connection: Connection, connection_id: UUID) -> Row | None:
    cursor = await connection.execute(
        "SELECT k.*, coalesce((SELECT l.zone FROM provider_location pl"
        " JOIN location l ON l.id = pl.location_id WHERE pl.provider_id = k.provider_id"
        " ORDER BY l.sort, l.name LIMIT 1), '') AS zone"
        " FROM calendar_connection k WHERE k.id = %s",
        (connection_id,),
    )
    return await cursor.fetchone()


async def entry(connection: Connection, subject_id: UUID) -> Row | None:
    cursor = await connection.execute(
        "SELECT * FROM calendar_entry WHERE subject_id = %s", (subject_id,)
    )
    return await cursor.fetchone()


async def note_written(connection: Connection, mirror: Row, remote: str, etag: str) -> None:
    """What the calendar has now; still pending if the booking changed meanwhile."""
    await connection.execute(
        "UPDATE calendar_mirror SET written = %(wanted)s, remote = %(remote)s, etag = %(etag)s,"
        " state = CASE WHEN wanted = %(wanted)s THEN 'done' ELSE 'pending' END, attempts = 0,"
        " next_attempt_at = now(), lease = NULL, last_error = NULL, changed_at = now()"
        " WHERE subject_id = %(subject_id)s AND connection_id = %(connection_id)s"
        " AND lease = %(lease)s",
        {**mirror, "remote": remote, "etag": etag},
    )


async def note_removed(connection: Connection, mirror: Row) -> None:
    cursor = await connection.execute(
        "DELETE FROM calendar_mirror WHERE subject_id = %(subject_id)s"
        " AND connection_id = %(connection_id)s AND lease = %(lease)s AND wanted = %(wanted)s",
        mirror,
    )
    if cursor.rowcount == 0:
        await connection.execute(
            "UPDATE calendar_mirror SET written = NULL, etag = NULL, attempts = 0, lease = NULL,"
            " next_attempt_at = now() WHERE subject_id = %(subject_id)s"
            " AND connection_id = %(connection_id)s AND lease = %(lease)s",
            mirror,
        )


async def note_failed(
    connection: Connection, mirror: Row, reason: str, wait: timedelta | None, *, counts: bool
) -> None:
    """Tried again after `wait`; a dead letter without one. `counts`: one more attempt at this."""
    await connection.execute(
        "UPDATE calendar_mirror SET state = CASE WHEN %(wait)s::interval IS NULL THEN 'failed'"
        " ELSE 'pending' END, next_attempt_at = now() + coalesce(%(wait)s, interval '0'),"
        " attempts = attempts - CASE WHEN %(counts)s THEN 0 ELSE 1 END,"
        " lease = NULL, last_error = %(reason)s"
        " WHERE subject_id = %(subject_id)s AND connection_id = %(connection_id)s"
        " AND lease = %(lease)s",
        {**mirror, "wait": wait, "reason": reason[:200], "counts": counts},
    )


async def give_back(
    connection: Connection, lease: UUID, mirrors: Iterable[Row], wait: timedelta
) -> None:
    """They were not tried."""
    subjects = [row["subject_id"] for row in mirrors]
    if subjects:
        await connection.execute(
            "UPDATE calendar_mirror SET attempts = greatest(attempts - 1, 0), lease = NULL,"
            " next_attempt_at = now() + %s WHERE lease = %s AND subject_id = ANY (%s)",
            (wait, lease, subjects),
        )


async def note_connection(
    connection: Connection,
    connection_id: UUID,
    error: str,
    wait: timedelta,
    *,
    refused: bool = False,
) -> None:
    """How a look or a writing ended, and when to look again."""
    await connection.execute(
        "UPDATE calendar_connection SET lease = NULL, leased_until = NULL,"
        " next_sync_at = now() + %(wait)s,"
        " failures = CASE WHEN %(error)s = '' THEN 0 ELSE failures + 1 END,"
        " last_success_at = CASE WHEN %(error)s = '' THEN now() ELSE last_success_at END,"
        " last_error_at = CASE WHEN %(error)s = '' THEN last_error_at ELSE now() END,"
        " last_error = CASE WHEN %(error)s = '' THEN NULL ELSE %(error)s END,"
        " state = CASE WHEN %(refused)s AND state = 'active' THEN 'refused' ELSE state END"
        " WHERE id = %(id)s",
        {"id": connection_id, "error": error[:200], "wait": wait, "refused": refused},
    )


async def known(connection: Connection, connection_id: UUID) -> dict[str, str]:
    cursor = await connection.execute(
        "SELECT source, etag FROM calendar_object WHERE connection_id = %s", (connection_id,)
    )
    return {row["source"]: row["etag"].removeprefix(_UNREAD) for row in await cursor.fetchall()}


async def store(connection: Connection, row: Row, changes: Changes) -> bool:
    """What a look has found, in one transaction; false if the lease has gone to another."""
    cursor = await connection.execute(
        "SELECT 1 FROM calendar_connection WHERE id = %s AND lease = %s AND state = 'active'"
        " FOR UPDATE",
        (row["id"], row["lease"]),
    )
    if await cursor.fetchone() is None:
        return False
    gone = list(changes.gone)
    if changes.full:
        seen = {event.source for event in changes.events}
        gone += [source for source in await known(connection, row["id"]) if source not in seen]
    for event in {item.source: item for item in changes.events}.values():
        await _store_event(connection, row, event)
    if gone:
        await _forget(connection, row, gone)
    await connection.execute(
        "UPDATE calendar_connection SET cursor = %s, unreadable = (SELECT count(*)"
        " FROM calendar_object WHERE connection_id = %s AND etag LIKE 'unreadable:%%'),"
        " full_at = CASE WHEN %s THEN now() ELSE full_at END WHERE id = %s",
        (changes.cursor, row["id"], changes.full, row["id"]),
    )
    return True


async def _store_event(connection: Connection, row: Row, event: OutsideEvent) -> None:
    mark = event.etag if event.readable else _UNREAD + event.etag
    await connection.execute(
        "INSERT INTO calendar_object (connection_id, source, etag) VALUES (%s, %s, %s)"
        " ON CONFLICT (connection_id, source) DO UPDATE SET etag = EXCLUDED.etag",
        (row["id"], event.source, mark),
    )
    if event.ours is not None:
        await _own_event(connection, row, event)
        return
    if not event.readable:  # what it kept busy before stays so
        return
    periods = [TimestamptzRange(start, end) for start, end in event.periods]
    await connection.execute(
        "SELECT busy_replace(%s, %s, %s, %s::tstzrange[])",
        (row["id"], event.source, event.uid[:300], periods),
    )


async def _own_event(connection: Connection, row: Row, event: OutsideEvent) -> None:
    """Somebody moved our event there: the booking stays, and the difference is shown until it is gone."""
    for start, end in event.periods[:1]:
        await connection.execute(
            "UPDATE calendar_conflict SET state = 'gone' WHERE state = 'open' AND kind <> 'overlap'"
            " AND subject_id = %s AND connection_id = %s",
            (event.ours, row["id"]),
        )
        await _note_conflict(connection, row, "moved", event.source, event.ours, (start, end))


async def _forget(connection: Connection, row: Row, gone: Sequence[str]) -> None:
    """Objects that are not there any more; one of ours that should be is a conflict."""
    cursor = await connection.execute(
        "SELECT m.subject_id, m.remote, e.starts_at, e.ends_at FROM calendar_mirror m"
        " JOIN calendar_entry e ON e.subject_id = m.subject_id AND e.live"
        " WHERE m.connection_id = %s AND m.remote = ANY (%s)",
        (row["id"], list(gone)),
    )
    for lost in await cursor.fetchall():
        period = (lost["starts_at"], lost["ends_at"])
        await _note_conflict(connection, row, "deleted", lost["remote"], lost["subject_id"], period)
    await connection.execute(
        "DELETE FROM busy_time WHERE connection_id = %s AND source = ANY (%s)",
        (row["id"], list(gone)),
    )
    await connection.execute(
        "DELETE FROM calendar_object WHERE connection_id = %s AND source = ANY (%s)",
        (row["id"], list(gone)),
    )


async def _note_conflict(
    connection: Connection,
    row: Row,
    kind: str,
    source: str,
    subject_id: UUID | None,
    period: Period,
) -> None:
    """Only where we had written what the calendar should have before this look began, and it differs:
    a writing that waits will put it right by itself."""
    await connection.execute(
        "INSERT INTO calendar_conflict AS c"
        " (kind, subject_id, provider_id, connection_id, source, period)"
        " SELECT %(kind)s, e.subject_id, e.provider_id, m.connection_id, %(source)s, %(period)s"
        " FROM calendar_mirror m JOIN calendar_entry e ON e.subject_id = m.subject_id"
        " WHERE m.subject_id = %(subject)s AND m.connection_id = %(connection)s"
        " AND m.state = 'done' AND m.changed_at < %(began)s AND e.live AND e.ends_at > now()"
        " AND (%(kind)s = 'deleted' OR tstzrange(e.starts_at, e.ends_at) <> %(period)s)"
        " ON CONFLICT (kind, subject_id, connection_id, source, period)"
        " DO UPDATE SET state = 'open', found_at = now() WHERE c.state IN ('gone', 'kept')",
        {"kind": kind, "source": source, "subject": subject_id, "connection": row["id"],
         "began": row["leased_until"] - LEASE, "period": TimestamptzRange(*period)},
    )  # fmt: skip
