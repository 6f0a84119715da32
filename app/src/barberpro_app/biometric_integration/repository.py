"""SQL of activities."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from barberpro_app.biometric_integration.summary import Activity
from barberpro_app.kit.database import Connection

Row = dict[str, Any]

_SHOWN = """
SELECT a.id, a.sport, lower(a.period) AS starts_at,
       extract(epoch FROM upper(a.period) - lower(a.period))::integer AS elapsed_seconds,
       a.moving_seconds, a.distance_m, a.heart_rate_avg, a.heart_rate_max, a.energy_j, a.ascent_m,
       i.format
FROM activity a JOIN activity_import i ON i.id = a.import_id
"""

_WEEKS = """
SELECT to_char(m.monday, 'YYYY-MM-DD') AS monday, count(a.id)::integer AS count,
       coalesce(sum(a.moving_seconds), 0)::integer AS moving_seconds,
       coalesce(sum(a.distance_m), 0)::integer AS distance_m
FROM generate_series(date_trunc('week', now() AT TIME ZONE %(zone)s) - make_interval(weeks => %(back)s),
                     date_trunc('week', now() AT TIME ZONE %(zone)s), interval '1 week') AS m (monday)
LEFT JOIN activity a ON a.client_id = %(client)s
    AND a.period && tstzrange(m.monday AT TIME ZONE %(zone)s,
                              (m.monday + interval '1 week') AT TIME ZONE %(zone)s)
    AND lower(a.period) >= m.monday AT TIME ZONE %(zone)s
GROUP BY m.monday ORDER BY m.monday
"""


async def add_import(
    connection: Connection, client_id: UUID, digest: bytes, file_format: str, size: int, by: str
) -> UUID | None:
    """None if this file is there already."""
    cursor = await connection.execute(
        "INSERT INTO activity_import (client_id, sha256, format, bytes, imported_by)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
        (client_id, digest, file_format, size, by),
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def add(
    connection: Connection, client_id: UUID, import_id: UUID, activity: Activity
) -> UUID | None:
    """None if there is an activity at that time already."""
    cursor = await connection.execute(
        "INSERT INTO activity (client_id, import_id, sport, period, moving_seconds, distance_m,"
        " heart_rate_avg, heart_rate_max, energy_j, ascent_m) VALUES (%s, %s, %s,"
        " tstzrange(%s, %s), %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
        (
            client_id, import_id, activity.sport, activity.starts_at, activity.ends_at,
            activity.moving_seconds, activity.distance_m, activity.heart_rate_avg,
            activity.heart_rate_max, activity.energy_j, activity.ascent_m,
        ),
    )  # fmt: skip
    row = await cursor.fetchone()
    return row["id"] if row else None


async def of_import(connection: Connection, import_id: UUID) -> list[Row]:
    cursor = await connection.execute(
        f"{_SHOWN} WHERE a.import_id = %s ORDER BY a.period DESC", (import_id,)
    )
    return await cursor.fetchall()


async def activities(
    connection: Connection, client_id: UUID, before: datetime | None, limit: int
) -> list[Row]:
    cursor = await connection.execute(
        f"{_SHOWN} WHERE a.client_id = %(client)s AND (%(before)s::timestamptz IS NULL"
        " OR lower(a.period) < %(before)s) ORDER BY a.period DESC LIMIT %(limit)s",
        {"client": client_id, "before": before, "limit": limit},
    )
    return await cursor.fetchall()


async def owner_of(connection: Connection, activity_id: UUID) -> UUID | None:
    cursor = await connection.execute(
        "SELECT client_id FROM activity WHERE id = %s", (activity_id,)
    )
    row = await cursor.fetchone()
    return row["client_id"] if row else None


async def delete(connection: Connection, activity_id: UUID) -> None:
    """With its file, where that held nothing else: then the same file may be sent again."""
    await connection.execute(
        "WITH gone AS (DELETE FROM activity WHERE id = %(id)s RETURNING import_id)"
        " DELETE FROM activity_import i USING gone WHERE i.id = gone.import_id"
        " AND NOT EXISTS (SELECT FROM activity a WHERE a.import_id = i.id AND a.id <> %(id)s)",
        {"id": activity_id},
    )


async def weeks(connection: Connection, client_id: UUID, zone: str, back: int) -> list[Row]:
    cursor = await connection.execute(_WEEKS, {"client": client_id, "zone": zone, "back": back})
    return await cursor.fetchall()
