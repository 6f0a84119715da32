"""SQL of classes. Each change of the timetable is one call of a database function."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection
from barberpro_app.kit.stored_rules import read_rules, store_rules

CREATE = "class_create"
CHANGE = "class_change"
END = "class_end"


async def classes(connection: Connection, *, ended: bool) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        "SELECT document FROM class_document WHERE ended_at IS NULL OR %s"
        " ORDER BY weekday, starts, id LIMIT 1000",
        (ended,),
    )
    return [row["document"] for row in await cursor.fetchall()]


async def get(connection: Connection, class_id: UUID) -> dict[str, Any] | None:
    cursor = await connection.execute(
        "SELECT document FROM class_document WHERE id = %s", (class_id,)
    )
    row = await cursor.fetchone()
    return row["document"] if row else None


async def going(connection: Connection) -> list[UUID]:
    """The classes that are in the timetable."""
    cursor = await connection.execute(
        "SELECT id FROM class_rule WHERE ended_at IS NULL ORDER BY id"
    )
    return [row["id"] for row in await cursor.fetchall()]


async def make_sessions(
    connection: Connection, class_id: UUID, until: date, holidays: list[date]
) -> int:
    cursor = await connection.execute(
        "SELECT class_sessions_make(%s, %s, %s) AS made", (class_id, until, holidays)
    )
    row = await cursor.fetchone()
    return row["made"] if row else 0


async def rules(connection: Connection) -> dict[str, Any]:
    return await read_rules(connection, "class_rules", "classes")


async def set_rules(connection: Connection, value: dict[str, Any], version: int) -> bool:
    """False if somebody changed them meanwhile."""
    return await store_rules(connection, "classes", value, version)


async def begin_rules(connection: Connection, value: dict[str, Any]) -> None:
    """The first rules, unless there are some."""
    await connection.execute(
        "INSERT INTO settings_value (key, value) VALUES ('classes', %s) ON CONFLICT (key) DO NOTHING",
        (Jsonb(value),),
    )


async def overdue(connection: Connection, client_id: UUID) -> str | None:
    """What a client owes: 'balance', 'membership', or nothing."""
    cursor = await connection.execute("SELECT client_overdue(%s) AS why", (client_id,))
    row = await cursor.fetchone()
    return row["why"] if row else None
