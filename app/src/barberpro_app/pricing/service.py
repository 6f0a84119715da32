"""What a booking costs: the owner's rules, and quotes by them.

The arithmetic is in the database (routines/pricing.sql), where a booking gets its price in
the same round trip; a quote is the same function.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.kit.updates import update_versioned
from barberpro_app.pricing import repository
from barberpro_app.pricing.repository import Table
from barberpro_app.pricing.schemas import (
    DepositRule,
    DepositRuleDraft,
    PriceRule,
    PriceRuleDraft,
    Quote,
    QuoteRequest,
    RuleSwitch,
)
from barberpro_app.settings import AppConfiguration


async def quote(
    connection: Connection, app: AppConfiguration, request: QuoteRequest, client_id: UUID | None
) -> Quote:
    """Price and deposit of what would be booked. Raises `NotFoundError`."""
    values = {**request.model_dump(), "client_id": client_id}
    found = await repository.quote(connection, values)
    if found is None:
        raise NotFoundError
    return Quote.model_validate({"currency": app.currency, **found})


async def quote_of_booking(
    connection: Connection, app: AppConfiguration, booking_id: UUID
) -> Quote:
    """What a hold or booking was quoted. Raises `NotFoundError`."""
    found = await repository.booking_deposit(connection, booking_id)
    if found is None:
        raise NotFoundError
    return Quote.model_validate({"currency": app.currency, **found})


async def usual_deposits(
    connection: Connection, services: Sequence[tuple[UUID, int]], client_id: UUID | None
) -> list[tuple[int, int]]:
    """For services at these prices: what this client pays ahead, and the most that could be asked
    of whom nobody knows yet; in centavos."""
    return await repository.usual_deposits(connection, services, client_id)


async def price_rules(connection: Connection) -> list[PriceRule]:
    """Those in use first, newest first."""
    return [
        PriceRule.model_validate(row) for row in await repository.rules(connection, "price_rule")
    ]


async def deposit_rules(connection: Connection) -> list[DepositRule]:
    """Those in use first, newest first."""
    rows = await repository.rules(connection, "deposit_rule")
    return [DepositRule.model_validate(row) for row in rows]


async def add_price_rule(connection: Connection, actor: Actor, draft: PriceRuleDraft) -> PriceRule:
    """Needs a transaction. Raises `NotFoundError` for an unknown service or provider."""
    values = draft.model_dump()
    if draft.weekdays is not None:
        values["weekdays"] = sorted(set(draft.weekdays))
    return PriceRule.model_validate(await _add(connection, actor, "price_rule", values))


async def add_deposit_rule(
    connection: Connection, actor: Actor, draft: DepositRuleDraft
) -> DepositRule:
    """Needs a transaction. Raises `NotFoundError` for an unknown service."""
    row = await _add(connection, actor, "deposit_rule", draft.model_dump())
    return DepositRule.model_validate(row)


async def _add(
    connection: Connection, actor: Actor, table: Table, values: dict[str, object]
) -> dict[str, object]:
    try:
        row = await repository.add(connection, table, values)
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFoundError("There is no such service or provider.") from error
    changes = {name: _plain(value) for name, value in values.items() if value is not None}
    await record(connection, actor, f"{table}.added", AuditedObject(table, str(row["id"])), changes)
    return row


async def switch_rule(
    connection: Connection, actor: Actor, table: Table, rule_id: UUID, switch: RuleSwitch
) -> None:
    """Needs a transaction. Raises `NotFoundError`, `StaleVersionError`. Bookings made stay."""
    await update_versioned(connection, table, rule_id, switch.version, {"active": switch.active})
    what = AuditedObject(table, str(rule_id))
    await record(connection, actor, f"{table}.switched", what, {"active": switch.active})


async def remove_rule(connection: Connection, actor: Actor, table: Table, rule_id: UUID) -> None:
    """Needs a transaction. Raises `NotFoundError`. Bookings made keep their amounts."""
    if not await repository.remove(connection, table, rule_id):
        raise NotFoundError
    await record(connection, actor, f"{table}.removed", AuditedObject(table, str(rule_id)))


def _plain(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value
