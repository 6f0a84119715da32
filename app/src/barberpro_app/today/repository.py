"""SQL of the team's first page: one statement for each of its blocks. They only read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.sql import SQL

from barberpro_app.kit.database import Connection

Row = dict[str, Any]

#: Bookings by themselves, and groups as one line each, that are not over. The first condition of
#: either is of the index of starts (with the provider, where it is one's own day).
_NEXT = """
SELECT b.id, b.session_id, b.status, b.starts_at, b.ends_at, b.zone, b.version, b.client_id,
       p.name AS provider, s.name AS service, coalesce(b.contact->>'name', c.name) AS client,
       coalesce((SELECT array_agg(r.name ORDER BY r.kind, r.sort, r.name)
                 FROM occupancy o JOIN resource r ON r.id = o.resource_id
                 WHERE o.booking_id = b.id AND o.part <> 'provider'), '{}') AS resources,
       NULL::integer AS seats, NULL::integer AS capacity
FROM booking b
JOIN service s ON s.id = b.service_id
JOIN provider p ON p.id = b.provider_id
LEFT JOIN client c ON c.id = b.client_id
WHERE b.starts_at >= %(start)s AND b.starts_at < %(end)s AND b.ends_at > %(now)s
  AND (%(provider)s::uuid IS NULL OR b.provider_id = %(provider)s)
  AND b.session_id IS NULL AND b.status IN ('requested', 'confirmed', 'arrived')
  AND (b.hold_expires_at IS NULL OR b.hold_expires_at > %(now)s)
UNION ALL
SELECT g.id, g.id, 'session', g.starts_at, g.ends_at, g.zone, g.version, NULL, p.name, s.name,
       NULL, array_remove(ARRAY[g.place], ''),
       (SELECT coalesce(sum(b.seats), 0)::integer FROM booking b
        WHERE b.session_id = g.id AND b.status NOT IN ('cancelled', 'expired')
          AND (b.hold_expires_at IS NULL OR b.hold_expires_at > %(now)s)), g.capacity
FROM group_session g
JOIN service s ON s.id = g.service_id
JOIN provider p ON p.id = g.provider_id
WHERE g.starts_at >= %(start)s AND g.starts_at < %(end)s AND g.ends_at > %(now)s
  AND g.state = 'scheduled' AND (%(provider)s::uuid IS NULL OR g.provider_id = %(provider)s)
ORDER BY starts_at, ends_at, id LIMIT %(limit)s
"""

_DAY = """
SELECT count(*) FILTER (WHERE b.status IN ('confirmed', 'arrived', 'completed', 'no_show')) AS booked,
       count(*) FILTER (WHERE b.status IN ('arrived', 'completed')) AS came,
       count(*) FILTER (WHERE b.status = 'confirmed' AND b.ends_at > %(now)s) AS to_come,
       count(*) FILTER (WHERE b.status = 'no_show') AS missed
FROM booking b
WHERE b.starts_at >= %(start)s AND b.starts_at < %(end)s
  AND (%(provider)s::uuid IS NULL OR b.provider_id = %(provider)s)
