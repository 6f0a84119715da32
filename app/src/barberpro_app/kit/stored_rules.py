"""Rules that the owner changes, as one value of the table ``settings_value`` each.

What was never changed is the default in the subject's own function of the database; changes are counted,
so that one made by somebody else meanwhile is not written over.
"""

from __future__ import annotations

from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection


async def read_rules(connection: Connection, function: str, key: str) -> dict[str, Any]:
    """What ``function`` of the database says is in force, and ``version``: 0 where nothing was
    changed under ``key`` yet."""
    cursor = await connection.execute(
        sql.SQL(
            "SELECT {}() AS value,"
            " coalesce((SELECT version FROM settings_value WHERE key = %s), 0) AS version"
        ).format(sql.Identifier(function)),
        (key,),
    )
    row = await cursor.fetchone()
    assert row is not None  # a query without a table gives a row
    return {**row["value"], "version": row["version"]}


async def store_rules(
    connection: Connection, key: str, value: dict[str, Any], version: int
) -> bool:
    """Replaces the value that had ``version``; False if somebody changed it meanwhile."""
    cursor = await connection.execute(
        "INSERT INTO settings_value AS s (key, value) SELECT %(key)s, %(value)s"
        " WHERE %(version)s = 0 OR EXISTS (SELECT FROM settings_value WHERE key = %(key)s)"
        " ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, version = s.version + 1,"
        " updated_at = now() WHERE s.version = %(version)s",
        {"key": key, "value": Jsonb(value), "version": version},
    )
    return cursor.rowcount == 1
