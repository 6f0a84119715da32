"""SQL of what the team is told; a trigger on the audit trail writes the messages."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection


async def rules(connection: Connection) -> dict[str, Any]:
    cursor = await connection.execute(
        "SELECT team_notice_rules() AS value, coalesce((SELECT version FROM settings_value"
        " WHERE key = 'team_notices'), 0) AS version"
    )
    row = await cursor.fetchone()
    assert row is not None  # a query without a table gives a row
    return {**row["value"], "version": row["version"]}


async def set_rules(connection: Connection, value: dict[str, Any], version: int) -> bool:
    """False if somebody changed them meanwhile."""
    cursor = await connection.execute(
        "INSERT INTO settings_value AS s (key, value) SELECT 'team_notices', %(value)s"
        " WHERE %(version)s = 0 OR EXISTS (SELECT FROM settings_value WHERE key = 'team_notices')"
        " ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, version = s.version + 1,"
        " updated_at = now() WHERE s.version = %(version)s",
        {"value": Jsonb(value), "version": version},
    )
    return cursor.rowcount == 1
