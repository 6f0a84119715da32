"""The SQL of the outbox. States: pending -> sending -> sent | pending (later) | failed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

#: Who claimed a message and died has it taken over after this.
LEASE = timedelta(minutes=3)
_SHOWN = "id, kind, state, attempts, next_attempt_at, last_error, created_at, sent_at"


async def claim(
    connection: Connection, limit: int, channel: str = "email", lease: timedelta = LEASE
) -> list[dict[str, Any]]:
    """Takes due messages, oldest first; other workers pass them over until the lease ends. Whoever
    claims one gets an `attempt_id`, without which no outcome is noted."""
    cursor = await connection.execute(
        "UPDATE message SET state = 'sending', attempts = attempts + 1,"
        " next_attempt_at = now() + %s, attempt_id = gen_random_uuid()"
        " WHERE id IN (SELECT id FROM message"
        "   WHERE state IN ('pending', 'sending') AND next_attempt_at <= now() AND channel = %s"
        "   ORDER BY next_attempt_at LIMIT %s::int4 FOR UPDATE SKIP LOCKED)"
        " RETURNING id, kind, recipient, locale, attempts, created_at, attempt_id, client_id, handed_at,"
        # what is stored names the place; where it is is said as it is now
        " CASE WHEN payload #>> '{location,id}' IS NULL THEN payload ELSE"
        "  jsonb_set(payload, '{location,address}', coalesce((SELECT to_jsonb(l.address)"
        "  FROM location l WHERE l.id::text = payload #>> '{location,id}'), '\"\"')) END AS payload",
        (lease, channel, limit),
    )
    rows = await cursor.fetchall()  # in no order
    return sorted(rows, key=lambda row: row["id"].int)


async def give_back(
    connection: Connection, attempts: list[UUID], until: datetime | None = None
) -> None:
    """Claimed but not tried: due again at once, or at `until`."""
    await connection.execute(
        "UPDATE message SET state = 'pending', attempts = attempts - 1,"
        " next_attempt_at = coalesce(%s, now()) WHERE attempt_id = ANY (%s) AND state = 'sending'"
        " AND handed_at IS NULL",
        (until, attempts),
    )


async def hand(connection: Connection, message_id: UUID, attempt: UUID, lease: timedelta) -> str:
    """Whether it may leave now: `go`, `lost` (somebody else has it), `outdated` (its booking is not
    at that time any more), `not_agreed`, `window_closed`."""
    cursor = await connection.execute(
        "SELECT message_hand(%s, %s, %s) AS answer", (message_id, attempt, lease)
    )
    row = await cursor.fetchone()
    answer: str = row["answer"] if row else "lost"
    return answer


async def mark_sent(
    connection: Connection, message_id: UUID, attempt: UUID, external_id: str | None = None
) -> None:
    """The peer took it; `external_id` is its name for it."""
    await connection.execute(
        "UPDATE message SET state = 'sent', sent_at = now(), last_error = NULL,"
        " external_id = coalesce(external_id, %(external)s),"
        " delivery = coalesce(delivery, CASE WHEN %(external)s::text IS NOT NULL"
        " THEN 'accepted' END)"
        " WHERE id = %(id)s AND state = 'sending' AND attempt_id = %(attempt)s",
        {"external": external_id, "id": message_id, "attempt": attempt},
    )


async def mark_later(
    connection: Connection, message_id: UUID, attempt: UUID, wait: timedelta, error: str
) -> None:
    await connection.execute(
        "UPDATE message SET state = 'pending', next_attempt_at = now() + %s, last_error = %s,"
        " handed_at = NULL WHERE id = %s AND state = 'sending' AND attempt_id = %s",
        (wait, error, message_id, attempt),
    )


async def mark_unknown(
    connection: Connection, message_id: UUID, attempt: UUID, wait: timedelta, error: str
) -> None:
    """It left, and nobody knows whether it arrived: stays in hand until a report comes."""
    await connection.execute(
        "UPDATE message SET next_attempt_at = now() + %s, last_error = %s"
        " WHERE id = %s AND state = 'sending' AND attempt_id = %s",
        (wait, error, message_id, attempt),
    )


async def mark_failed(
    connection: Connection, message_id: UUID, attempt: UUID, error: str, state: str = "failed"
) -> None:
    """The dead letter: stays for an operator to look at and send again; or `cancelled`."""
    await connection.execute(
        "UPDATE message SET state = %s, last_error = %s"
        " WHERE id = %s AND state = 'sending' AND attempt_id = %s",
        (state, error, message_id, attempt),
    )


async def fall_back(connection: Connection, message_id: UUID) -> bool:
    """Puts the same message into the outbox by e-mail, if there is an address."""
    cursor = await connection.execute("SELECT message_fall_back(%s) AS done", (message_id,))
    row = await cursor.fetchone()
    return bool(row and row["done"])


async def mark_address(
    connection: Connection, client_id: UUID, channel: str, address: str, problem: str
) -> None:
    """Nothing more is sent to this address of this client until it is set anew."""
    await connection.execute(
        "INSERT INTO contact_channel (client_id, channel, address, agreed, problem, problem_at)"
        " VALUES (%(client)s, %(channel)s, %(address)s, true, %(problem)s, now())"
        " ON CONFLICT (client_id, channel) DO UPDATE SET problem = %(problem)s, problem_at = now()"
        " WHERE contact_channel.channel = 'whatsapp' OR contact_channel.address = %(address)s",
        {"client": client_id, "channel": channel, "address": address, "problem": problem[:200]},
    )


async def preferences(connection: Connection) -> dict[str, Any]:
    """What the owner set about messages: `whatsapp`, `quiet_from`, `quiet_to` (minutes of the day)."""
    cursor = await connection.execute("SELECT value FROM settings_value WHERE key = 'messages'")
    row = await cursor.fetchone()
    return dict(row["value"]) if row else {}


async def count_by_state(connection: Connection) -> dict[str, int]:
    cursor = await connection.execute(
        "SELECT state, count(*) AS number FROM message WHERE state <> 'sent' GROUP BY state"
    )
    return {row["state"]: row["number"] for row in await cursor.fetchall()}


async def delete_old(connection: Connection, age: timedelta) -> int:
    """Sent messages hold names and addresses: they are kept no longer than they help."""
    cursor = await connection.execute(
        "DELETE FROM message WHERE state = 'sent' AND sent_at < now() - %s", (age,)
    )
    return cursor.rowcount


async def select_page(
    connection: Connection, state: str | None, after: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Newest first; keys are in order of time."""
    cursor = await connection.execute(
        f"SELECT {_SHOWN} FROM message"  # noqa: S608 - a constant of this module
        " WHERE (%(state)s::text IS NULL OR state = %(state)s)"
        " AND (%(after)s::uuid IS NULL OR id < %(after)s)"
        " ORDER BY id DESC LIMIT %(limit)s::int4",
        {"state": state, "after": after, "limit": limit},
    )
    return await cursor.fetchall()


async def hurry(connection: Connection) -> None:
    """There is another server: e-mails that the one before did not take are due now."""
    await connection.execute(
        "UPDATE message SET next_attempt_at = now() WHERE channel = 'email' AND state = 'pending'"
        " AND last_error IS NOT NULL AND next_attempt_at > now()"
    )


async def send_again(connection: Connection, message_id: UUID) -> str | None:
    """Makes a failed message due now; its state before, None if there is no such message."""
    cursor = await connection.execute(
        "SELECT state FROM message WHERE id = %s FOR UPDATE", (message_id,)
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    await connection.execute(
        "UPDATE message SET state = 'pending', attempts = 0, next_attempt_at = now(),"
        " created_at = now(), handed_at = NULL, attempt_id = NULL, external_id = NULL,"
        " delivery = NULL WHERE id = %s AND state = 'failed'",
        (message_id,),
    )
    state: str = row["state"]
    return state
