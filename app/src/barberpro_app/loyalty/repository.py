"""SQL of loyalty; what counts a visit is a trigger, see the schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from barberpro_app.audit.trail import Actor
from barberpro_app.kit.database import Connection


async def add_rule(connection: Connection, values: Mapping[str, Any]) -> dict[str, Any]:
    cursor = await connection.execute(
        "INSERT INTO loyalty_rule (name, service_id, stamps, percent, valid_days) VALUES"
        " (%(name)s, %(service_id)s, %(stamps)s, %(percent)s, %(valid_days)s) RETURNING *",
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
        "SELECT to_jsonb(r) AS rule, count(s.booking_id) AS stamps,"
        " count(s.booking_id) >= r.stamps AS full, min(s.expires_at) AS next_expiry"
        " FROM loyalty_rule r LEFT JOIN loyalty_stamp s ON s.rule_id = r.id"
        "  AND s.client_id = %s AND s.state = 'active' AND s.expires_at > now()"
        " GROUP BY r.id HAVING r.active OR count(s.booking_id) > 0 ORDER BY r.stamps, r.id",
        (client_id,),
    )
    return await cursor.fetchall()


async def redeem(connection: Connection, actor: Actor, rule_id: UUID, booking_id: UUID) -> int:
    cursor = await connection.execute(
        "SELECT loyalty_redeem(%s, %s, %s) AS discount",
        (Jsonb(actor.as_json()), rule_id, booking_id),
    )
    row = await cursor.fetchone()
    return row["discount"] if row else 0


async def expire(connection: Connection) -> int:
    cursor = await connection.execute(
        "UPDATE loyalty_stamp SET state = 'expired' WHERE (rule_id, booking_id) IN"
        " (SELECT rule_id, booking_id FROM loyalty_stamp WHERE state = 'active'"
        "  AND expires_at <= now() LIMIT 1000 FOR UPDATE SKIP LOCKED)"
    )
    return cursor.rowcount
