"""SQL of sealed settings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from barberpro_app.kit.database import Connection


async def every(connection: Connection) -> list[dict[str, Any]]:
    cursor = await connection.execute("SELECT key, sealed FROM sealed_setting ORDER BY key")
    return await cursor.fetchall()


async def kept_at(connection: Connection) -> dict[str, datetime]:
    cursor = await connection.execute("SELECT key, updated_at FROM sealed_setting")
    return {row["key"]: row["updated_at"] for row in await cursor.fetchall()}


async def keep(connection: Connection, key: str, sealed: bytes) -> None:
    await connection.execute(
        "INSERT INTO sealed_setting (key, sealed) VALUES (%s, %s) ON CONFLICT (key) DO UPDATE"
        " SET sealed = excluded.sealed, updated_at = now()",
        (key, sealed),
    )


async def remove(connection: Connection, key: str) -> bool:
    cursor = await connection.execute("DELETE FROM sealed_setting WHERE key = %s", (key,))
    return cursor.rowcount == 1
