"""SQL of resources and of what services need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

Row = dict[str, Any]

_RESOURCES = """
SELECT r.id, r.location_id, r.kind, r.name, r.active, r.sort, r.version
FROM resource r JOIN location l ON l.id = r.location_id
WHERE (%(id)s::uuid IS NULL OR r.id = %(id)s)
  AND (%(location_id)s::uuid IS NULL OR r.location_id = %(location_id)s)
ORDER BY l.sort, l.key, r.kind, r.sort, r.name LIMIT 2000
"""


async def resources(
    connection: Connection, *, resource_id: UUID | None = None, location_id: UUID | None = None
) -> list[Row]:
    cursor = await connection.execute(_RESOURCES, {"id": resource_id, "location_id": location_id})
    return await cursor.fetchall()


async def add(connection: Connection, values: Mapping[str, Any]) -> UUID | None:
    """The new key; None if the place has one of this kind and name."""
    cursor = await connection.execute(
        "INSERT INTO resource (location_id, kind, name, sort)"
        " VALUES (%(location_id)s, %(kind)s, %(name)s, %(sort)s)"
        " ON CONFLICT (location_id, kind, name) DO NOTHING RETURNING id",
        values,
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def location_exists(connection: Connection, location_id: UUID) -> bool:
    cursor = await connection.execute("SELECT FROM location WHERE id = %s", (location_id,))
    return await cursor.fetchone() is not None


async def lock_service(connection: Connection, service_id: UUID) -> bool:
    cursor = await connection.execute(
        "SELECT FROM service WHERE id = %s FOR NO KEY UPDATE", (service_id,)
    )
    return await cursor.fetchone() is not None


async def needs(connection: Connection, service_id: UUID) -> list[Row]:
    cursor = await connection.execute(
        "SELECT kind, count FROM service_resource WHERE service_id = %s ORDER BY kind",
        (service_id,),
    )
    return await cursor.fetchall()


async def set_needs(connection: Connection, service_id: UUID, wanted: Sequence[Row]) -> None:
    await connection.execute("DELETE FROM service_resource WHERE service_id = %s", (service_id,))
    for item in wanted:
        await connection.execute(
            "INSERT INTO service_resource (service_id, kind, count) VALUES (%s, %s, %s)",
            (service_id, item["kind"], item["count"]),
        )


async def kinds(connection: Connection) -> list[str]:
    """Every kind there is something of, or that a service needs."""
    cursor = await connection.execute(
        "SELECT kind FROM resource UNION SELECT kind FROM service_resource ORDER BY kind LIMIT 200"
    )
    return [row["kind"] for row in await cursor.fetchall()]
