"""Rules, cards and rewards. Completed bookings are counted by the database in their transaction."""

from __future__ import annotations

from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError, ConflictError, NotFoundError
from barberpro_app.kit.idempotency import REFUSED
from barberpro_app.kit.updates import update_versioned
from barberpro_app.loyalty import repository
from barberpro_app.loyalty.schemas import Card, Cards, Rule, RuleDraft, Rules, RuleSwitch


class CardNotFullError(ConflictError):
    """The card is not full."""

    code = "loyalty_stamps"
    field = "rule_id"


class NotRedeemableError(ConflictError):
    """A reward is for one confirmed visit that the rule is about, once."""

    code = "loyalty_not_here"


_REFUSALS: dict[str, type[AppError]] = {
    error.code: error for error in (CardNotFullError, NotRedeemableError, NotFoundError)
}


async def add_rule(connection: Connection, actor: Actor, draft: RuleDraft) -> Rule:
    """A new rule, for visits that are completed from now on. Raises `NotFoundError`."""
    try:
        rule = Rule.model_validate(await repository.add_rule(connection, draft.model_dump()))
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFoundError(field="service_id") from error
    await record(connection, actor, "loyalty_rule.created", _object(rule.id),
                 {"stamps": rule.stamps, "percent": rule.percent})  # fmt: skip
    return rule


async def switch_rule(
    connection: Connection, actor: Actor, rule_id: UUID, switch: RuleSwitch
) -> None:
    """Raises `NotFoundError`, `StaleVersionError`."""
    await update_versioned(
        connection, "loyalty_rule", rule_id, switch.version, {"active": switch.active}
    )
    await record(connection, actor, "loyalty_rule.updated", _object(rule_id),
                 {"active": switch.active})  # fmt: skip


async def rules(connection: Connection) -> Rules:
    return Rules(items=[Rule.model_validate(row) for row in await repository.rules(connection)])


async def cards(connection: Connection, client_id: UUID) -> Cards:
    """The cards of one client, as of this instant."""
    rows = await repository.cards(connection, client_id)
    return Cards(items=[Card.model_validate(row) for row in rows])


async def redeem(connection: Connection, actor: Actor, rule_id: UUID, booking_id: UUID) -> int:
    """Takes the discount off the booking's price; how much, in centavos.

    Raises `CardNotFullError`, `NotRedeemableError`, `NotFoundError`.
    """
    try:
        return await repository.redeem(connection, actor, rule_id, booking_id)
    except psycopg.DatabaseError as error:
        refusal = _REFUSALS.get(error.diag.message_primary or "")
        if error.sqlstate != REFUSED or refusal is None:
            raise
        raise refusal from error


def _object(rule_id: UUID) -> AuditedObject:
    return AuditedObject("loyalty_rule", str(rule_id))
