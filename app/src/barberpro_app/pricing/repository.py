"""SQL of rules and quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from psycopg.sql import SQL, Identifier, Placeholder

from barberpro_app.kit.database import Connection

Table = Literal["price_rule", "deposit_rule"]


async def rules(connection: Connection, table: Table) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        SQL("SELECT * FROM {} ORDER BY active DESC, id DESC").format(Identifier(table))
    )
    return await cursor.fetchall()


async def add(connection: Connection, table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """The new row. Raises `psycopg.errors.ForeignKeyViolation` for an unknown service or provider."""
    statement = SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING *").format(
        Identifier(table),
        SQL(", ").join(map(Identifier, values)),
        SQL(", ").join(map(Placeholder, values)),
    )
    row = await (await connection.execute(statement, dict(values))).fetchone()
    if row is None:
        raise LookupError("an inserted row was not returned")
    return row


async def get(connection: Connection, table: Table, key: UUID) -> dict[str, Any] | None:
    cursor = await connection.execute(
        SQL("SELECT * FROM {} WHERE id = %s").format(Identifier(table)), (key,)
    )
    return await cursor.fetchone()


async def remove(connection: Connection, table: Table, key: UUID) -> bool:
    cursor = await connection.execute(
        SQL("DELETE FROM {} WHERE id = %s").format(Identifier(table)), (key,)
    )
    return cursor.rowcount == 1


_QUOTE = """
SELECT quote(%(service_id)s, %(provider_id)s, %(starts_at)s, l.zone, %(client_id)s) AS quote
FROM location l WHERE l.id = %(location_id)s AND l.active
"""


async def quote(connection: Connection, values: Mapping[str, Any]) -> dict[str, Any] | None:
    row = await (await connection.execute(_QUOTE, dict(values))).fetchone()
    return row["quote"] if row else None


async def usual_deposits(
    connection: Connection, services: Sequence[tuple[UUID, int]], client_id: UUID | None
) -> list[tuple[int, int]]:
    """Deposit and the most it may be, of each service at its price."""
    cursor = await connection.execute(
        "SELECT (q).deposit, (q).may_be FROM (SELECT n, deposit_quote(service, %s, price) AS q"
        " FROM unnest(%s::uuid[], %s::bigint[]) WITH ORDINALITY AS x(service, price, n)) y"
        " ORDER BY n",
        (client_id, [key for key, _ in services], [price for _, price in services]),
    )
    return [(row["deposit"], row["may_be"]) for row in await cursor.fetchall()]


async def booking_deposit(connection: Connection, booking_id: UUID) -> dict[str, Any] | None:
    """What a booking keeps of its quote, and the most that could be asked of whom it is for; of one
    in a visit, the sums of the visit."""
    cursor = await connection.execute(
        "SELECT sum(b.price_centavos)::bigint AS base_centavos,"
        " sum(b.price_centavos)::bigint AS price_centavos,"
        " sum(b.deposit_centavos)::bigint AS deposit_centavos,"
        " sum(greatest(b.deposit_centavos, CASE WHEN b.source IN ('staff', 'system', 'api') THEN 0"
        " ELSE (deposit_quote(b.service_id, b.client_id, b.price_centavos)).may_be END))::bigint"
        " AS deposit_may_be_centavos FROM booking a JOIN booking b ON b.id = a.id"
        " OR b.visit_id = a.visit_id AND b.status <> 'cancelled' WHERE a.id = %s GROUP BY a.id",
        (booking_id,),
    )
    return await cursor.fetchone()
