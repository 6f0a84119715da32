"""SQL of licences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

Row = dict[str, Any]

_LICENCES = """
SELECT l.id, l.provider_id, p.name AS provider_name, l.kind, l.number, l.jurisdiction, l.status,
       l.valid_until, l.recheck_on, l.note, l.reviewed_by, l.reviewed_at, l.version,
       EXISTS (SELECT FROM licence_document d WHERE d.licence_id = l.id) AS has_document
FROM licence l JOIN provider p ON p.id = l.provider_id
WHERE (%(id)s::uuid IS NULL OR l.id = %(id)s)
  AND (%(provider_id)s::uuid IS NULL OR l.provider_id = %(provider_id)s)
ORDER BY l.created_at, l.id
"""


async def require(connection: Connection, *, required: bool) -> int:
    """Turns the rule on or off; how many providers got the time to be verified."""
    cursor = await connection.execute("SELECT verification_require(%s) AS count", (required,))
    row = await cursor.fetchone()
    return row["count"] if row else 0


async def is_required(connection: Connection) -> bool:
    cursor = await connection.execute("SELECT FROM verification_rule")
    return await cursor.fetchone() is not None


async def providers(connection: Connection, provider_id: UUID | None) -> list[Row]:
    cursor = await connection.execute(
        "SELECT id, name, provider_bookable(id) AS bookable FROM provider"
        " WHERE active AND (%(id)s::uuid IS NULL OR id = %(id)s) ORDER BY sort, name, id",
        {"id": provider_id},
    )
    return await cursor.fetchall()


async def licences(
    connection: Connection, *, licence_id: UUID | None = None, provider_id: UUID | None = None
) -> list[Row]:
    cursor = await connection.execute(_LICENCES, {"id": licence_id, "provider_id": provider_id})
    return await cursor.fetchall()


async def add(
    connection: Connection, provider_id: UUID, values: Mapping[str, object]
) -> UUID | None:
    """None if there is no such provider."""
    cursor = await connection.execute(
        "INSERT INTO licence (provider_id, kind, number, jurisdiction)"
        " SELECT id, %(kind)s, %(number)s, %(jurisdiction)s FROM provider WHERE id = %(provider_id)s"
        " RETURNING id",
        {**values, "provider_id": provider_id},
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def set_document(
    connection: Connection, licence_id: UUID, media_type: str, digest: bytes, content: bytes
) -> None:
    await connection.execute(
        "INSERT INTO licence_document (licence_id, media_type, sha256, content)"
        " VALUES (%s, %s, %s, %s) ON CONFLICT (licence_id) DO UPDATE SET"
        " media_type = excluded.media_type, sha256 = excluded.sha256, content = excluded.content,"
        " uploaded_at = now()",
        (licence_id, media_type, digest, content),
    )


async def document(connection: Connection, licence_id: UUID) -> Row | None:
    cursor = await connection.execute(
        "SELECT media_type, content FROM licence_document WHERE licence_id = %s", (licence_id,)
    )
    return await cursor.fetchone()


async def expire(connection: Connection) -> list[UUID]:
    """Marks licences whose last day is over; which."""
    cursor = await connection.execute(
        "UPDATE licence SET status = 'expired', version = version + 1, updated_at = now()"
        " WHERE status = 'verified' AND valid_until < (now() AT TIME ZONE 'Etc/GMT+12')::date"
        " RETURNING id"
    )
    return [row["id"] for row in await cursor.fetchall()]
