"""SQL of requests and of the rules for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from barberpro_app.booking.repository import Document, call
from barberpro_app.kit.database import Connection


async def decide(connection: Connection, *arguments: Any) -> Document:
    return await call(connection, "booking_decide", *arguments)


async def asks(connection: Connection, booking_id: UUID) -> Document | None:
    """The rule that a hold would meet when it is confirmed, as far as its client is known."""
    cursor = await connection.execute(
        "SELECT r.deposit FROM booking a JOIN booking b ON b.id = a.id OR b.visit_id = a.visit_id,"
        " booking_asks(b, b.client_id) r WHERE a.id = %s AND r.id IS NOT NULL"
        " ORDER BY r.deposit DESC LIMIT 1",
        (booking_id,),
    )
    return await cursor.fetchone()


async def rules(connection: Connection) -> list[Document]:
    cursor = await connection.execute(
        "SELECT * FROM approval_rule ORDER BY active DESC, id DESC LIMIT 500"
    )
    return await cursor.fetchall()


async def add(connection: Connection, values: Mapping[str, Any]) -> Document | None:
    """The new row; None if there is no such service."""
    cursor = await connection.execute(
        "INSERT INTO approval_rule (service_id, applies, no_shows, deposit, answer_hours, pay_hours)"
        " SELECT %(service_id)s::uuid, %(applies)s, %(no_shows)s, %(deposit)s, %(answer_hours)s,"
        " %(pay_hours)s WHERE %(service_id)s::uuid IS NULL"
        " OR EXISTS (SELECT FROM service WHERE id = %(service_id)s)"
        " RETURNING *",
        values,
    )
    return await cursor.fetchone()


async def remove(connection: Connection, rule_id: UUID) -> bool:
    cursor = await connection.execute("DELETE FROM approval_rule WHERE id = %s", (rule_id,))
    return cursor.rowcount == 1
