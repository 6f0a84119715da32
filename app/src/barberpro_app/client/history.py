"""What there was with a client: read from the tables of all services, which are in every database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from barberpro_app.audit.trail import Actor
from barberpro_app.client.history_schemas import ClientHistory
from barberpro_app.client.service import get_client
from barberpro_app.kit.database import Connection

#: So many of each; the newest.
SHOWN = 25

_TOTALS = """
SELECT count(*) FILTER (WHERE status NOT IN ('held', 'expired')) AS bookings,
       count(*) FILTER (WHERE status = 'completed') AS completed,
       count(*) FILTER (WHERE status IN ('requested', 'confirmed', 'arrived')
                        AND ends_at > now()) AS to_come,
       client_no_shows(%(client)s) AS missed,
       count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
       min(starts_at) FILTER (WHERE status IN ('arrived', 'completed')) AS first_at,
       max(starts_at) FILTER (WHERE status IN ('arrived', 'completed')) AS last_at
FROM booking WHERE client_id = %(client)s
  AND (%(provider)s::uuid IS NULL OR provider_id = %(provider)s)
"""
_BOOKINGS = """
SELECT b.id, b.code, b.status, b.starts_at, b.zone, s.name AS service, p.name AS provider,
       b.price_centavos
FROM booking b JOIN service s ON s.id = b.service_id JOIN provider p ON p.id = b.provider_id
WHERE b.client_id = %(client)s AND b.status NOT IN ('held', 'expired')
  AND (%(provider)s::uuid IS NULL OR b.provider_id = %(provider)s)
ORDER BY b.starts_at DESC, b.id LIMIT %(shown)s
"""
#: name of the list -> its query.
_LISTS = {
    "series": """
SELECT r.id, s.name AS service, p.name AS provider, r.every_weeks, n.starts_at AS next_at,
       coalesce(n.id, (SELECT b.id FROM booking b WHERE b.series_id = r.id
                       ORDER BY b.starts_at DESC LIMIT 1)) AS booking_id
FROM series r JOIN service s ON s.id = r.service_id JOIN provider p ON p.id = r.provider_id
LEFT JOIN LATERAL (SELECT b.id, b.starts_at FROM booking b WHERE b.series_id = r.id
    AND b.status = 'confirmed' AND b.starts_at > now() ORDER BY b.starts_at LIMIT 1) n ON true
WHERE r.client_id = %(client)s AND r.state = 'active' ORDER BY r.id DESC LIMIT %(shown)s""",
    "waiting": """
SELECT e.id, s.name AS service, e.first_day, e.last_day, e.state
FROM waiting_entry e JOIN service s ON s.id = e.service_id
WHERE e.client_id = %(client)s AND e.state IN ('waiting', 'offered')
ORDER BY e.joined_at LIMIT %(shown)s""",
    "balances": """
SELECT e.currency, -sum(l.amount)::bigint AS centavos
FROM ledger_line l JOIN ledger_entry e ON e.id = l.entry_id
WHERE l.client_id = %(client)s AND l.account IN ('deposits', 'receivable')
GROUP BY e.currency HAVING sum(l.amount) <> 0 ORDER BY e.currency LIMIT %(shown)s""",
    "payments": """
SELECT id, coalesce(paid_at, created_at) AS at, method, state, currency, amount_centavos,
       received_centavos, refunded_centavos, receipt_number, booking_id
FROM payment WHERE client_id = %(client)s ORDER BY id DESC LIMIT %(shown)s""",
    "credits": """
SELECT p.id AS pass_id, p.name, x.credits - x.taken AS left, x.credits, x.ends_at
FROM pass p JOIN pass_period x ON x.pass_id = p.id
WHERE p.client_id = %(client)s AND x.state = 'open' AND x.ends_at > now()
ORDER BY x.ends_at LIMIT %(shown)s""",
    "stamps": """
SELECT r.name, count(*)::integer AS stamps, r.stamps AS needed
FROM loyalty_stamp t JOIN loyalty_rule r ON r.id = t.rule_id
WHERE t.client_id = %(client)s AND t.state = 'active' AND t.expires_at > now()
GROUP BY r.id ORDER BY r.name LIMIT %(shown)s""",
    "messages": """
SELECT kind, channel, state, coalesce(sent_at, created_at) AS at FROM message
WHERE client_id = %(client)s ORDER BY id DESC LIMIT %(shown)s""",
    "consents": """
SELECT what, text_version, given, at, revoked_at FROM (
    SELECT purpose AS what, text_version, true AS given, given_at AS at, revoked_at
    FROM consent WHERE client_id = %(client)s
    UNION ALL
    SELECT 'channel_' || channel, text_version, given, at, NULL
    FROM channel_consent WHERE client_id = %(client)s
) both_kinds ORDER BY at DESC LIMIT %(shown)s""",
}


async def client_history(connection: Connection, actor: Actor, client_id: UUID) -> ClientHistory:
    """Raises `NotFoundError`. A provider sees what was booked with them and nothing of money."""
    client = await get_client(connection, actor, client_id)
    narrow = actor.principal.own_agenda_only
    values = {
        "client": client.id,
        "provider": actor.principal.provider_id if narrow else None,
        "shown": SHOWN,
    }
    cursor = await connection.execute(_TOTALS.encode(), values)
    found: dict[str, Any] = {"totals": await cursor.fetchone()}
    cursor = await connection.execute(_BOOKINGS.encode(), values)
    found["bookings"] = await cursor.fetchall()
    for name, query in ({} if narrow else _LISTS).items():
        cursor = await connection.execute(query.encode(), values)
        found[name] = await cursor.fetchall()
    return ClientHistory.model_validate(found)
