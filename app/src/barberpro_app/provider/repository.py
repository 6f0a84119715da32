"""SQL of providers, their hours and their time off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from psycopg.types.range import TimestamptzRange

from barberpro_app.kit.database import Connection

_PROVIDERS = """
SELECT p.id, p.key, p.name, p.email, p.bio, p.active, p.sort, p.version,
       ARRAY(SELECT location_id FROM provider_location WHERE provider_id = p.id
             ORDER BY location_id) AS location_ids
FROM provider p
WHERE (%(id)s::uuid IS NULL OR p.id = %(id)s) AND (p.active OR %(inactive)s)
  AND (%(service_id)s::uuid IS NULL OR EXISTS (SELECT FROM provider_service ps
       WHERE ps.provider_id = p.id AND ps.service_id = %(service_id)s))
  AND (%(location_id)s::uuid IS NULL OR EXISTS (SELECT FROM provider_location pl
       WHERE pl.provider_id = p.id AND pl.location_id = %(location_id)s))
ORDER BY p.sort, p.name, p.id
"""

_HOURS = """
SELECT h.location_id, h.weekday, h.opens, h.closes, h.valid_from, h.valid_to,
       coalesce((SELECT jsonb_agg(jsonb_build_object('starts', b.starts, 'ends', b.ends)
                                  ORDER BY b.starts)
                 FROM break_time b WHERE b.working_hours_id = h.id), '[]') AS breaks
FROM working_hours h WHERE h.provider_id = %s
ORDER BY h.weekday, h.opens, h.valid_from
"""

_ADD_HOURS = """
WITH added AS (
    INSERT INTO working_hours
        (provider_id, location_id, weekday, opens, closes, valid_from, valid_to)
    VALUES (%(provider_id)s, %(location_id)s, %(weekday)s, %(opens)s, %(closes)s,
            %(valid_from)s, %(valid_to)s)
    RETURNING id
)
INSERT INTO break_time (working_hours_id, starts, ends)
SELECT added.id, (pause->>0)::integer, (pause->>1)::integer
FROM added, jsonb_array_elements(%(breaks)s) pause
"""

_TIME_OFF = """
SELECT id, provider_id, location_id, lower(period) AS starts_at, upper(period) AS ends_at, reason
FROM time_off
WHERE (%(provider_id)s::uuid IS NULL OR provider_id = %(provider_id)s)
  AND (%(location_id)s::uuid IS NULL OR location_id = %(location_id)s)
  AND upper(period) > now()
ORDER BY period LIMIT 1000
"""


async def providers(
    connection: Connection,
    *,
    provider_id: UUID | None = None,
    service_id: UUID | None = None,
    location_id: UUID | None = None,
    inactive: bool = False,
) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        _PROVIDERS,
        {
            "id": provider_id,
            "service_id": service_id,
            "location_id": location_id,
            "inactive": inactive,
        },
    )
    return await cursor.fetchall()


async def add(connection: Connection, values: Mapping[str, Any]) -> UUID | None:
    """The new key; None if there is one with this `key` already."""
    cursor = await connection.execute(
        "INSERT INTO provider (key, name, email, bio, sort)"
        " VALUES (%(key)s, %(name)s, %(email)s, %(bio)s, %(sort)s)"
        " ON CONFLICT (key) DO NOTHING RETURNING id",
        values,
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def set_locations(
    connection: Connection, provider_id: UUID, locations: Sequence[UUID]
) -> int:
    """Where a provider works from now on; how many of the locations there are."""
    await connection.execute(
        "DELETE FROM provider_location WHERE provider_id = %s AND location_id <> ALL (%s)",
        (provider_id, list(locations)),
    )
    await connection.execute(
        "INSERT INTO provider_location (provider_id, location_id)"
        " SELECT %s, id FROM location WHERE id = ANY (%s) ON CONFLICT DO NOTHING",
        (provider_id, list(locations)),
    )
    cursor = await connection.execute(
        "SELECT count(*) AS count FROM provider_location WHERE provider_id = %s", (provider_id,)
    )
    row = await cursor.fetchone()
    return row["count"] if row else 0


async def hours(connection: Connection, provider_id: UUID) -> list[dict[str, Any]]:
    cursor = await connection.execute(_HOURS, (provider_id,))
    return await cursor.fetchall()


async def clear_hours(connection: Connection, provider_id: UUID) -> None:
    await connection.execute("DELETE FROM working_hours WHERE provider_id = %s", (provider_id,))


async def add_hours(connection: Connection, provider_id: UUID, values: Mapping[str, Any]) -> None:
    """`values` as of `WorkingHours`, breaks as pairs of minutes."""
    parameters = {**values, "provider_id": provider_id, "breaks": Jsonb(values["breaks"])}
    await connection.execute(_ADD_HOURS, parameters)


async def time_off(
    connection: Connection, provider_id: UUID | None, location_id: UUID | None
) -> list[dict[str, Any]]:
    """Times off that have not ended."""
    cursor = await connection.execute(
        _TIME_OFF, {"provider_id": provider_id, "location_id": location_id}
    )
    return await cursor.fetchall()


async def add_time_off(
    connection: Connection,
    provider_id: UUID | None,
    location_id: UUID | None,
    period: TimestamptzRange,
    reason: str,
) -> dict[str, Any] | None:
    cursor = await connection.execute(
        "INSERT INTO time_off (provider_id, location_id, period, reason) VALUES (%s, %s, %s, %s)"
        " RETURNING id, provider_id, location_id, lower(period) AS starts_at,"
        " upper(period) AS ends_at, reason",
        (provider_id, location_id, period, reason),
    )
    return await cursor.fetchone()


async def bookings_within(
    connection: Connection,
    provider_id: UUID | None,
    location_id: UUID | None,
    period: TimestamptzRange,
) -> int:
    """Bookings to come that a time off would not undo."""
    cursor = await connection.execute(
        "SELECT count(*) AS count FROM booking"
        " WHERE (provider_id = %s OR location_id = %s) AND status = 'confirmed'"
        " AND tstzrange(starts_at, ends_at) && %s AND starts_at > lower(%s::tstzrange) - interval '1 day'",
        (provider_id, location_id, period, period),
    )
    row = await cursor.fetchone()
    return row["count"] if row else 0


async def remove_time_off(
    connection: Connection, provider_id: UUID | None, location_id: UUID | None, time_off_id: UUID
) -> bool:
    cursor = await connection.execute(
        "DELETE FROM time_off WHERE id = %s AND provider_id IS NOT DISTINCT FROM %s::uuid"
        " AND location_id IS NOT DISTINCT FROM %s::uuid",
        (time_off_id, provider_id, location_id),
    )
    return cursor.rowcount == 1
