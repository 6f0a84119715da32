"""SQL of measures and goals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection

Row = dict[str, Any]

_KINDS = """
SELECT key, names, unit, least, most, decimals, source, active, version FROM measure_kind
WHERE (%(key)s::text IS NULL OR key = %(key)s) ORDER BY sort, key
"""
_VALUES = """
SELECT id, kind, measured_on, value, note, written_by FROM measurement
WHERE client_id = %(client)s AND (%(kind)s::text IS NULL OR kind = %(kind)s)
ORDER BY measured_on DESC, kind LIMIT %(limit)s
"""
_GOALS = """
SELECT id, kind, start_value, target, start_on, by_day, ended FROM progress_goal
WHERE client_id = %s ORDER BY ended, by_day, created_at LIMIT 200
"""
#: Whole weeks that are over or going on, as values of the day on which each ends.
_COUNTED = """
SELECT NULL::uuid AS id, k.kind, w.sunday::date AS measured_on, k.value, '' AS note,
       'activities' AS written_by
FROM (
    SELECT date_trunc('week', lower(period) AT TIME ZONE %(zone)s) + interval '6 days' AS sunday,
           sum(moving_seconds) / 60.0 AS minutes, sum(coalesce(distance_m, 0)) / 1000.0 AS distance
    FROM activity WHERE client_id = %(client)s GROUP BY 1 ORDER BY 1 DESC LIMIT %(limit)s
) w CROSS JOIN LATERAL (VALUES ('week_minutes', w.minutes), ('week_distance', w.distance))
    AS k (kind, value)
WHERE %(kind)s::text IS NULL OR k.kind = %(kind)s
ORDER BY measured_on DESC, k.kind
"""


async def kinds(connection: Connection, key: str | None = None) -> list[Row]:
    return await (await connection.execute(_KINDS, {"key": key})).fetchall()


async def add_kind(connection: Connection, values: Mapping[str, Any]) -> bool:
    """False if there is one of this key."""
    cursor = await connection.execute(
        "INSERT INTO measure_kind (key, names, unit, least, most, decimals) VALUES"
        " (%(key)s, %(names)s, %(unit)s, %(least)s, %(most)s, %(decimals)s) ON CONFLICT DO NOTHING",
        {**values, "names": Jsonb(values["names"])},
    )
    return cursor.rowcount == 1


async def switch_kind(connection: Connection, key: str, version: int, *, active: bool) -> bool:
    cursor = await connection.execute(
        "UPDATE measure_kind SET active = %s, version = version + 1, updated_at = now()"
        " WHERE key = %s AND version = %s",
        (active, key, version),
    )
    return cursor.rowcount == 1


async def save(connection: Connection, client_id: UUID, values: Mapping[str, Any]) -> Row:
    cursor = await connection.execute(
        "INSERT INTO measurement (client_id, kind, measured_on, value, note, written_by) VALUES"
        " (%(client)s, %(kind)s, %(measured_on)s, %(value)s, %(note)s, %(by)s)"
        " ON CONFLICT (client_id, kind, measured_on) DO UPDATE SET value = excluded.value,"
        " note = excluded.note, written_by = excluded.written_by, created_at = now()"
        " RETURNING id, kind, measured_on, value, note, written_by",
        {**values, "client": client_id},
    )
    row = await cursor.fetchone()
    assert row is not None  # it is inserted or updated
    return row


async def owner_of(connection: Connection, measurement_id: UUID) -> UUID | None:
    cursor = await connection.execute(
        "SELECT client_id FROM measurement WHERE id = %s", (measurement_id,)
    )
    row = await cursor.fetchone()
    return row["client_id"] if row else None


async def delete(connection: Connection, measurement_id: UUID) -> None:
    await connection.execute("DELETE FROM measurement WHERE id = %s", (measurement_id,))


async def values(
    connection: Connection, client_id: UUID, kind: str | None, limit: int
) -> list[Row]:
    """Newest first."""
    given = {"client": client_id, "kind": kind, "limit": limit}
    return await (await connection.execute(_VALUES, given)).fetchall()


async def counted(
    connection: Connection, client_id: UUID, zone: str, kind: str | None, limit: int
) -> list[Row]:
    """What comes from activities, newest first."""
    given = {"client": client_id, "zone": zone, "kind": kind, "limit": limit}
    return await (await connection.execute(_COUNTED, given)).fetchall()


async def add_goal(
    connection: Connection, client_id: UUID, values: Mapping[str, Any]
) -> UUID | None:
    """None if there is one for this kind that goes on."""
    cursor = await connection.execute(
        "INSERT INTO progress_goal (client_id, kind, start_value, target, start_on, by_day) VALUES"
        " (%(client)s, %(kind)s, %(start_value)s, %(target)s, %(start_on)s, %(by_day)s)"
        " ON CONFLICT DO NOTHING RETURNING id",
        {**values, "client": client_id},
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def goals(connection: Connection, client_id: UUID) -> list[Row]:
    return await (await connection.execute(_GOALS, (client_id,))).fetchall()


async def goal_owner(connection: Connection, goal_id: UUID) -> UUID | None:
    cursor = await connection.execute(
        "SELECT client_id FROM progress_goal WHERE id = %s", (goal_id,)
    )
    row = await cursor.fetchone()
    return row["client_id"] if row else None


async def end_goal(connection: Connection, goal_id: UUID) -> None:
    await connection.execute("UPDATE progress_goal SET ended = true WHERE id = %s", (goal_id,))
