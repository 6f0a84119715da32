"""SQL of treatment plans and what is around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

Row = dict[str, Any]

_PLANS = """
SELECT p.id, p.client_id, c.name AS client_name, p.author_name, p.sealed, p.currency, p.total,
       p.state, p.state = 'offered' AND p.valid_until < current_date AS expired, p.valid_until,
       p.offered_at, encode(p.document_sha256, 'hex') AS document_sha256, p.accepted_at,
       p.accepted_name, p.accepted_how, p.version, p.created_at
FROM treatment_plan p JOIN client c ON c.id = p.client_id
WHERE (%(id)s::uuid IS NULL OR p.id = %(id)s)
  AND (%(client_id)s::uuid IS NULL OR p.client_id = %(client_id)s)
ORDER BY p.created_at DESC, p.id LIMIT 200
"""


async def alerts(connection: Connection, client_id: UUID) -> list[Row]:
    cursor = await connection.execute(
        "SELECT id, client_id, kind, sealed, created_at FROM patient_alert"
        " WHERE client_id = %s AND active ORDER BY created_at, id",
        (client_id,),
    )
    return await cursor.fetchall()


async def bookings_with_alerts(connection: Connection, bookings: Sequence[UUID]) -> set[UUID]:
    """Those of these bookings whose patient has an alert."""
    cursor = await connection.execute(
        "SELECT b.id FROM booking b WHERE b.id = ANY (%s) AND EXISTS (SELECT FROM patient_alert a"
        " WHERE a.client_id = b.client_id AND a.active)",
        (list(bookings),),
    )
    return {row["id"] for row in await cursor.fetchall()}


async def add_alert(connection: Connection, values: Mapping[str, object]) -> None:
    await connection.execute(
        "INSERT INTO patient_alert (id, client_id, kind, sealed, added_by)"
        " VALUES (%(id)s, %(client_id)s, %(kind)s, %(sealed)s, %(added_by)s)",
        values,
    )


async def end_alert(connection: Connection, client_id: UUID, alert_id: UUID) -> bool:
    cursor = await connection.execute(
        "UPDATE patient_alert SET active = false, version = version + 1, updated_at = now()"
        " WHERE id = %s AND client_id = %s AND active",
        (alert_id, client_id),
    )
    return cursor.rowcount == 1


async def cover(connection: Connection, client_id: UUID) -> bytes | None:
    cursor = await connection.execute(
        "SELECT sealed FROM health_cover WHERE client_id = %s", (client_id,)
    )
    row = await cursor.fetchone()
    return bytes(row["sealed"]) if row else None


async def set_cover(connection: Connection, client_id: UUID, sealed: bytes) -> None:
    await connection.execute(
        "INSERT INTO health_cover (client_id, sealed) VALUES (%s, %s) ON CONFLICT (client_id)"
        " DO UPDATE SET sealed = excluded.sealed, version = health_cover.version + 1,"
        " updated_at = now()",
        (client_id, sealed),
    )


async def plans(
    connection: Connection, *, plan_id: UUID | None = None, client_id: UUID | None = None
) -> list[Row]:
    cursor = await connection.execute(_PLANS, {"id": plan_id, "client_id": client_id})
    return await cursor.fetchall()


async def lock_plan(connection: Connection, plan_id: UUID) -> None:
    await connection.execute("SELECT FROM treatment_plan WHERE id = %s FOR UPDATE", (plan_id,))


async def stages(connection: Connection, plan_id: UUID) -> list[Row]:
    cursor = await connection.execute(
        "SELECT number, sealed, price, state FROM treatment_stage WHERE plan_id = %s"
        " ORDER BY number",
        (plan_id,),
    )
    return await cursor.fetchall()


async def add_plan(connection: Connection, values: Mapping[str, object]) -> None:
    await connection.execute(
        "INSERT INTO treatment_plan (id, client_id, author_id, author_name, sealed, currency, total)"
        " VALUES (%(id)s, %(client_id)s, %(author_id)s, %(author_name)s, %(sealed)s, %(currency)s,"
        " %(total)s)",
        values,
    )


async def set_stages(
    connection: Connection, plan_id: UUID, rows: Sequence[tuple[int, bytes, int]]
) -> None:
    await connection.execute("DELETE FROM treatment_stage WHERE plan_id = %s", (plan_id,))
    for number, sealed, price in rows:
        await connection.execute(
            "INSERT INTO treatment_stage (plan_id, number, sealed, price) VALUES (%s, %s, %s, %s)",
            (plan_id, number, sealed, price),
        )


async def move_stage(connection: Connection, plan_id: UUID, number: int, state: str) -> bool:
    cursor = await connection.execute(
        "UPDATE treatment_stage SET state = %s, updated_at = now()"
        " WHERE plan_id = %s AND number = %s",
        (state, plan_id, number),
    )
    return cursor.rowcount == 1


async def lab_orders(
    connection: Connection, client_id: UUID, order_id: UUID | None = None
) -> list[Row]:
    cursor = await connection.execute(
        "SELECT id, client_id, plan_id, laboratory, sealed, state, due_on, version, created_at,"
        " due_on < current_date AND state = 'sent' AS late FROM lab_order"
        " WHERE client_id = %(client_id)s AND (%(id)s::uuid IS NULL OR id = %(id)s)"
        " ORDER BY created_at DESC, id LIMIT 200",
        {"client_id": client_id, "id": order_id},
    )
    return await cursor.fetchall()


async def add_lab_order(connection: Connection, values: Mapping[str, object]) -> None:
    await connection.execute(
        "INSERT INTO lab_order (id, client_id, plan_id, laboratory, sealed, due_on, ordered_by)"
        " VALUES (%(id)s, %(client_id)s, %(plan_id)s, %(laboratory)s, %(sealed)s, %(due_on)s,"
        " %(ordered_by)s)",
        values,
    )
