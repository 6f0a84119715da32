"""The SQL of reminders."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection
from barberpro_app.kit.stored_rules import store_rules


async def rules(connection: Connection) -> list[dict[str, Any]]:
    """With what became of their reminders in the last 30 days."""
    cursor = await connection.execute(
        "SELECT r.id, r.kind, r.minutes_before, r.channel, r.active, r.version,"
        " count(d.*) FILTER (WHERE d.state = 'made') AS made,"
        " count(d.*) FILTER (WHERE d.state = 'too_late') AS dropped"
        " FROM reminder_rule r LEFT JOIN reminder d ON d.rule_id = r.id"
        " AND d.at > now() - interval '30 days'"
        " GROUP BY r.id ORDER BY r.minutes_before DESC, r.id"
    )
    return await cursor.fetchall()


async def active_rules(connection: Connection) -> list[UUID]:
    cursor = await connection.execute("SELECT id FROM reminder_rule WHERE active ORDER BY id")
    return [row["id"] for row in await cursor.fetchall()]


async def make(
    connection: Connection, rule_id: UUID, late: timedelta, limit: int
) -> tuple[int, int]:
    """How many were made, and how many dropped as too late."""
    cursor = await connection.execute(
        "SELECT * FROM reminders_make(%s, %s, %s::int4)", (rule_id, late, limit)
    )
    row = await cursor.fetchone()
    return (row["made"], row["dropped"]) if row else (0, 0)


async def add_rule(connection: Connection, values: dict[str, Any]) -> UUID | None:
    """None if there is such a rule."""
    cursor = await connection.execute(
        "INSERT INTO reminder_rule (kind, minutes_before, channel)"
        " VALUES (%(kind)s, %(minutes_before)s, %(channel)s)"
        " ON CONFLICT (kind, minutes_before, channel) DO NOTHING RETURNING id",
        values,
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def set_active(
    connection: Connection, rule_id: UUID, version: int, *, active: bool
) -> bool | None:
    """False if somebody changed it meanwhile, None if there is no such rule."""
    cursor = await connection.execute(
        "SELECT version FROM reminder_rule WHERE id = %s FOR UPDATE", (rule_id,)
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if row["version"] != version:
        return False
    await connection.execute(
        "UPDATE reminder_rule SET active = %s, version = version + 1 WHERE id = %s",
        (active, rule_id),
    )
    return True


async def remove_rule(connection: Connection, rule_id: UUID) -> bool:
    cursor = await connection.execute("DELETE FROM reminder_rule WHERE id = %s", (rule_id,))
    return cursor.rowcount == 1


async def preferences(connection: Connection) -> dict[str, Any] | None:
    cursor = await connection.execute(
        "SELECT value, version FROM settings_value WHERE key = 'messages'"
    )
    return await cursor.fetchone()


async def set_preferences(connection: Connection, value: dict[str, Any], version: int) -> bool:
    """False if somebody changed them meanwhile."""
    return await store_rules(connection, "messages", value, version)


async def prune(connection: Connection) -> int:
    cursor = await connection.execute(
        "DELETE FROM reminder WHERE at < now() - interval '90 days' AND starts_at < now()"
    )
    return cursor.rowcount
