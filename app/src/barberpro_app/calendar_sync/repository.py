"""All SQL of calendars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection

Row = dict[str, Any]
Values = Sequence[Any] | Mapping[str, Any]

_CONNECTION = """
SELECT k.id, k.provider_id, p.name AS provider_name, k.kind, k.state, k.account, k.calendar, k.title,
       k.choices, k.detail, k.writes, k.blocks, k.unreadable, k.failures, k.last_success_at,
       k.last_error_at, k.last_error, k.created_at, k.channel_until,
       coalesce(m.waiting, 0) AS waiting, coalesce(m.failed, 0) AS failed, m.oldest
FROM calendar_connection k
JOIN provider p ON p.id = k.provider_id
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'pending') AS waiting,
           count(*) FILTER (WHERE state = 'failed') AS failed,
           min(changed_at) FILTER (WHERE state = 'pending') AS oldest
    FROM calendar_mirror WHERE connection_id = k.id AND state <> 'done') m ON true
"""


async def _all(connection: Connection, query: LiteralString, values: Values = ()) -> list[Row]:
    cursor = await connection.execute(query, values)
    return await cursor.fetchall()


async def _one(connection: Connection, query: LiteralString, values: Values = ()) -> Row | None:
    cursor = await connection.execute(query, values)
    return await cursor.fetchone()


# --- feeds


async def feed(connection: Connection, provider_id: UUID) -> Row | None:
    return await _one(connection, "SELECT * FROM calendar_feed WHERE provider_id = %s",
                      (provider_id,))  # fmt: skip


async def set_feed(connection: Connection, provider_id: UUID, detail: str, *, anew: bool) -> Row:
    """Made if there is none; `anew` makes the old address nobody's."""
    row = await _one(
        connection,
        "INSERT INTO calendar_feed (provider_id, detail) VALUES (%(provider)s, %(detail)s)"
        " ON CONFLICT (provider_id) DO UPDATE SET detail = EXCLUDED.detail,"
        " feed_id = CASE WHEN %(anew)s THEN gen_random_uuid() ELSE calendar_feed.feed_id END,"
        " read_at = CASE WHEN %(anew)s THEN NULL ELSE calendar_feed.read_at END RETURNING *",
        {"provider": provider_id, "detail": detail, "anew": anew},
    )
    assert row is not None
    return row


async def remove_feed(connection: Connection, provider_id: UUID) -> bool:
    cursor = await connection.execute(
        "DELETE FROM calendar_feed WHERE provider_id = %s", (provider_id,)
    )
    return cursor.rowcount == 1


async def feed_by_id(connection: Connection, feed_id: UUID) -> Row | None:
    """With the provider's name; notes, at most every ten minutes, that somebody read it."""
    await connection.execute(
        "UPDATE calendar_feed SET read_at = now() WHERE feed_id = %s"
        " AND (read_at IS NULL OR read_at < now() - interval '10 min')",
        (feed_id,),
    )
    return await _one(
        connection,
        "SELECT f.*, p.name FROM calendar_feed f JOIN provider p ON p.id = f.provider_id"
        " WHERE f.feed_id = %s AND p.active",
        (feed_id,),
    )


async def entries(
    connection: Connection, provider_id: UUID, back: timedelta, most: int
) -> list[Row]:
    """A provider's bookings from `back` ago on."""
    return await _all(
        connection,
        "SELECT * FROM calendar_entry WHERE provider_id = %s AND live AND starts_at > now() - %s"
        " ORDER BY starts_at, subject_id LIMIT %s",
        (provider_id, back, most),
    )


# --- connections


async def connections(connection: Connection, provider_id: UUID | None = None) -> list[Row]:
    """In the order of the business; of one provider, or of all."""
    return await _all(
        connection,
        _CONNECTION + " WHERE (%(provider)s::uuid IS NULL OR k.provider_id = %(provider)s)"
        " ORDER BY p.sort, p.name, k.id",
        {"provider": provider_id},
    )


async def connection_by_id(connection: Connection, connection_id: UUID) -> Row | None:
    return await _one(connection, _CONNECTION + " WHERE k.id = %s", (connection_id,))


async def add_connection(connection: Connection, values: dict[str, Any]) -> None:
    """`id`, `provider_id`, `kind`, `account`, `sealed`, `choices`, `detail`."""
    await connection.execute(
        "INSERT INTO calendar_connection (id, provider_id, kind, account, sealed, choices, detail)"
        " VALUES (%(id)s, %(provider_id)s, %(kind)s, %(account)s, %(sealed)s, %(choices)s, %(detail)s)",
        {**values, "choices": Jsonb(values["choices"])},
    )


async def lock_connection(connection: Connection, connection_id: UUID) -> Row | None:
    return await _one(
        connection, "SELECT * FROM calendar_connection WHERE id = %s FOR UPDATE", (connection_id,)
    )


async def same_calendar(connection: Connection, row: Row, calendar: str) -> UUID | None:
    """Another connection of the provider to this calendar."""
    found = await _one(
        connection,
        "SELECT id FROM calendar_connection WHERE provider_id = %s AND kind = %s AND calendar = %s"
        " AND state IN ('active', 'refused') AND id <> %s FOR UPDATE",
        (row["provider_id"], row["kind"], calendar, row["id"]),
    )
    return found["id"] if found else None


