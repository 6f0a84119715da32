"""SQL of payments. Each change is one call of a database function (routines/payment.sql)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from barberpro_app.kit import routines
from barberpro_app.kit.database import Connection
from barberpro_app.payment.errors import refusal

Document = dict[str, Any]


async def begin(connection: Connection, *arguments: Any) -> Document:
    return await _document(connection, "payment_begin", *arguments)


async def keep(connection: Connection, *arguments: Any) -> None:
    await _call(connection, "booking_for_payment", *arguments)


async def record(connection: Connection, *arguments: Any) -> Document:
    return await _document(connection, "payment_record", *arguments)


async def ask_refund(connection: Connection, *arguments: Any) -> Document:
    return await _document(connection, "refund_ask", *arguments)


async def apply(connection: Connection, *arguments: Any) -> str:
    return str(await _call(connection, "mercado_pago_apply", *arguments))


async def _document(connection: Connection, function: str, *arguments: Any) -> Document:
    document: Document = await _call(connection, function, *arguments)
    return document


async def _call(connection: Connection, function: str, *arguments: Any) -> Any:
    return await routines.call(connection, refusal, function, *arguments)


async def get(connection: Connection, payment_id: UUID) -> Document | None:
    cursor = await connection.execute(
        "SELECT document FROM payment_document WHERE id = %s", (payment_id,)
    )
    row = await cursor.fetchone()
    return row["document"] if row else None


_SEARCH = """
SELECT document FROM payment_document
WHERE (%(booking_id)s::uuid IS NULL OR id IN (
        SELECT p.id FROM payment p WHERE p.booking_id = %(booking_id)s
        UNION SELECT p.id FROM payment p JOIN booking b ON b.visit_id = p.visit_id
        WHERE b.id = %(booking_id)s
        UNION SELECT s.payment_id FROM payment_share s WHERE s.booking_id = %(booking_id)s))
  AND (%(client_id)s::uuid IS NULL OR client_id = %(client_id)s)
  AND (%(state)s::text IS NULL OR document->>'state' = %(state)s)
  AND (%(after)s::uuid IS NULL OR id < %(after)s)
ORDER BY id DESC LIMIT %(count)s
"""


async def search(connection: Connection, filters: Mapping[str, Any], count: int) -> list[Document]:
    cursor = await connection.execute(_SEARCH, {**filters, "count": count})
    return [row["document"] for row in await cursor.fetchall()]


async def booking_money(connection: Connection, booking_id: UUID) -> Document | None:
    """Of a booking, or of all that is not cancelled of the visit that it is of."""
    cursor = await connection.execute(
        "SELECT sum(x.price_centavos)::bigint AS price_centavos,"
        " sum(x.deposit_centavos)::bigint AS deposit_centavos,"
        " sum(booking_paid(x.id))::bigint AS paid_centavos,"
        " bool_and(booking_covered(x.id)) AS covered,"
        " sum(owed(x, 'one'))::bigint AS due_centavos,"
        " sum(CASE WHEN booking_covered(x.id) THEN 0 ELSE"
        " greatest(0, least(x.deposit_centavos, x.price_centavos) - booking_paid(x.id)) END)::bigint"
        " AS deposit_due_centavos"
        " FROM booking b JOIN booking x ON x.id = b.id"
        " OR x.visit_id = b.visit_id AND x.status <> 'cancelled'"
        " WHERE b.id = %s GROUP BY b.id",
        (booking_id,),
    )
    return await cursor.fetchone()


async def set_checkout(
    connection: Connection, payment_id: UUID, preference_id: str, url: str
) -> None:
    await connection.execute(
        "UPDATE payment SET preference_id = %s, checkout_url = %s WHERE id = %s",
        (preference_id, url, payment_id),
    )


async def add_notice(connection: Connection, request_id: str, provider_payment: str) -> bool:
    """Whether it was new; its next attempt is by the worker, after a moment."""
    cursor = await connection.execute(
        "INSERT INTO mercado_pago_notice (request_id, provider_payment, next_attempt_at)"
        " VALUES (%s, %s, now() + interval '20 seconds') ON CONFLICT DO NOTHING",
        (request_id, provider_payment),
    )
    return cursor.rowcount == 1


async def end_notice(connection: Connection, request_id: str, state: str) -> None:
    await connection.execute(
        "UPDATE mercado_pago_notice SET state = %s WHERE request_id = %s", (state, request_id)
    )


#: Claims by moving the next attempt ahead: whoever dies with one in hand loses nothing.
_DUE_NOTICES = """
UPDATE mercado_pago_notice SET attempts = attempts + 1,
    next_attempt_at = now() + make_interval(secs => least(3600, 15 * 2 ^ least(attempts, 8)))
