"""SQL of attendance."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from barberpro_app.booking.errors import refusal
from barberpro_app.kit import routines
from barberpro_app.kit.database import Connection
from barberpro_app.kit.stored_rules import read_rules, store_rules

_SCORE = """
SELECT c.id AS client_id, c.name, client_no_shows(c.id) AS missed, client_is_blocked(c.id) AS blocked,
       (attendance_rules()->>'days')::integer AS days,
       (SELECT count(*) FROM booking b WHERE b.client_id = c.id AND b.status IN ('arrived', 'completed')
        AND b.starts_at > now() - make_interval(days => (attendance_rules()->>'days')::integer)) AS came
FROM client c WHERE c.id = %s
"""
_MISSED = """
SELECT b.id AS booking_id, b.code, b.starts_at, b.zone, s.name AS service, v.name AS provider,
       p.booking_id IS NULL
       AND b.starts_at > now() - make_interval(days => (attendance_rules()->>'days')::integer) AS counts,
       CASE WHEN p.booking_id IS NOT NULL THEN jsonb_build_object(
           'reason', p.reason, 'given_by', p.given_by, 'given_at', p.given_at) END AS pardon
FROM booking b JOIN service s ON s.id = b.service_id JOIN provider v ON v.id = b.provider_id
LEFT JOIN no_show_pardon p ON p.booking_id = b.id
WHERE b.client_id = %s AND b.status = 'no_show' ORDER BY b.starts_at DESC LIMIT 100
"""


async def rules(connection: Connection) -> dict[str, Any]:
    return await read_rules(connection, "attendance_rules", "attendance")


async def set_rules(connection: Connection, value: dict[str, Any], version: int) -> bool:
    """False if somebody changed them meanwhile."""
    return await store_rules(connection, "attendance", value, version)


async def score(connection: Connection, client_id: UUID) -> dict[str, Any] | None:
    """None if there is no such client."""
    cursor = await connection.execute(_SCORE, (client_id,))
    row = await cursor.fetchone()
    if row is None:
        return None
    cursor = await connection.execute(_MISSED, (client_id,))
    return {**row, "items": await cursor.fetchall()}


async def check_in(
    connection: Connection, actor: dict[str, Any], booking_id: UUID
) -> dict[str, Any]:
    """The booking's document. Raises the app's error for a refusal."""
    answer = await _call(connection, "booking_check_in", actor, booking_id)
    document: dict[str, Any] = answer["body"]
    return document


async def forgive(
    connection: Connection, actor: dict[str, Any], booking_id: UUID, reason: str
) -> None:
    await _call(connection, "no_show_forgive", actor, booking_id, reason)


async def _call(connection: Connection, function: str, *arguments: Any) -> Any:
    return await routines.call(connection, refusal, function, *arguments)


async def todays(
    connection: Connection, client_id: UUID, location_id: UUID
) -> list[dict[str, Any]]:
    """The client's bookings of this local day at a location, earliest first: key and status."""
    cursor = await connection.execute(
        "SELECT id, status FROM booking WHERE client_id = %s AND location_id = %s"
        " AND status IN ('confirmed', 'arrived')"
        " AND (starts_at AT TIME ZONE zone)::date = (now() AT TIME ZONE zone)::date"
        " ORDER BY starts_at",
        (client_id, location_id),
    )
    return await cursor.fetchall()
