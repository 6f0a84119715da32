"""SQL of loyalty; what counts a visit is a trigger, see the schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection


async def add_rule(connection: Connection, values: Mapping[str, Any]) -> dict[str, Any]:
    cursor = await connection.execute(
        "INSERT INTO loyalty_rule (name, service_id, stamps, percent, per_centavos, valid_days)"
        " VALUES (%(name)s, %(service_id)s, %(stamps)s, %(percent)s, %(per_centavos)s,"
        " %(valid_days)s) RETURNING *",
        values,
    )
    row = await cursor.fetchone()
    assert row is not None
    return row


async def rules(connection: Connection) -> list[dict[str, Any]]:
    return await (
        await connection.execute("SELECT * FROM loyalty_rule ORDER BY stamps, id")
    ).fetchall()


async def cards(connection: Connection, client_id: UUID) -> list[dict[str, Any]]:
    """Each rule that is active or has stamps of this client, with how many are good now."""
    cursor = await connection.execute(
        "SELECT to_jsonb(r) AS rule, count(s.id) AS stamps,"
        " count(s.id) >= r.stamps AS full, min(s.expires_at) AS next_expiry"
        " FROM loyalty_rule r LEFT JOIN loyalty_stamp s ON s.rule_id = r.id"
        "  AND s.client_id = %s AND s.state = 'active' AND s.expires_at > now()"
        " GROUP BY r.id HAVING r.active OR count(s.id) > 0 ORDER BY r.stamps, r.id",
        (client_id,),
    )
    return await cursor.fetchall()


async def levels(connection: Connection) -> list[dict[str, Any]]:
    return await (
        await connection.execute("SELECT * FROM loyalty_level ORDER BY visits")
    ).fetchall()


async def visits(connection: Connection, client_id: UUID) -> int:
    """How often the client came within a year."""
    cursor = await connection.execute("SELECT loyalty_visits(%s) AS visits", (client_id,))
    row = await cursor.fetchone()
    return row["visits"] if row else 0


async def add_level(connection: Connection, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """None if there is one with as many visits."""
    cursor = await connection.execute(
        "INSERT INTO loyalty_level (name, visits, stamps) VALUES (%(name)s, %(visits)s, %(stamps)s)"
        " ON CONFLICT (visits) DO NOTHING RETURNING *",
        values,
    )
    return await cursor.fetchone()


async def remove_level(connection: Connection, level_id: UUID) -> bool:
    cursor = await connection.execute("DELETE FROM loyalty_level WHERE id = %s", (level_id,))
    return cursor.rowcount == 1


async def rewards(
    connection: Connection, client_id: UUID | None, booking_id: UUID | None
) -> list[dict[str, Any]]:
    """Newest first, of a client or of a booking."""
    cursor = await connection.execute(
        "SELECT w.*, r.name AS rule_name FROM loyalty_reward w JOIN loyalty_rule r"
        " ON r.id = w.rule_id WHERE w.client_id = %(client)s OR w.booking_id = %(booking)s"
        " ORDER BY w.redeemed_at DESC, w.id DESC LIMIT 50",
        {"client": client_id, "booking": booking_id},
    )
    return await cursor.fetchall()


async def by_hand(connection: Connection, client_id: UUID) -> list[dict[str, Any]]:
    """Stamps that were given by hand and are good now, newest first."""
    cursor = await connection.execute(
        "SELECT s.id, r.name AS rule_name, s.reason, s.created_at FROM loyalty_stamp s"
        " JOIN loyalty_rule r ON r.id = s.rule_id WHERE s.client_id = %s AND s.booking_id IS NULL"
        " AND s.state = 'active' AND s.expires_at > now() ORDER BY s.id DESC LIMIT 50",
        (client_id,),
    )
    return await cursor.fetchall()


async def expire(connection: Connection) -> int:
    cursor = await connection.execute(
        "UPDATE loyalty_stamp SET state = 'expired' WHERE id IN"
        " (SELECT id FROM loyalty_stamp WHERE state = 'active'"
        "  AND expires_at <= now() LIMIT 1000 FOR UPDATE SKIP LOCKED)"
    )
    return cursor.rowcount
