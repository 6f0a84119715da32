"""SQL of the first steps; they are one row of settings."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection

_KEY = "opening"


async def stored(connection: Connection) -> dict[str, Any]:
    cursor = await connection.execute("SELECT value FROM settings_value WHERE key = %s", (_KEY,))
    row = await cursor.fetchone()
    value: dict[str, Any] = row["value"] if row else {}
    return value


async def merge(connection: Connection, values: dict[str, object]) -> None:
    """Writes over what is named; the rest stays, whoever else writes."""
    await connection.execute(
        "INSERT INTO settings_value (key, value) VALUES (%s, %s) ON CONFLICT (key) DO UPDATE"
        " SET value = settings_value.value || excluded.value,"
        " version = settings_value.version + 1, updated_at = now()",
        (_KEY, Jsonb(values)),
    )


async def forget(connection: Connection) -> None:
    await connection.execute("DELETE FROM settings_value WHERE key = %s", (_KEY,))


_FACTS = """
SELECT (SELECT count(*) FROM location WHERE active) AS locations,
       (SELECT count(*) FROM location WHERE active AND address = '') AS without_address,
       (SELECT count(*) FROM provider WHERE active) AS providers,
       (SELECT count(*) FROM provider p WHERE p.active AND NOT EXISTS (
            SELECT FROM working_hours h WHERE h.provider_id = p.id)) AS without_hours,
       (SELECT count(*) FROM service WHERE active) AS services,
       (SELECT count(*) FROM service s WHERE s.active AND NOT EXISTS (
            SELECT FROM provider_service o JOIN provider p ON p.id = o.provider_id AND p.active
            WHERE o.service_id = s.id)) AS not_given,
       (SELECT coalesce(min(price_centavos), 0) FROM service WHERE active) AS cheapest_centavos,
       (SELECT count(*) FROM deposit_rule WHERE active) AS deposits
"""


async def facts(connection: Connection) -> dict[str, Any]:
    row = await (await connection.execute(_FACTS)).fetchone()
    assert row is not None
    return row
