"""SQL of the policies that the owner changed."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection


async def changed(connection: Connection) -> tuple[dict[str, Any], int]:
    """The owner's values, and their version; 0 if there are none."""
    cursor = await connection.execute(
        "SELECT value, version FROM settings_value WHERE key = 'policies'"
    )
    row = await cursor.fetchone()
    return (row["value"], row["version"]) if row else ({}, 0)


async def change(connection: Connection, values: dict[str, int], version: int) -> bool:
    """Writes over the values that were read at `version`; whether that was the current one."""
    if version == 0:
        cursor = await connection.execute(
            "INSERT INTO settings_value (key, value) VALUES ('policies', %s)"
            " ON CONFLICT DO NOTHING",
            (Jsonb(values),),
        )
    else:
        cursor = await connection.execute(
            "UPDATE settings_value SET value = value || %s, version = version + 1,"
            " updated_at = now() WHERE key = 'policies' AND version = %s",
            (Jsonb(values), version),
        )
    return cursor.rowcount == 1
