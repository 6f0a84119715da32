"""SQL of terms: the functions of routines/retention.sql."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from barberpro_app.kit.database import Connection
from barberpro_app.kit.stored_rules import read_rules, store_rules

KEY = "retention"


async def rules(connection: Connection) -> dict[str, Any]:
    return await read_rules(connection, "retention_rules", KEY)


async def set_rules(connection: Connection, value: dict[str, Any], version: int) -> bool:
    """False if somebody changed them meanwhile."""
    return await store_rules(connection, KEY, value, version)


async def sweep(connection: Connection, notice: timedelta, limit: int) -> dict[str, int]:
    """One turn: how many of each class went, and how many people were `told`."""
    cursor = await connection.execute(
        "SELECT retention_sweep(%s, %s::int4) AS gone", (notice, limit)
    )
    row = await cursor.fetchone()
    return dict(row["gone"]) if row else {}
