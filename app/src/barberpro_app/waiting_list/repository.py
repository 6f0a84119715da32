"""SQL of the waiting list."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from barberpro_app.kit import routines
from barberpro_app.kit.database import Connection
from barberpro_app.kit.stored_rules import read_rules, store_rules
from barberpro_app.waiting_list.errors import refusal

Document = dict[str, Any]
#: Whoever has this advisory lock looks through the line.
_LOCK = 7303


async def call(connection: Connection, function: str, *arguments: Any) -> Document:
    """The function's answer. Raises the app's error for a refusal."""
    answer: Document = await routines.call(connection, refusal, function, *arguments)
    return answer


async def get(connection: Connection, actor: Document, entry_id: UUID) -> Document | None:
    cursor = await connection.execute(
        "SELECT waiting_body(e.id) AS body FROM waiting_entry e"
        " WHERE e.id = %s AND waiting_visible(%s, e)",
        (entry_id, Jsonb(actor)),
    )
    row = await cursor.fetchone()
    return row["body"] if row else None


async def line(connection: Connection, actor: Document, limit: int) -> list[Document]:
    """Who waits or has an offer, first come first."""
    cursor = await connection.execute(
        "SELECT waiting_body(e.id) AS body FROM waiting_entry e"
        " WHERE e.state IN ('waiting', 'offered') AND waiting_visible(%s, e)"
        " ORDER BY e.joined_at, e.id LIMIT %s::int4",
        (Jsonb(actor), limit),
    )
    return [row["body"] for row in await cursor.fetchall()]


async def of_booking(connection: Connection, booking_id: UUID) -> UUID | None:
    """The entry to which a hold was offered."""
    cursor = await connection.execute(
        "SELECT id FROM waiting_entry WHERE booking_id = %s AND state = 'offered'", (booking_id,)
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def client_of(connection: Connection, entry_id: UUID) -> UUID | None:
    cursor = await connection.execute(
        "SELECT client_id FROM waiting_entry WHERE id = %s", (entry_id,)
    )
    row = await cursor.fetchone()
    return row["client_id"] if row else None


async def try_lock(connection: Connection) -> bool:
    """One looks through the line at a time; the lock ends with the connection at the latest."""
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s) AS got", (_LOCK,))
    row = await cursor.fetchone()
    return bool(row and row["got"])


async def unlock(connection: Connection) -> None:
    await connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


async def last_mark(connection: Connection) -> int:
    """The newest mark of freed time; 0 if there is none."""
    cursor = await connection.execute("SELECT coalesce(max(id), 0) AS mark FROM freed_time")
    row = await cursor.fetchone()
    return row["mark"] if row else 0


async def forget_marks(connection: Connection, mark: int) -> None:
    await connection.execute("DELETE FROM freed_time WHERE id <= %s", (mark,))


async def close_over(connection: Connection) -> int:
    cursor = await connection.execute("SELECT waiting_close() AS count")
    row = await cursor.fetchone()
    return row["count"] if row else 0


async def wishes(
    connection: Connection, after: tuple[datetime, UUID] | None, limit: int
) -> list[Document]:
    """The line from after that place on, first come first."""
    cursor = await connection.execute(
        "SELECT * FROM waiting_wish WHERE %(at)s::timestamptz IS NULL"
        " OR (joined_at, id) > (%(at)s, %(id)s) ORDER BY joined_at, id LIMIT %(limit)s::int4",
        {"at": after[0] if after else None, "id": after[1] if after else None, "limit": limit},
    )
    return await cursor.fetchall()


async def offer(
    connection: Connection,
    policies: dict[str, int],
    entry_id: UUID,
    starts_at: datetime,
    answer_by: datetime,
    holidays: list[str],
) -> str:
    """`offered`, `taken`, `gone`, or why this client may not have it."""
    cursor = await connection.execute(
        "SELECT waiting_offer(%s, %s, %s, %s, %s) AS answer",
        (Jsonb(policies), entry_id, starts_at, answer_by, Jsonb(holidays)),
    )
    row = await cursor.fetchone()
    assert row is not None  # a function always gives a row
    answer: str = row["answer"]
    return answer


async def rules(connection: Connection) -> Document:
    return await read_rules(connection, "waiting_rules", "waiting_list")


async def set_rules(connection: Connection, value: Document, version: int) -> bool:
    """False if somebody changed them meanwhile."""
    return await store_rules(connection, "waiting_list", value, version)