async def activate(connection: Connection, connection_id: UUID, values: dict[str, Any]) -> None:
    """`calendar`, `title`, `sealed`, `detail`, `writes`, `blocks`; everything is read and written anew."""
    await connection.execute(
        "UPDATE calendar_connection SET state = 'active', calendar = %(calendar)s,"
        " title = %(title)s, sealed = %(sealed)s, detail = %(detail)s, writes = %(writes)s,"
        " blocks = %(blocks)s, choices = '[]', cursor = NULL, full_at = NULL, failures = 0,"
        " last_error = NULL, next_sync_at = now() WHERE id = %(id)s",
        {**values, "id": connection_id},
    )
    await connection.execute(
        "UPDATE calendar_mirror SET wanted = wanted + 1, state = 'pending', attempts = 0,"
        " next_attempt_at = now() WHERE connection_id = %s",
        (connection_id,),
    )
    await connection.execute("SELECT calendar_fill(%s)", (connection_id,))
    if not values["blocks"]:
        await connection.execute("DELETE FROM busy_time WHERE connection_id = %s", (connection_id,))


async def delete_connection(connection: Connection, connection_id: UUID) -> None:
    await connection.execute("DELETE FROM calendar_connection WHERE id = %s", (connection_id,))


async def begin_removal(connection: Connection, connection_id: UUID) -> None:
    """Outside events stop to block at once; ours are taken away by the worker."""
    await connection.execute(
        "UPDATE calendar_connection SET state = 'removing', next_sync_at = now() WHERE id = %s",
        (connection_id,),
    )
    await connection.execute("DELETE FROM busy_time WHERE connection_id = %s", (connection_id,))
    await connection.execute(
        "UPDATE calendar_mirror SET wanted = wanted + 1, state = 'pending', attempts = 0,"
        " next_attempt_at = now() WHERE connection_id = %s",
        (connection_id,),
    )


async def sync_now(connection: Connection, connection_id: UUID) -> None:
    """Reads at the worker's next turn, and tries dead letters again."""
    await connection.execute(
        "UPDATE calendar_connection SET next_sync_at = now() WHERE id = %s", (connection_id,)
    )
    await connection.execute(
        "UPDATE calendar_mirror SET state = 'pending', attempts = 0, next_attempt_at = now()"
        " WHERE connection_id = %s AND state <> 'done'",
        (connection_id,),
    )


async def channel_rang(connection: Connection, channel_id: UUID) -> bool:
    """Somebody changed something there: the worker looks at its next turn."""
    cursor = await connection.execute(
        "UPDATE calendar_connection SET next_sync_at = least(next_sync_at, now())"
        " WHERE channel_id = %s AND state = 'active'",
        (channel_id,),
    )
    return cursor.rowcount == 1


# --- conflicts


async def conflicts(
    connection: Connection, provider_id: UUID | None, first: datetime | None = None
) -> list[Row]:
    """Open ones with what they are about, soonest first."""
    return await _all(
        connection,
        "SELECT c.id, c.kind, c.subject_id AS booking_id, c.provider_id, p.name AS provider_name,"
        " c.connection_id, k.title AS calendar_title, lower(c.period) AS event_starts_at,"
        " upper(c.period) AS event_ends_at, e.starts_at, e.ends_at, e.code, e.service, e.client,"
        " e.capacity IS NOT NULL AS is_session,"
        " c.state, c.found_at"
        " FROM calendar_conflict c JOIN calendar_entry e ON e.subject_id = c.subject_id"
        " JOIN provider p ON p.id = c.provider_id JOIN calendar_connection k ON k.id = c.connection_id"
        " WHERE c.state = 'open' AND (%(provider)s::uuid IS NULL OR c.provider_id = %(provider)s)"
        " AND (%(first)s::timestamptz IS NULL OR e.starts_at >= %(first)s)"
        " ORDER BY e.starts_at, c.id LIMIT 200",
        {"provider": provider_id, "first": first},
    )


async def clashing(
    connection: Connection, providers: Sequence[UUID], start: datetime, end: datetime
) -> list[Row]:
    """Open conflicts about what these providers have within a time: booking_id (or the session's),
    provider_id, kind."""
    return await _all(
        connection,
        "SELECT c.subject_id AS booking_id, c.provider_id, c.kind FROM calendar_conflict c"
        " JOIN calendar_entry e ON e.subject_id = c.subject_id WHERE c.state = 'open'"
        " AND c.provider_id = ANY (%s) AND e.starts_at < %s AND e.ends_at > %s",
        (list(providers), end, start),
    )


async def conflict(connection: Connection, conflict_id: UUID) -> Row | None:
    return await _one(
        connection, "SELECT * FROM calendar_conflict WHERE id = %s FOR UPDATE", (conflict_id,)
    )


async def decide(connection: Connection, conflict_id: UUID, decision: str) -> None:
    await connection.execute("SELECT calendar_decide(%s, %s)", (conflict_id, decision))


async def busy(
    connection: Connection, providers: Sequence[UUID], start: datetime, end: datetime
) -> list[Row]:
    """What is busy outside, of these providers, within a time: provider_id, starts_at, ends_at."""
    return await _all(
        connection,
        "SELECT t.provider_id, lower(t.period) AS starts_at, upper(t.period) AS ends_at,"
        " k.title FROM busy_time t JOIN calendar_connection k ON k.id = t.connection_id"
        " WHERE t.provider_id = ANY (%s) AND NOT t.ignored AND t.period && tstzrange(%s, %s)"
        " ORDER BY lower(t.period), t.id",
        (list(providers), start, end),
    )


async def counts(connection: Connection) -> dict[str, int]:
    """For metrics: open conflicts, what waits to be written, dead letters."""
    row = await _one(
        connection,
        "SELECT (SELECT count(*) FROM calendar_conflict WHERE state = 'open') AS conflicts,"
        " count(*) FILTER (WHERE state = 'pending') AS waiting,"
        " count(*) FILTER (WHERE state = 'failed') AS failed"
        " FROM calendar_mirror WHERE state <> 'done'",
    )
    return dict(row or {})
