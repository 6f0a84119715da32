"""SQL of services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection

_SERVICES = """
SELECT s.id, s.key, s.name, s.description, s.category, s.minutes, s.buffer_before, s.buffer_after,
       s.price_centavos, s.capacity, s.active, s.sort, s.version, coalesce(o.list, '[]') AS offered_by
FROM service s
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('provider_id', p.id,
               'minutes', coalesce(ps.minutes, s.minutes),
               'price_centavos', coalesce(ps.price_centavos, s.price_centavos))
           ORDER BY p.sort, p.name, p.id) AS list
    FROM provider_service ps JOIN provider p ON p.id = ps.provider_id AND p.active
    WHERE ps.service_id = s.id
) o ON true
WHERE (%(id)s::uuid IS NULL OR s.id = %(id)s) AND (s.active OR %(inactive)s)
ORDER BY s.sort, s.key
"""


async def services(
    connection: Connection, service_id: UUID | None, *, inactive: bool
) -> list[dict[str, Any]]:
    cursor = await connection.execute(_SERVICES, {"id": service_id, "inactive": inactive})
    return await cursor.fetchall()


async def add(connection: Connection, values: Mapping[str, Any]) -> UUID | None:
    """The new key; None if there is one with this `key` already."""
    cursor = await connection.execute(
        "INSERT INTO service (key, name, description, category, minutes, buffer_before, buffer_after,"
        " price_centavos, capacity, sort) VALUES (%(key)s, %(name)s, %(description)s, %(category)s, %(minutes)s,"
        " %(buffer_before)s, %(buffer_after)s, %(price_centavos)s, %(capacity)s, %(sort)s)"
        " ON CONFLICT (key) DO NOTHING RETURNING id",
        columns(values),
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


def columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as the columns take them."""
    return {name: Jsonb(value) if isinstance(value, dict) else value
            for name, value in values.items()}  # fmt: skip


async def offer(
    connection: Connection,
    service_id: UUID,
    providers: Sequence[UUID],
    minutes: int | None = None,
    price_centavos: int | None = None,
) -> int:
    """Lets providers give a service; how many of them there are."""
    cursor = await connection.execute(
        "INSERT INTO provider_service (provider_id, service_id, minutes, price_centavos)"
        " SELECT p.id, s.id, %s, %s FROM provider p, service s WHERE p.id = ANY (%s) AND s.id = %s"
        " ON CONFLICT (provider_id, service_id) DO UPDATE SET minutes = excluded.minutes,"
        " price_centavos = excluded.price_centavos",
        (minutes, price_centavos, list(providers), service_id),
    )
    return cursor.rowcount


async def withdraw(connection: Connection, service_id: UUID, provider_id: UUID) -> bool:
    cursor = await connection.execute(
        "DELETE FROM provider_service WHERE service_id = %s AND provider_id = %s",
        (service_id, provider_id),
    )
    return cursor.rowcount == 1