"""

#: What can wait -> how many, and the moment that matters: a deadline, or since when.
WAITS: dict[str, SQL] = {
    "requests": SQL(
        "SELECT count(DISTINCT coalesce(visit_id, id)), min(hold_expires_at) FROM booking"
        " WHERE status = 'requested' AND hold_expires_at > %(now)s"
        " AND (%(provider)s::uuid IS NULL OR provider_id = %(provider)s)"
    ),
    "deposits": SQL(
        "SELECT count(DISTINCT coalesce(visit_id, id)), min(starts_at) FROM booking"
        " WHERE status = 'held' AND hold_expires_at > %(now)s AND deposit_centavos > 0"
        " AND client_id IS NOT NULL"
        " AND (%(provider)s::uuid IS NULL OR provider_id = %(provider)s)"
    ),
    "unclosed": SQL(
        "SELECT count(*), min(starts_at) FROM booking"
        " WHERE starts_at >= %(past)s AND starts_at < %(now)s AND ends_at <= %(now)s"
        " AND status IN ('confirmed', 'arrived')"
        " AND (%(provider)s::uuid IS NULL OR provider_id = %(provider)s)"
    ),
    "walk_ins": SQL(
        "SELECT count(*), min(w.joined_at) FROM walk_in w JOIN location l ON l.id = w.location_id"
        " WHERE w.state = 'waiting' AND w.day = (%(now)s AT TIME ZONE l.zone)::date"
    ),
    "waiting_list": SQL(
        "SELECT count(*), min(joined_at) FROM waiting_entry"
        " WHERE state = 'waiting' AND last_day >= (%(now)s - interval '1 day')::date"
    ),
    "conflicts": SQL(
        "SELECT count(DISTINCT subject_id), min(lower(period)) FROM calendar_conflict"
        " WHERE state = 'open' AND (%(provider)s::uuid IS NULL OR provider_id = %(provider)s)"
    ),
    "messages": SQL(
        "SELECT count(*), min(created_at) FROM message"
        " WHERE state = 'failed' AND created_at >= %(past)s"
    ),
    "licences": SQL(
        "SELECT count(*), min(l.valid_until)::timestamptz FROM licence l"
        " JOIN provider p ON p.id = l.provider_id AND p.active"
        " WHERE (l.status = 'pending' OR (l.status IN ('verified', 'expired')"
        "   AND least(l.valid_until, l.recheck_on) <= (%(now)s + interval '30 days')::date"
        "   AND NOT EXISTS (SELECT FROM licence k WHERE k.provider_id = l.provider_id"
        "     AND k.status = 'verified' AND k.id <> l.id AND (k.valid_until IS NULL"
        "     OR k.valid_until > (%(now)s + interval '30 days')::date))))"
        " AND (%(provider)s::uuid IS NULL OR l.provider_id = %(provider)s)"
    ),
    "data_requests": SQL("SELECT count(*), min(due_at) FROM data_request WHERE state = 'open'"),
    "withdrawals": SQL(
        "SELECT count(*), min(created_at) FROM withdrawal_request WHERE answered_at IS NULL"
    ),
    "photos": SQL("SELECT count(*), min(created_at) FROM portfolio_item WHERE state = 'pending'"),
}


async def coming(
    connection: Connection,
    stretch: tuple[datetime, datetime],
    now: datetime,
    provider_id: UUID | None,
    limit: int,
) -> list[Row]:
    """What starts in the stretch and is not over; of one provider, or (None) of everybody."""
    values = {"start": stretch[0], "end": stretch[1], "now": now,
              "provider": provider_id, "limit": limit}  # fmt: skip
    return await (await connection.execute(_NEXT.encode(), values)).fetchall()


async def day(
    connection: Connection,
    stretch: tuple[datetime, datetime],
    now: datetime,
    provider_id: UUID | None,
) -> Row:
    values = {"start": stretch[0], "end": stretch[1], "now": now, "provider": provider_id}
    row = await (await connection.execute(_DAY.encode(), values)).fetchone()
    assert row is not None
    return row


async def waits(
    connection: Connection,
    kinds: Sequence[str],
    now: datetime,
    past: datetime,
    provider_id: UUID | None,
) -> list[Row]:
    """kind, number and moment of those of these kinds that there are any of, in their order."""
    parts = [
        SQL("SELECT {}::int AS place, x.number, x.moment FROM ({}) AS x(number, moment)").format(
            place, WAITS[kind]
        )
        for place, kind in enumerate(kinds)
    ]
    statement = SQL("SELECT * FROM ({}) y WHERE number > 0 ORDER BY place").format(
        SQL(" UNION ALL ").join(parts)
    )
    values = {"now": now, "past": past, "provider": provider_id}
    rows = await (await connection.execute(statement, values)).fetchall()
    return [{**row, "kind": kinds[row["place"]]} for row in rows]
