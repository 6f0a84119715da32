"""SQL of sessions. Each change is one call of a database function."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

CREATE = "session_create"
CHANGE = "session_change"
CANCEL = "session_cancel"

_SPAN = """
WITH days AS (
    SELECT l.zone, %(first)s::date::timestamp AT TIME ZONE l.zone AS since,
           (%(first)s::date + %(days)s::integer)::timestamp AT TIME ZONE l.zone AS until
    FROM location l WHERE %(location_id)s::uuid IS NULL OR l.id = %(location_id)s
    ORDER BY l.active DESC, l.sort, l.id LIMIT 1
)
SELECT days.zone, d.document FROM days LEFT JOIN session_document d
    ON d.starts_at >= days.since AND d.starts_at < days.until
   AND (%(location_id)s::uuid IS NULL OR d.location_id = %(location_id)s)
   AND (%(service_id)s::uuid IS NULL OR d.service_id = %(service_id)s)
   AND (%(provider_id)s::uuid IS NULL OR d.provider_id = %(provider_id)s)
ORDER BY d.starts_at, d.id LIMIT %(limit)s
"""


async def search(
    connection: Connection, first: date, days: int, filters: dict[str, UUID | None], limit: int
) -> list[dict[str, Any]]:
    """Rows of zone and document; one without a document where there is none, no row where there is
    no such location. `filters`: location_id, service_id, provider_id."""
    cursor = await connection.execute(
        _SPAN, {"first": first, "days": days, "limit": limit, **filters}
    )
    return await cursor.fetchall()


async def get(connection: Connection, session_id: UUID) -> dict[str, Any] | None:
    cursor = await connection.execute(
        "SELECT document FROM session_document WHERE id = %s", (session_id,)
    )
    row = await cursor.fetchone()
    return row["document"] if row else None
