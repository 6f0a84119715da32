"""What the books look like to callers."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Instant, Line, Request

AccountKind = Literal["asset", "liability", "equity", "revenue", "expense"]


class AccountBalance(Answer):
    """One account in one currency; amounts are hundredths, a debit balance is positive."""

    code: str
    kind: AccountKind
    currency: str
    debits: int
    credits: int
    balance: int


class TrialBalance(Answer):
    """All accounts that moved. The books are right only if `difference` is 0 in each currency."""

    items: list[AccountBalance]
    difference: dict[str, int]
    entries: int


class EntryLine(Answer):
    """One line; a debit is positive, a credit negative."""

    account: str
    client_id: UUID | None
    amount: int


class Entry(Answer):
    """One entry with its lines, and what it is about."""

    id: UUID
    at: Instant
    kind: str
    currency: str
    reference_kind: str
    reference_id: str
    lines: list[EntryLine]


class EntryPage(Answer):
    """Entries, newest first; `next` is the `after` of the next page."""

    items: list[Entry]
    next: UUID | None = None


class EntrySearch(Request):
    """Which entries, and which page of them."""

    reference_kind: Annotated[Line, Field(max_length=40)] | None = None
    reference_id: Annotated[Line, Field(max_length=100)] | None = None
    client_id: UUID | None = None
    after: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ClientBalance(Answer):
    """What a client owes and has paid ahead, in hundredths of the currency."""

    currency: str
    owes: int
    deposits: int
    packages: int
