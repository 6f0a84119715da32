"""SQL of the domain; it is one row of settings."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection

_KEY = "own_domain"


async def stored(connection: Connection) -> dict[str, Any]:
    cursor = await connection.execute("SELECT value FROM settings_value WHERE key = %s", (_KEY,))
    row = await cursor.fetchone()
    value: dict[str, Any] = row["value"] if row else {}
    return value


async def keep(connection: Connection, value: dict[str, object]) -> None:
    await connection.execute(
        "INSERT INTO settings_value (key, value) VALUES (%s, %s) ON CONFLICT (key) DO UPDATE"
        " SET value = excluded.value, version = settings_value.version + 1, updated_at = now()",
        (_KEY, Jsonb(value)),
    )
