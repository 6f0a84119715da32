"""Withdrawal requests in the database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from barberpro_app.audit.trail import Actor
from barberpro_app.kit.database import Connection


async def receive(connection: Connection, actor: Actor, request: dict[str, str]) -> None:
    await connection.execute(
        "SELECT withdrawal_receive(%s, %s)", (Jsonb(actor.as_json()), Jsonb(request))
    )


async def answer(connection: Connection, actor: Actor, request_id: UUID) -> bool:
    cursor = await connection.execute(
        "SELECT withdrawal_answer(%s, %s) AS done", (Jsonb(actor.as_json()), request_id)
    )
    row = await cursor.fetchone()
    return bool(row and row["done"])


async def latest(connection: Connection, limit: int) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        "SELECT id, kind, code, name, email, booking_code, detail, created_at, answered_at"
        " FROM withdrawal_request ORDER BY answered_at IS NOT NULL, created_at DESC LIMIT %s::int4",
        (limit,),
    )
    return await cursor.fetchall()


async def end_membership(
    connection: Connection, actor: Actor, pass_id: UUID, client_id: UUID, request: dict[str, str]
) -> str:
    cursor = await connection.execute(
        "SELECT membership_end(%s, %s, %s, %s) AS code",
        (Jsonb(actor.as_json()), pass_id, client_id, Jsonb(request)),
    )
    row = await cursor.fetchone()
    return str(row["code"]) if row else ""
