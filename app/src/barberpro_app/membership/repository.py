"""SQL of plans and passes (routines/membership.sql has the functions)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from barberpro_app.kit import routines
from barberpro_app.kit.database import Connection
from barberpro_app.membership.errors import refusal

Document = dict[str, Any]

_PLANS = """
SELECT p.*, coalesce((SELECT jsonb_agg(s.service_id) FROM plan_service s WHERE s.plan_id = p.id),
                     '[]') AS services
FROM plan p WHERE p.active OR %s ORDER BY p.active DESC, p.price_centavos, p.id
"""


async def plans(connection: Connection, *, inactive: bool) -> list[Document]:
    return await (await connection.execute(_PLANS, (inactive,))).fetchall()


async def add_plan(
    connection: Connection, values: Mapping[str, Any], services: Sequence[UUID]
) -> UUID:
    """Raises `psycopg.errors.ForeignKeyViolation` for an unknown service."""
    cursor = await connection.execute(
        "INSERT INTO plan (name, kind, credits, days, price_centavos, online) VALUES (%(name)s,"
        " %(kind)s, %(credits)s, %(days)s, %(price_centavos)s, %(online)s) RETURNING id",
        dict(values),
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError("an inserted row was not returned")
    key: UUID = row["id"]
    await connection.execute(
        "INSERT INTO plan_service (plan_id, service_id) SELECT %s, unnest(%s::uuid[])",
        (key, list(services)),
    )
    return key


async def sell(connection: Connection, *arguments: Any) -> Document:
    return await _call(connection, "pass_sell", *arguments)


async def redeem(connection: Connection, *arguments: Any) -> Document:
    return await _call(connection, "pass_redeem", *arguments)


async def _call(connection: Connection, function: str, *arguments: Any) -> Document:
    document: Document = await routines.call(connection, refusal, function, *arguments)
    return document


async def passes(connection: Connection, client_id: UUID) -> list[Document]:
    cursor = await connection.execute(
        "SELECT document FROM pass_document WHERE client_id = %s ORDER BY id DESC LIMIT 100",
        (client_id,),
    )
    return [row["document"] for row in await cursor.fetchall()]


async def expire(connection: Connection, count: int) -> int:
    row = await (await connection.execute("SELECT pass_expire(%s) AS n", (count,))).fetchone()
    return int(row["n"]) if row else 0