WHERE request_id IN (SELECT request_id FROM mercado_pago_notice
    WHERE state = 'pending' AND next_attempt_at <= now()
    ORDER BY next_attempt_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING request_id, provider_payment, attempts
"""
_DUE_PAYMENTS = """
UPDATE payment SET checks = checks + 1,
    next_check_at = CASE WHEN expires_at < now() - interval '2 days' THEN NULL
        ELSE now() + make_interval(secs => least(3600, 60 * 2 ^ least(checks, 6))) END
WHERE id IN (SELECT id FROM payment WHERE next_check_at <= now()
    ORDER BY next_check_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id
"""
_DUE_REFUNDS = """
UPDATE refund SET attempts = attempts + 1,
    next_attempt_at = now() + make_interval(secs => least(3600, 15 * 2 ^ least(attempts, 8)))
WHERE id IN (SELECT id FROM refund WHERE state = 'pending' AND next_attempt_at <= now()
    ORDER BY next_attempt_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id, provider_payment, amount_centavos, attempts
"""


async def due_notices(connection: Connection, count: int) -> list[Document]:
    return await (await connection.execute(_DUE_NOTICES, (count,))).fetchall()


async def due_payments(connection: Connection, count: int) -> list[Document]:
    return await (await connection.execute(_DUE_PAYMENTS, (count,))).fetchall()


async def due_refunds(connection: Connection, count: int) -> list[Document]:
    return await (await connection.execute(_DUE_REFUNDS, (count,))).fetchall()


async def refund_failed(
    connection: Connection, refund_id: UUID, reason: str, *, final: bool
) -> None:
    await connection.execute(
        "UPDATE refund SET last_error = %s, state = CASE WHEN %s THEN 'failed' ELSE state END"
        " WHERE id = %s AND state = 'pending'",
        (reason[:300], final, refund_id),
    )


async def expire(connection: Connection) -> int:
    """Payments that nobody made in time; what comes later still counts, or goes back."""
    cursor = await connection.execute(
        "UPDATE payment SET state = 'expired' WHERE state = 'pending'"
        " AND expires_at < now() - interval '10 minutes'"
    )
    return cursor.rowcount


async def prune(connection: Connection) -> int:
    """Notices older than a month; a replay of one is older than signatures may be."""
    cursor = await connection.execute(
        "DELETE FROM mercado_pago_notice WHERE received_at < now() - interval '30 days'"
        " AND state <> 'pending'"
    )
    return cursor.rowcount


async def health(connection: Connection) -> Document:
    """How the integration does: last money seen, what waits, what failed."""
    cursor = await connection.execute(
        "SELECT (SELECT max(seen_at) FROM mercado_pago_payment) AS last_success,"
        " (SELECT count(*) FROM mercado_pago_notice WHERE state = 'pending') AS notices_waiting,"
        " (SELECT count(*) FROM refund WHERE state = 'pending') AS refunds_waiting,"
        " (SELECT count(*) FROM refund WHERE state = 'failed') AS refunds_failed,"
        " (SELECT last_error FROM refund WHERE last_error IS NOT NULL ORDER BY id DESC LIMIT 1)"
        " AS last_error"
    )
    return await cursor.fetchone() or {}
