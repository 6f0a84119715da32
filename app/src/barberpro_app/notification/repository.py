"""The SQL of the outbox. States: pending -> sending -> sent | pending (later) | failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

#: Who claimed a message and died has it taken over after this.
LEASE = timedelta(minutes=3)
_SHOWN = "id, kind, state, attempts, next_attempt_at, last_error, created_at, sent_at"


async def claim(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Takes due messages, oldest first; other workers pass them over until the lease ends."""
    cursor = await connection.execute(
        "UPDATE message SET state = 'sending', attempts = attempts + 1,"
        " next_attempt_at = now() + %s"
        " WHERE id IN (SELECT id FROM message"
        "   WHERE state IN ('pending', 'sending') AND next_attempt_at <= now()"
        "   ORDER BY next_attempt_at LIMIT %s::int4 FOR UPDATE SKIP LOCKED)"
        " RETURNING id, kind, recipient, locale, payload, attempts, created_at",
        (LEASE, limit),
    )
    rows = await cursor.fetchall()  # in no order
    return sorted(rows, key=lambda row: row["id"].int)


async def give_back(connection: Connection, ids: list[UUID]) -> None:
    """Claimed but not tried: due again at once, for whoever comes next."""
    await connection.execute(
        "UPDATE message SET state = 'pending', attempts = attempts - 1, next_attempt_at = now()"
        " WHERE id = ANY (%s) AND state = 'sending'",
        (ids,),
    )


async def mark_sent(connection: Connection, message_id: UUID) -> None:
    await connection.execute(
        "UPDATE message SET state = 'sent', sent_at = now(), last_error = NULL"
        " WHERE id = %s AND state = 'sending'",
        (message_id,),
    )


async def mark_later(connection: Connection, message_id: UUID, wait: timedelta, error: str) -> None:
    await connection.execute(
        "UPDATE message SET state = 'pending', next_attempt_at = now() + %s, last_error = %s"
        " WHERE id = %s AND state = 'sending'",
        (wait, error, message_id),
    )


async def mark_failed(connection: Connection, message_id: UUID, error: str) -> None:
    """The dead letter: stays for an operator to look at and send again."""
    await connection.execute(
        "UPDATE message SET state = 'failed', last_error = %s WHERE id = %s AND state = 'sending'",
        (error, message_id),
    )


async def count_by_state(connection: Connection) -> dict[str, int]:
    cursor = await connection.execute(
        "SELECT state, count(*) AS number FROM message WHERE state <> 'sent' GROUP BY state"
    )
    return {row["state"]: row["number"] for row in await cursor.fetchall()}


async def delete_old(connection: Connection, age: timedelta) -> int:
    """Sent messages hold names and addresses: they are kept no longer than they help."""
    cursor = await connection.execute(
        "DELETE FROM message WHERE state = 'sent' AND sent_at < now() - %s", (age,)
    )
    return cursor.rowcount


async def select_page(
    connection: Connection, state: str | None, after: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Newest first; keys are in order of time."""
    cursor = await connection.execute(
        f"SELECT {_SHOWN} FROM message"  # noqa: S608 - a constant of this module
        " WHERE (%(state)s::text IS NULL OR state = %(state)s)"
        " AND (%(after)s::uuid IS NULL OR id < %(after)s)"
        " ORDER BY id DESC LIMIT %(limit)s::int4",
        {"state": state, "after": after, "limit": limit},
    )
    return await cursor.fetchall()


async def send_again(connection: Connection, message_id: UUID) -> str | None:
    """Makes a failed message due now; its state before, None if there is no such message."""
    cursor = await connection.execute(
        "SELECT state FROM message WHERE id = %s FOR UPDATE", (message_id,)
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    await connection.execute(
        "UPDATE message SET state = 'pending', attempts = 0, next_attempt_at = now(),"
        " created_at = now() WHERE id = %s AND state = 'failed'",
        (message_id,),
    )
    state: str = row["state"]
    return state
