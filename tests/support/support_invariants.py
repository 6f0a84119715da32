"""What must hold of all that a business stores, whatever happened to it, each as a query for what is wrong.

`overdue` are things that only the worker mends; they are asked after it had its turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Rows = Callable[..., list[tuple[Any, ...]]]

#: What a message was written for, by the audit trail: one for each of these changes of one booking.
_TOLD = """
SELECT object_id, 'booking_confirmed' AS kind FROM audit_event
WHERE object_kind = 'booking' AND action = 'booking.confirmed'
  AND coalesce(changes->>'was', 'cancelled') = 'cancelled'
UNION ALL
SELECT object_id, 'booking_confirmed' FROM audit_event
WHERE action = 'booking.approved' AND changes->>'status' = 'confirmed'
UNION ALL
SELECT object_id, 'booking_rescheduled' FROM audit_event WHERE action = 'booking.rescheduled'
UNION ALL
SELECT object_id, 'booking_cancelled' FROM audit_event
WHERE action = 'booking.cancelled' AND changes->>'was' IN ('requested', 'confirmed')
"""

WRONG = {
    "two at one time": """
        SELECT a.resource_id, a.period FROM occupancy a JOIN occupancy b
        ON a.resource_id = b.resource_id AND a.ctid < b.ctid AND a.active AND b.active AND a.period && b.period""",
    "more seats than there are": """
        SELECT g.id FROM group_session g JOIN booking b ON b.session_id = g.id
        AND b.status NOT IN ('cancelled', 'expired')
        GROUP BY g.id HAVING sum(b.seats) > g.capacity""",
    "a booking without its time": """
        SELECT b.id, b.status FROM booking b
        WHERE b.session_id IS NULL AND (b.status NOT IN ('cancelled', 'expired')) <> EXISTS (
            SELECT FROM occupancy o WHERE o.booking_id = b.id AND o.active AND o.part = 'provider'
            AND o.resource_id = b.provider_id AND o.period @> tstzrange(b.starts_at, b.ends_at))""",
    "a booking without what it needs": """
        SELECT b.id FROM booking b WHERE b.status NOT IN ('cancelled', 'expired')
        AND b.session_id IS NULL
        AND (SELECT coalesce(sum(n.count), 0) FROM service_resource n WHERE n.service_id = b.service_id)
         <> (SELECT count(*) FROM occupancy o WHERE o.booking_id = b.id AND o.active
             AND o.part <> 'provider')""",
    "a booking elsewhere than its session": """
        SELECT b.id FROM booking b JOIN group_session g ON g.id = b.session_id
        WHERE b.status IN ('held', 'confirmed')
        AND (g.state <> 'scheduled' OR (g.starts_at, g.provider_id) <> (b.starts_at, b.provider_id))""",
    "half a visit": """
        SELECT visit_id FROM booking WHERE visit_id IS NOT NULL AND status <> 'cancelled'
        GROUP BY visit_id HAVING bool_or(status IN ('held', 'requested', 'expired'))
        AND bool_or(status NOT IN ('held', 'requested', 'expired'))""",
    "books that do not balance": """
        SELECT e.currency, sum(l.amount) FROM ledger_line l JOIN ledger_entry e ON e.id = l.entry_id
        GROUP BY 1 HAVING sum(l.amount) <> 0""",
    "an account that is not what was paid": """
        SELECT a.booking_id, a.paid FROM booking_account a WHERE a.paid <>
        coalesce((SELECT sum(p.received_centavos - p.refunded_centavos) FROM payment p
                  WHERE p.booking_id = a.booking_id AND p.visit_id IS NULL), 0)
        + coalesce((SELECT sum(s.received_centavos - s.refunded_centavos) FROM payment_share s
                    WHERE s.booking_id = a.booking_id), 0)""",
    "an account that is not what its booking came to": """
        SELECT a.booking_id, b.status, a.gross FROM booking_account a JOIN booking b ON b.id = a.booking_id
        WHERE a.gross <> CASE
            WHEN b.status = 'completed' AND NOT booking_covered(b.id) THEN b.price_centavos
            WHEN b.status = 'no_show' OR b.late_charged THEN a.gross ELSE 0 END""",
    "a visit's payment that is not what its bookings got": """
        SELECT p.id FROM payment p LEFT JOIN payment_share s ON s.payment_id = p.id
        WHERE p.visit_id IS NOT NULL AND p.state = 'approved' GROUP BY p.id
        HAVING p.received_centavos <> coalesce(sum(s.received_centavos), 0)
        OR p.refunded_centavos <> coalesce(sum(s.refunded_centavos), 0)""",
    "a client who is owed something else than the accounts say": """
        WITH books AS (SELECT client_id, -sum(amount) AS net FROM ledger_line
            WHERE account IN ('deposits', 'receivable') AND client_id IS NOT NULL GROUP BY 1),
        accounts AS (SELECT client_id, sum(paid - gross + adjusted) AS net FROM booking_account GROUP BY 1),
        loose AS (SELECT p.client_id, sum(m.received_centavos - m.reversed_centavos) AS net
            FROM mercado_pago_payment m JOIN payment p ON p.id = m.payment_id
            WHERE NOT m.allocated AND m.currency = p.currency GROUP BY 1),
        sold AS (SELECT p.client_id, sum(p.received_centavos - p.refunded_centavos - x.price_centavos) AS net
            FROM payment p JOIN pass_period x ON x.payment_id = p.id GROUP BY 1)
        SELECT c.id, b.net, a.net, l.net, s.net FROM client c
        LEFT JOIN books b ON b.client_id = c.id LEFT JOIN accounts a ON a.client_id = c.id
        LEFT JOIN loose l ON l.client_id = c.id LEFT JOIN sold s ON s.client_id = c.id
        WHERE coalesce(b.net, 0) <> coalesce(a.net, 0) + coalesce(l.net, 0) + coalesce(s.net, 0)""",
    "confirmed without its deposit": """
        SELECT b.id FROM booking b WHERE b.status IN ('confirmed', 'arrived')
        AND b.source IN ('client', 'anonymous') AND NOT booking_covered(b.id)
        AND NOT EXISTS (SELECT FROM audit_event e WHERE e.object_id = b.id::text
                        AND e.action = 'booking.confirmed' AND e.changes->>'was' IS NOT NULL)
        AND NOT EXISTS (SELECT FROM pass_use u WHERE u.booking_id = b.id)
        AND NOT EXISTS (SELECT FROM payment p LEFT JOIN payment_share s ON s.payment_id = p.id
            WHERE (p.booking_id = b.id OR s.booking_id = b.id) AND p.refunded_centavos > 0)
        AND booking_paid(b.id) < b.deposit_centavos""",
    "receipts with a gap": """
        SELECT count(*), max(receipt_number) FROM payment WHERE receipt_number IS NOT NULL
        HAVING count(*) <> coalesce(max(receipt_number), 0)""",
    "credits that are not those used": """
        SELECT x.id, x.taken FROM pass_period x LEFT JOIN pass_use u ON u.period_id = x.id
        AND u.state <> 'returned' GROUP BY x.id
        HAVING x.taken <> coalesce(sum(u.credits), 0) OR x.taken NOT BETWEEN 0 AND x.credits
        OR x.earned_uses <> coalesce(sum(u.credits) FILTER (WHERE u.state = 'earned'), 0)""",
    "a credit that is not as its booking": """
        SELECT u.id, u.state, b.status FROM pass_use u JOIN booking b ON b.id = u.booking_id
        WHERE u.state <> 'returned' AND u.state <> CASE
            WHEN b.status IN ('completed', 'no_show') OR b.late_charged THEN 'earned'
            WHEN b.status IN ('cancelled', 'expired') THEN 'returned' ELSE 'taken' END""",
    "packages that are not what is left of them": """
        WITH books AS (SELECT client_id, -sum(amount) AS owed FROM ledger_line
            WHERE account = 'packages' GROUP BY 1),
        passes AS (SELECT client_id, sum(price_centavos - earned_centavos) AS owed
            FROM pass_period GROUP BY 1)
        SELECT client_id, b.owed, p.owed FROM books b FULL JOIN passes p USING (client_id)
        WHERE coalesce(b.owed, 0) <> coalesce(p.owed, 0)""",
    # a session that moves tells of it without a line for each booking in the audit trail
    "a change without its one message": f"""
        WITH told AS ({_TOLD}), single AS (
            SELECT b.id::text AS id, b.session_id FROM booking b
            JOIN client c ON c.id = b.client_id AND c.email IS NOT NULL
            WHERE b.visit_id IS NULL AND b.series_id IS NULL),
        wanted AS (SELECT t.object_id, t.kind, count(*) AS n FROM told t JOIN single b
            ON b.id = t.object_id AND (b.session_id IS NULL OR t.kind <> 'booking_rescheduled')
            GROUP BY 1, 2),
        written AS (SELECT b.id AS object_id, m.kind, count(*) AS n FROM message m JOIN single b
            ON b.id = m.payload->>'id' AND (b.session_id IS NULL OR m.kind <> 'booking_rescheduled')
            WHERE m.kind IN ('booking_confirmed', 'booking_rescheduled', 'booking_cancelled')
            GROUP BY 1, 2)
        SELECT object_id, kind, a.n, b.n FROM wanted a FULL JOIN written b USING (object_id, kind)
        WHERE coalesce(a.n, 0) <> coalesce(b.n, 0)""",
    "a change of a visit without its one message": """
        WITH wanted AS (
            SELECT v.visit_id, count(*) AS n FROM (
                SELECT object_id AS visit_id FROM audit_event WHERE action IN
                    ('visit.confirmed', 'visit.rescheduled')
                UNION ALL SELECT object_id FROM audit_event WHERE action = 'visit.cancelled'
                    AND changes->>'was' IN ('requested', 'confirmed')
                UNION ALL SELECT b.visit_id::text FROM audit_event e JOIN booking b
                    ON b.id::text = e.object_id WHERE b.visit_id IS NOT NULL AND (
                    e.action = 'booking.rescheduled'
                    OR e.action = 'booking.approved' AND e.changes->>'status' = 'confirmed'
                    OR e.action = 'booking.cancelled' AND e.changes->>'was' IN ('requested', 'confirmed')
                    OR e.action = 'booking.confirmed' AND e.changes->>'was' = 'cancelled')) v
            WHERE v.visit_id NOT IN (SELECT visit_id::text FROM booking
                                     WHERE series_id IS NOT NULL AND visit_id IS NOT NULL)
            GROUP BY 1),
        written AS (SELECT payload->>'visit_id' AS visit_id, count(*) AS n FROM message
            WHERE kind IN ('booking_confirmed', 'booking_rescheduled', 'booking_cancelled')
            AND payload->>'visit_id' IS NOT NULL
            AND payload->>'visit_id' NOT IN (SELECT visit_id::text FROM booking
                WHERE series_id IS NOT NULL AND visit_id IS NOT NULL) GROUP BY 1)
        SELECT visit_id, a.n, b.n FROM wanted a FULL JOIN written b USING (visit_id)
        WHERE coalesce(a.n, 0) <> coalesce(b.n, 0)""",
}

OVERDUE = {
    "a hold past its time": """
        SELECT id FROM booking WHERE status IN ('held', 'requested') AND hold_expires_at <= now()""",
    "money that belongs to nothing and did not go back": """
        SELECT m.id FROM mercado_pago_payment m
        WHERE m.received_centavos > 0 AND NOT m.allocated AND m.reversed_centavos < m.received_centavos""",
    "money of a booking that is no more": """
        SELECT b.id, b.status FROM booking b JOIN payment p ON p.booking_id = b.id AND p.visit_id IS NULL
        JOIN mercado_pago_payment m ON m.payment_id = p.id AND m.allocated
        WHERE b.status IN ('cancelled', 'expired') AND NOT b.late_charged
        AND m.reversed_centavos < m.received_centavos
        UNION ALL
        SELECT b.id, b.status FROM booking b JOIN payment_share s ON s.booking_id = b.id
        JOIN payment p ON p.id = s.payment_id AND p.method = 'mercado_pago'
        WHERE b.status IN ('cancelled', 'expired') AND s.refunded_centavos < s.received_centavos""",
    "a refund that is still asked for": "SELECT id, last_error FROM refund WHERE state <> 'done'",
    "a notice that nobody looked at": """
        SELECT request_id, state FROM mercado_pago_notice WHERE state <> 'done'""",
    "a message that did not leave": """
        SELECT id, kind, state, last_error FROM message WHERE state IN ('pending', 'sending', 'failed')
        AND next_attempt_at <= now()""",
}


def violations(rows: Rows, *, after_worker: bool = True) -> list[str]:
    """What is not as it must be, each with the first rows that say so."""
    queries = {**WRONG, **OVERDUE} if after_worker else WRONG
    found = []
    for name, query in queries.items():
        wrong = rows(query)
        if wrong:
            found.append(f"{name}: {len(wrong)}, such as {[tuple(map(str, r)) for r in wrong[:3]]}")
    return found


def books_against(rows: Rows, payments: list[dict[str, Any]]) -> list[str]:
    """The books against the account at Mercado Pago: each payment is known, and the sums agree."""
    found = []
    known = dict(
        rows("SELECT id, (received_centavos, reversed_centavos)::text FROM mercado_pago_payment")
    )
    for payment in payments:
        if payment["status"] in {"approved", "refunded", "charged_back"}:
            amount = round(payment["transaction_amount"] * 100)
            back = round(payment["transaction_amount_refunded"] * 100)
            if payment["status"] == "charged_back":
                back = amount
            seen = known.get(str(payment["id"]))
            if seen != f"({amount},{back})":
                found.append(f"payment {payment['id']}: here {seen}, there ({amount},{back})")
    return found
