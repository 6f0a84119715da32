"""The SQL of what WhatsApp told us."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection
from barberpro_app.whatsapp_webhook.events import Event

MOST_ATTEMPTS = 10
LEASE = timedelta(seconds=30)


async def add_events(connection: Connection, events: Sequence[Event]) -> None:
    """Stores what is new; a repeated one is there already."""
    await connection.execute(
        "INSERT INTO whatsapp_event (id, kind, document)"
        " SELECT DISTINCT ON (id) id, kind, document"
        " FROM unnest(%s::text[], %s::text[], %s::jsonb[]) AS e (id, kind, document)"
        " ON CONFLICT (id) DO NOTHING",
        (
            [event.id for event in events],
            [event.kind for event in events],
            [Jsonb(event.document) for event in events],
        ),
    )


async def claim_events(connection: Connection, limit: int) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        "UPDATE whatsapp_event SET attempts = attempts + 1, next_attempt_at = now() + %s"
        " WHERE id IN (SELECT id FROM whatsapp_event WHERE state = 'pending'"
        "   AND next_attempt_at <= now() ORDER BY received_at LIMIT %s::int4"
        "   FOR UPDATE SKIP LOCKED)"
        " RETURNING id, kind, document, attempts, received_at",
        (LEASE, limit),
    )
    rows = await cursor.fetchall()
    return sorted(rows, key=lambda row: row["received_at"])


async def end_event(connection: Connection, event_id: str) -> bool:
    """False if somebody else worked it off meanwhile."""
    cursor = await connection.execute(
        "UPDATE whatsapp_event SET state = 'done' WHERE id = %s AND state = 'pending'", (event_id,)
    )
    return cursor.rowcount == 1


async def event_failed(connection: Connection, event_id: str, error: str) -> None:
    await connection.execute(
        "UPDATE whatsapp_event SET last_error = %s, next_attempt_at = now() + attempts * interval"
        " '5 seconds', state = CASE WHEN attempts >= %s THEN 'dropped' ELSE 'pending' END"
        " WHERE id = %s AND state = 'pending'",
        (error, MOST_ATTEMPTS, event_id),
    )


async def prune_events(connection: Connection, age: timedelta) -> int:
    """What people wrote is not kept longer than Meta may repeat it."""
    cursor = await connection.execute(
        "DELETE FROM whatsapp_event WHERE state <> 'pending' AND received_at < now() - %s", (age,)
    )
    return cursor.rowcount


async def report(connection: Connection, document: dict[str, Any]) -> dict[str, Any] | None:
    """Takes a report over into its message, if it says more than what is known; the message before
    and after, None if there is nothing to change. One whose fate was not known is settled by it."""
    cursor = await connection.execute(
        "WITH old AS (SELECT * FROM message WHERE (external_id = %(wamid)s"
        "     OR id = %(message)s::uuid AND external_id IS NULL) AND channel = 'whatsapp'"
        "   LIMIT 1 FOR UPDATE)"
        " UPDATE message m SET delivery = %(status)s, external_id = %(wamid)s,"
        "   sent_at = coalesce(m.sent_at, now()),"
        "   last_error = CASE WHEN %(status)s = 'failed' THEN %(error)s END,"
        "   billed = m.billed OR %(billed)s,"
        "   state = CASE WHEN %(status)s = 'failed' THEN 'failed' ELSE 'sent' END"
        " FROM old WHERE m.id = old.id AND old.state <> 'pending'"
        "   AND delivery_rank(%(status)s) > delivery_rank(old.delivery)"
        " RETURNING m.id, m.client_id, m.recipient, old.billed AS billed_before,"
        "   old.state AS state_before",
        document,
    )
    return await cursor.fetchone()


async def look_at_template(connection: Connection, name: str, language: str) -> None:
    await connection.execute(
        "UPDATE whatsapp_template SET next_attempt_at = now() WHERE name = %s AND language = %s",
        (name, language),
    )


async def settle_failed(connection: Connection, message_id: UUID, error: str) -> None:
    """Its e-mail goes instead: no dead letter."""
    await connection.execute(
        "UPDATE message SET state = 'cancelled', last_error = %s WHERE id = %s",
        (f"by e-mail instead: {error}"[:200], message_id),
    )


async def add_usage(
    connection: Connection, day: datetime, category: str, country: str, *, billable: bool
) -> None:
    await connection.execute(
        "INSERT INTO whatsapp_usage AS u (day, category, country, billable, free)"
        " VALUES ((%(day)s::timestamptz AT TIME ZONE 'America/Argentina/Buenos_Aires')::date,"
        " %(category)s, %(country)s, %(billable)s::int, 1 - %(billable)s::int)"
        " ON CONFLICT (day, category, country) DO UPDATE SET"
        " billable = u.billable + EXCLUDED.billable, free = u.free + EXCLUDED.free",
        {"day": day, "category": category, "country": country, "billable": int(billable)},
    )


async def heard(connection: Connection, wa_id: str, at: datetime) -> bool:
    """Opens the 24 hours; whether help was not given in the last 24 yet."""
    cursor = await connection.execute(
        "INSERT INTO whatsapp_conversation AS c (wa_id, last_heard_at) VALUES (%(who)s, %(at)s)"
        " ON CONFLICT (wa_id) DO UPDATE SET"
        " last_heard_at = greatest(c.last_heard_at, EXCLUDED.last_heard_at)"
        " RETURNING coalesce(helped_at < now() - interval '24 hours', true) AS unhelped",
        {"who": wa_id, "at": at},
    )
    row = await cursor.fetchone()
    return bool(row and row["unhelped"])


async def helped(connection: Connection, wa_id: str) -> None:
    await connection.execute(
        "UPDATE whatsapp_conversation SET helped_at = now() WHERE wa_id = %s", (wa_id,)
    )


async def add_reply(connection: Connection, wa_id: str, to: str, text: str) -> None:
    """Free text, once per message that it answers."""
    await connection.execute(
        "INSERT INTO message (kind, channel, recipient, payload, dedupe_key)"
        " VALUES ('whatsapp_reply', 'whatsapp', %s, %s, %s) ON CONFLICT (dedupe_key) DO NOTHING",
        (wa_id, Jsonb({"text": text, "to": to}), f"whatsapp_reply:{to}"),
    )


async def booking_for_number(
    connection: Connection, booking_id: UUID, numbers: list[str]
) -> dict[str, Any] | None:
    """The booking, if its client is at this number or it was written about to it."""
    cursor = await connection.execute(
        "SELECT b.id, b.client_id, b.starts_at, b.status, c.locale FROM booking b"
        " JOIN client c ON c.id = b.client_id WHERE b.id = %(id)s AND ("
        " EXISTS (SELECT FROM contact_channel w WHERE w.client_id = c.id AND w.channel = 'whatsapp'"
        "   AND (w.address = ANY (%(numbers)s) OR w.wa_id = ANY (%(numbers)s))))",
        {"id": booking_id, "numbers": numbers},
    )
    return await cursor.fetchone()


async def comes(connection: Connection, booking_id: UUID, starts_at: datetime) -> bool:
    """Notes that the client said so; False if it is known."""
    cursor = await connection.execute(
        "INSERT INTO attendance (booking_id, starts_at, source) VALUES (%s, %s, 'whatsapp')"
        " ON CONFLICT DO NOTHING",
        (booking_id, starts_at),
    )
    return cursor.rowcount == 1
