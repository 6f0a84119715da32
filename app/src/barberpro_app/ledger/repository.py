"""SQL of the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection


async def post(connection: Connection, arguments: Sequence[Any]) -> UUID | None:
    cursor = await connection.execute(
        "SELECT ledger_post(%s, %s, %s, %s, %s, %s) AS id", tuple(arguments)
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


_TRIAL_BALANCE = """
SELECT a.code, a.kind, e.currency,
       coalesce(sum(l.amount) FILTER (WHERE l.amount > 0), 0)::bigint AS debits,
       coalesce(-sum(l.amount) FILTER (WHERE l.amount < 0), 0)::bigint AS credits,
       sum(l.amount)::bigint AS balance
FROM ledger_line l
JOIN ledger_entry e ON e.id = l.entry_id
JOIN ledger_account a ON a.code = l.account
GROUP BY a.code, a.kind, e.currency
ORDER BY e.currency, array_position(
    ARRAY['asset', 'liability', 'equity', 'revenue', 'expense'], a.kind), a.code
"""


async def trial_balance(connection: Connection) -> tuple[list[dict[str, Any]], int]:
    """Rows of the accounts that moved, and how many entries there are."""
    rows = await (await connection.execute(_TRIAL_BALANCE)).fetchall()
    count = await (await connection.execute("SELECT count(*) AS n FROM ledger_entry")).fetchone()
    return rows, count["n"] if count else 0


_ENTRIES = """
SELECT e.id, e.at, e.kind, e.currency, e.reference_kind, e.reference_id,
       (SELECT jsonb_agg(jsonb_build_object('account', l.account, 'client_id', l.client_id,
                                            'amount', l.amount) ORDER BY l.number)
        FROM ledger_line l WHERE l.entry_id = e.id) AS lines
FROM ledger_entry e
WHERE (%(reference_kind)s::text IS NULL OR e.reference_kind = %(reference_kind)s)
  AND (%(reference_id)s::text IS NULL OR e.reference_id = %(reference_id)s)
  AND (%(client_id)s::uuid IS NULL OR EXISTS (
        SELECT FROM ledger_line l WHERE l.entry_id = e.id AND l.client_id = %(client_id)s))
  AND (%(after)s::uuid IS NULL OR e.id < %(after)s)
ORDER BY e.id DESC LIMIT %(count)s
"""


async def entries(
    connection: Connection, filters: Mapping[str, Any], count: int
) -> list[dict[str, Any]]:
    cursor = await connection.execute(_ENTRIES, {**filters, "count": count})
    return await cursor.fetchall()


_CLIENT_BALANCE = """
SELECT coalesce(sum(l.amount) FILTER (WHERE l.account = 'receivable'), 0)::bigint AS owes,
       coalesce(-sum(l.amount) FILTER (WHERE l.account = 'deposits'), 0)::bigint AS deposits,
       coalesce(-sum(l.amount) FILTER (WHERE l.account = 'packages'), 0)::bigint AS packages
FROM ledger_line l JOIN ledger_entry e ON e.id = l.entry_id AND e.currency = %s
WHERE l.client_id = %s
"""


async def client_balance(connection: Connection, client_id: UUID, currency: str) -> dict[str, Any]:
    cursor = await connection.execute(_CLIENT_BALANCE, (currency, client_id))
    row = await cursor.fetchone()
    return row or {"owes": 0, "deposits": 0, "packages": 0}
