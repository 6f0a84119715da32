"""The one statement that fetches all that free times depend on."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection

#: One row per provider who gives the service there, in the order of the business, or one without a
#: provider if nobody does; none if there is no such location. Times are in seconds since 1970; away
#: ones are merged (start, end, start, end...), busy ones exclude each other already. The lateral
#: join lets both columns of the exclusion constraint's index be conditions of it.
INPUTS = """
WITH place AS (
    SELECT id, zone, extract(epoch FROM now())::bigint AS now,
           effective_policies(%(policies)s) AS policies,
           (SELECT jsonb_object_agg(day, jsonb_build_array(open, name)) FROM holiday_override
            WHERE day BETWEEN %(first)s::date AND %(first)s::date + %(days)s::integer) AS overrides,
           (SELECT jsonb_object_agg(kind, count) FROM service_resource
            WHERE service_id = %(service_id)s) AS needs,
           tstzrange((%(first)s::date - 1)::timestamp AT TIME ZONE zone,
                     (%(first)s::date + %(days)s::integer + 1)::timestamp AT TIME ZONE zone) AS span
    FROM location WHERE id = %(location_id)s AND active
)
SELECT place.zone, place.now, place.policies, place.overrides, place.needs, s.id AS service_id,
       s.capacity,
       p.id AS provider_id, coalesce(ps.minutes, s.minutes) AS minutes,
       s.buffer_before, s.buffer_after, hours.list AS hours, busy.starts, busy.ends, away.list AS away
FROM place
LEFT JOIN service s ON s.id = %(service_id)s AND s.active
LEFT JOIN (provider_service ps
           JOIN provider_location pl ON pl.provider_id = ps.provider_id
           JOIN provider p ON p.id = ps.provider_id AND p.active
                           AND provider_bookable(p.id))
       ON ps.service_id = s.id AND pl.location_id = place.id
      AND (%(provider_id)s::uuid IS NULL OR p.id = %(provider_id)s)
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(h.weekday, h.opens, h.closes, h.valid_from, h.valid_to,
               (SELECT jsonb_agg(jsonb_build_array(t.starts, t.ends))
                FROM break_time t WHERE t.working_hours_id = h.id)) ORDER BY h.opens) AS list
    FROM working_hours h WHERE h.provider_id = p.id AND h.location_id = place.id
) hours ON true
LEFT JOIN LATERAL (
    SELECT array_agg(date_part('epoch', lower(o.period))::bigint ORDER BY lower(o.period)) AS starts,
           array_agg(date_part('epoch', upper(o.period))::bigint ORDER BY lower(o.period)) AS ends
    FROM occupancy o
    WHERE o.resource_id = p.id AND o.active AND o.period && place.span
      AND (o.expires_at IS NULL OR o.expires_at > now())
) busy ON true
LEFT JOIN LATERAL (
    SELECT array_agg(extract(epoch FROM e)::bigint ORDER BY e) AS list
    FROM (SELECT range_agg(t.period) AS periods FROM (
              SELECT o.period FROM time_off o
              WHERE (o.provider_id = p.id OR o.location_id = place.id) AND o.period && place.span
              UNION ALL
              SELECT b.period FROM busy_time b
              WHERE b.provider_id = p.id AND NOT b.ignored AND b.period && place.span) t) merged,
         unnest(merged.periods) r, unnest(ARRAY[lower(r), upper(r)]) e
) away ON true
ORDER BY p.sort, p.name, p.id
"""

#: The resources of some kinds at a place, each with what is taken of its time (start, end, start...).
RESOURCES = """
WITH place AS (
    SELECT id, tstzrange((%(first)s::date - 1)::timestamp AT TIME ZONE zone,
                         (%(first)s::date + %(days)s::integer + 1)::timestamp AT TIME ZONE zone) AS span
    FROM location WHERE id = %(location_id)s
)
SELECT r.kind, coalesce(busy.list, '{}') AS busy
FROM place
JOIN resource r ON r.location_id = place.id AND r.active AND r.kind = ANY (%(kinds)s)
LEFT JOIN LATERAL (
    SELECT array_agg(date_part('epoch', e)::bigint ORDER BY e) AS list
    FROM occupancy o, unnest(ARRAY[lower(o.period), upper(o.period)]) e
    WHERE o.resource_id = r.id AND o.active AND o.period && place.span
      AND (o.expires_at IS NULL OR o.expires_at > now())
) busy ON true
"""


def parameters(
    service_id: UUID, location_id: UUID, provider_id: UUID | None, first: date, days: int
) -> dict[str, Any]:
    """The parameters of `INPUTS` but `policies`."""
    return {
        "service_id": service_id,
        "location_id": location_id,
        "provider_id": provider_id,
        "first": first,
        "days": days,
    }


#: Sessions with a seat left; `span` as above.
SESSIONS = """
SELECT g.provider_id, extract(epoch FROM g.starts_at)::bigint AS starts,
       extract(epoch FROM g.ends_at)::bigint AS ends
FROM location l
JOIN group_session g ON g.location_id = l.id AND g.service_id = %(service_id)s
 AND g.state = 'scheduled'
 AND g.starts_at >= (%(first)s::date)::timestamp AT TIME ZONE l.zone
 AND g.starts_at < (%(first)s::date + %(days)s::integer)::timestamp AT TIME ZONE l.zone
JOIN provider p ON p.id = g.provider_id AND p.active AND provider_bookable(p.id)
WHERE l.id = %(location_id)s
  AND (%(provider_id)s::uuid IS NULL OR g.provider_id = %(provider_id)s)
  AND g.capacity > (SELECT coalesce(sum(b.seats), 0) FROM booking b
                    WHERE b.session_id = g.id AND takes_seats(b.status)
                      AND (b.status <> 'held' OR b.hold_expires_at > now()))
ORDER BY g.starts_at, p.sort, p.name, p.id
"""


async def sessions(connection: Connection, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """The sessions of a service that is given to a group; `arguments` are of `parameters`."""
    cursor = await connection.execute(SESSIONS, arguments, binary=True)
    return await cursor.fetchall()


async def inputs(
    connection: Connection, policies: dict[str, int], arguments: dict[str, Any]
) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        INPUTS, arguments | {"policies": Jsonb(policies)}, binary=True
    )
    return await cursor.fetchall()


async def resources(
    connection: Connection, kinds: list[str], arguments: dict[str, Any]
) -> list[dict[str, Any]]:
    """Rows of `RESOURCES`."""
    cursor = await connection.execute(RESOURCES, arguments | {"kinds": kinds}, binary=True)
    return await cursor.fetchall()
