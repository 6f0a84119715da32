"""SQL of series. Each change is one call of a database function."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from barberpro_app.kit import routines
from barberpro_app.kit.database import Connection
from barberpro_app.kit.stored_rules import read_rules, store_rules
from barberpro_app.series.errors import refusal

Document = dict[str, Any]


async def call(connection: Connection, function: str, *arguments: Any) -> Document:
    """The function's answer. Raises the app's error for a refusal."""
    answer: Document = await routines.call(connection, refusal, function, *arguments)
    return answer


async def get(connection: Connection, actor: Document, series_id: UUID) -> Document | None:
    cursor = await connection.execute(
        "SELECT series_body(s.id) AS body FROM series s WHERE s.id = %s AND series_visible(%s, s)",
        (series_id, Jsonb(actor)),
    )
    row = await cursor.fetchone()
    return row["body"] if row else None


async def of_booking(connection: Connection, booking_id: UUID) -> UUID | None:
    """The series of a booking; None if it is in none."""
    cursor = await connection.execute("SELECT series_id FROM booking WHERE id = %s", (booking_id,))
    row = await cursor.fetchone()
    return row["series_id"] if row else None


async def has_credits(connection: Connection, client_id: UUID) -> bool:
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM pass_period WHERE client_id = %s AND state = 'open'"
        " AND taken < credits) AS found",
        (client_id,),
    )
    row = await cursor.fetchone()
    return bool(row and row["found"])


async def rules(connection: Connection) -> Document:
    return await read_rules(connection, "series_rules", "series")


async def set_rules(connection: Connection, value: Document, version: int) -> bool:
    """False if somebody changed them meanwhile."""
    return await store_rules(connection, "series", value, version)


async def advance(
    connection: Connection, policies: dict[str, int], holidays: list[str], limit: int
) -> int:
    """How many days were tried."""
    cursor = await connection.execute(
        "SELECT series_advance(%s, %s, %s::int4) AS count",
        (Jsonb(policies), Jsonb(holidays), limit),
    )
    row = await cursor.fetchone()
    return row["count"] if row else 0


async def care(connection: Connection, policies: dict[str, int], limit: int) -> int:
    """How many credits were reserved and deposits asked for."""
    cursor = await connection.execute(
        "SELECT series_care(%s, %s::int4) AS count", (Jsonb(policies), limit)
    )
    row = await cursor.fetchone()
    return row["count"] if row else 0
