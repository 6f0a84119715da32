"""SQL of locations and of the owner's word on holidays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

_LOCATIONS = """
SELECT id, key, name, address, phone, zone, active, sort, version FROM location
WHERE (%(id)s::uuid IS NULL OR id = %(id)s) AND (active OR %(inactive)s)
ORDER BY sort, key
"""


async def locations(
    connection: Connection, location_id: UUID | None, *, inactive: bool
) -> list[dict[str, Any]]:
    cursor = await connection.execute(_LOCATIONS, {"id": location_id, "inactive": inactive})
    return await cursor.fetchall()


async def add(connection: Connection, values: Mapping[str, Any]) -> UUID | None:
    """The new key; None if there is one with this `key` already."""
    cursor = await connection.execute(
        "INSERT INTO location (key, name, address, phone, zone, sort)"
        " VALUES (%(key)s, %(name)s, %(address)s, %(phone)s, %(zone)s, %(sort)s)"
        " ON CONFLICT (key) DO NOTHING RETURNING id",
        values,
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def overrides(connection: Connection, first: date, last: date) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        "SELECT day, open, name FROM holiday_override WHERE day BETWEEN %s AND %s", (first, last)
    )
    return await cursor.fetchall()


async def set_override(connection: Connection, day: date, name: str, *, is_open: bool) -> None:
    await connection.execute(
        "INSERT INTO holiday_override (day, open, name) VALUES (%s, %s, %s)"
        " ON CONFLICT (day) DO UPDATE SET open = excluded.open, name = excluded.name",
        (day, is_open, name),
    )


async def remove_override(connection: Connection, day: date) -> bool:
    cursor = await connection.execute("DELETE FROM holiday_override WHERE day = %s", (day,))
    return cursor.rowcount == 1
