"""Writing to the books and reading them. An entry belongs in the transaction of what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from barberpro_app.audit.trail import Actor
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError
from barberpro_app.kit.idempotency import REFUSED
from barberpro_app.ledger import repository
from barberpro_app.ledger.errors import AccountError, EntryKeyReusedError, UnbalancedError
from barberpro_app.ledger.schemas import (
    AccountBalance,
    ClientBalance,
    Entry,
    EntryPage,
    EntrySearch,
    TrialBalance,
)

_REFUSALS: dict[str, type[AppError]] = {
    error.code: error for error in (UnbalancedError, AccountError, EntryKeyReusedError)
}


@dataclass(frozen=True, slots=True)
class EntryPart:
    """A line to be written: `amount` in hundredths, a debit positive, a credit negative."""

    account: str
    amount: int
    client_id: UUID | None = None

    def as_json(self) -> dict[str, object]:
        part: dict[str, object] = {"account": self.account, "amount": self.amount}
        if self.client_id is not None:
            part["client_id"] = str(self.client_id)
        return part


@dataclass(frozen=True, slots=True)
class Reference:
    """What an entry is about: the kind and the key of a booking, payment, package..."""

    kind: str
    id: str


def debit(account: str, amount: int, client_id: UUID | None = None) -> EntryPart:
    return EntryPart(account, amount, client_id)


def credit(account: str, amount: int, client_id: UUID | None = None) -> EntryPart:
    return EntryPart(account, -amount, client_id)


async def post(
    connection: Connection,
    actor: Actor,
    kind: str,
    lines: Sequence[EntryPart],
    *,
    reference: Reference,
    key: str,
    currency: str = "ARS",
) -> UUID | None:
    """Writes one entry; its id, or None if all lines are of nothing. `key` makes a retry harmless.

    Raises `UnbalancedError`, `AccountError`, `EntryKeyReusedError`.
    """
    arguments = (
        Jsonb(actor.as_json()),
        kind,
        currency,
        Jsonb({"kind": reference.kind, "id": reference.id}),
        key,
        Jsonb([line.as_json() for line in lines]),
    )
    try:
        return await repository.post(connection, arguments)
    except psycopg.DatabaseError as error:
        refusal = _REFUSALS.get(error.diag.message_primary or "")
        if error.sqlstate != REFUSED or refusal is None:
            raise
        raise refusal(error.diag.message_detail or "") from error


async def trial_balance(connection: Connection) -> TrialBalance:
    """Every account's debits, credits and balance, and their sum, which must be 0."""
    rows, entries = await repository.trial_balance(connection)
    items = [AccountBalance.model_validate(row) for row in rows]
    difference: dict[str, int] = {}
    for item in items:
        difference[item.currency] = difference.get(item.currency, 0) + item.balance
    return TrialBalance(items=items, difference=difference, entries=entries)


async def entries(connection: Connection, query: EntrySearch) -> EntryPage:
    """The entries that match, newest first."""
    rows = await repository.entries(connection, query.model_dump(), query.limit + 1)
    items = [Entry.model_validate(row) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    return EntryPage(items=items, next=items[-1].id if more else None)


async def client_balance(
    connection: Connection, client_id: UUID, currency: str = "ARS"
) -> ClientBalance:
    """What a client owes, and what of theirs the business holds."""
    row = await repository.client_balance(connection, client_id, currency)
    return ClientBalance(currency=currency, **row)
