"""SQL of the agenda: each statement fetches all of a kind that lies in a stretch of days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

#: The first condition is of the index `booking_provider` or `booking_start`; nothing outside the
#: stretch is read.
_BOOKINGS = """
SELECT b.id, b.provider_id, b.location_id, b.status, b.starts_at, b.ends_at, b.version,
       b.note <> '' AS has_note, b.client_id, b.session_id, s.name AS service,
       coalesce(b.contact->>'name', c.name) AS client,
       coalesce(lower(o.period), b.starts_at) AS taken_from,
       coalesce(upper(o.period), b.ends_at) AS taken_until,
       coalesce(beside.names, '{}') AS resources
FROM booking b
JOIN service s ON s.id = b.service_id
LEFT JOIN client c ON c.id = b.client_id
LEFT JOIN occupancy o ON o.booking_id = b.id AND o.part = 'provider'
LEFT JOIN LATERAL (
    SELECT array_agg(r.name ORDER BY r.kind, r.sort, r.name) AS names
    FROM occupancy x JOIN resource r ON r.id = x.resource_id
    WHERE x.booking_id = b.id AND x.part <> 'provider') beside ON true
WHERE b.starts_at >= %(start)s AND b.starts_at < %(end)s AND b.provider_id = ANY (%(people)s)
  AND (%(location)s::uuid IS NULL OR b.location_id = %(location)s)
  AND b.status <> 'expired' AND (b.hold_expires_at IS NULL OR b.hold_expires_at > now())
ORDER BY b.starts_at, b.id LIMIT %(limit)s
"""

#: Sessions that somebody can be in, with the seats that are taken; holds count while they live.
_SESSIONS = """
SELECT g.id, g.provider_id, g.location_id, g.starts_at, g.ends_at, g.capacity, g.place,
       s.name AS service, coalesce(taken.seats, 0) AS seats
FROM group_session g
JOIN service s ON s.id = g.service_id
LEFT JOIN LATERAL (
    SELECT sum(b.seats)::integer AS seats FROM booking b
    WHERE b.session_id = g.id AND b.status NOT IN ('cancelled', 'expired')
      AND (b.hold_expires_at IS NULL OR b.hold_expires_at > now())) taken ON true
WHERE g.starts_at >= %(start)s AND g.starts_at < %(end)s AND g.provider_id = ANY (%(people)s)
  AND (%(location)s::uuid IS NULL OR g.location_id = %(location)s) AND g.state = 'scheduled'
ORDER BY g.starts_at, g.id LIMIT %(limit)s
"""

_HOURS = """
SELECT h.provider_id, h.location_id, h.weekday, h.opens, h.closes, h.valid_from, h.valid_to,
       coalesce((SELECT array_agg(ARRAY[t.starts, t.ends] ORDER BY t.starts)
                 FROM break_time t WHERE t.working_hours_id = h.id), '{}') AS breaks
FROM working_hours h
WHERE h.provider_id = ANY (%(people)s) AND h.valid_from <= %(last)s
  AND (h.valid_to IS NULL OR h.valid_to >= %(first)s)
  AND (%(location)s::uuid IS NULL OR h.location_id = %(location)s)
ORDER BY h.provider_id, h.weekday, h.opens
"""

_TIME_OFF = """
SELECT t.id, t.provider_id, t.location_id, lower(t.period) AS starts_at, upper(t.period) AS ends_at,
       t.reason
FROM time_off t
WHERE t.period && tstzrange(%(start)s, %(end)s)
  AND (t.provider_id = ANY (%(people)s)
       OR t.location_id IN (SELECT location_id FROM provider_location
                            WHERE provider_id = ANY (%(people)s)))
ORDER BY lower(t.period), t.id
"""

#: What keeps a provider busy in a calendar of their own; what it is stays theirs.
_BUSY = """
SELECT provider_id, lower(span) AS starts_at, upper(span) AS ends_at
FROM (SELECT provider_id, range_agg(period) AS periods FROM busy_time
      WHERE provider_id = ANY (%(people)s) AND NOT ignored
        AND period && tstzrange(%(start)s, %(end)s)
      GROUP BY provider_id) merged, unnest(merged.periods) span
ORDER BY 2
"""

Row = dict[str, Any]


async def bookings(
    connection: Connection,
    stretch: tuple[datetime, datetime],
    people: Sequence[UUID],
    location_id: UUID | None,
    limit: int,
) -> list[Row]:
    """Bookings that start in the stretch, without holds whose time is over."""
    values = _values(stretch, people, location_id, limit)
    return await (await connection.execute(_BOOKINGS, values)).fetchall()


async def sessions(
    connection: Connection,
    stretch: tuple[datetime, datetime],
    people: Sequence[UUID],
    location_id: UUID | None,
    limit: int,
) -> list[Row]:
    """Group sessions that start in the stretch."""
    values = _values(stretch, people, location_id, limit)
    return await (await connection.execute(_SESSIONS, values)).fetchall()


def _values(
    stretch: tuple[datetime, datetime], people: Sequence[UUID], location_id: UUID | None, limit: int
) -> dict[str, object]:
    start, end = stretch
    return {
        "start": start, "end": end, "people": list(people), "location": location_id, "limit": limit,
    }  # fmt: skip


async def hours(
    connection: Connection,
    days: tuple[date, date],
    people: Sequence[UUID],
    location_id: UUID | None,
) -> list[Row]:
    """Working hours that are valid on one of the days, with their breaks."""
    first, last = days
    values = {"first": first, "last": last, "people": list(people), "location": location_id}
    return await (await connection.execute(_HOURS, values)).fetchall()


async def absences(
    connection: Connection, stretch: tuple[datetime, datetime], people: Sequence[UUID]
) -> tuple[list[Row], list[Row]]:
    """Times off of these people or of where they work, and what outside calendars take of them."""
    values = {"start": stretch[0], "end": stretch[1], "people": list(people)}
    off = await (await connection.execute(_TIME_OFF, values)).fetchall()
    busy = await (await connection.execute(_BUSY, values)).fetchall()
    return off, busy


async def move_problem(
    connection: Connection,
    booking_id: UUID,
    provider_id: UUID,
    starts_at: datetime,
    holidays: Sequence[date],
) -> str | None:
    """Which rule of hours a move would break, as of `slot_problem`; overlap is decided by the move."""
    cursor = await connection.execute(
        "SELECT agenda_move_problem(%s, %s, %s, %s) AS problem",
        (booking_id, provider_id, starts_at, list(holidays)),
    )
    row = await cursor.fetchone()
    return row["problem"] if row else None
