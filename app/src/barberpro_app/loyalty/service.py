"""Rules, levels, cards and rewards. Completed bookings are counted by the database in their transaction."""

from __future__ import annotations

from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import ConflictError, DuplicateError, NotFoundError
from barberpro_app.kit.routines import call, refusals
from barberpro_app.kit.updates import update_versioned
from barberpro_app.loyalty import repository
from barberpro_app.loyalty.schemas import (
    Card,
    Cards,
    Level,
    LevelDraft,
    Levels,
    Reward,
    Rule,
    RuleDraft,
    Rules,
    RuleSwitch,
    Stamp,
    StampByHand,
    StampDraft,
)
from barberpro_app.settings import AppConfiguration


class CardNotFullError(ConflictError):
    """The card is not full."""

    code = "loyalty_stamps"


class NotRedeemableError(ConflictError):
    """A reward is for one confirmed visit that the rule is about, once."""

    code = "loyalty_not_here"


class NothingDueError(ConflictError):
    """Nothing of this visit is left to pay."""

    code = "loyalty_paid"


class StampGoneError(ConflictError):
    """The stamp is spent, or its time is over."""

    code = "loyalty_stamp_gone"


_REFUSED = refusals(
    (CardNotFullError, NotRedeemableError, NothingDueError, StampGoneError, NotFoundError)
)


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


async def levels(connection: Connection) -> Levels:
    return Levels(items=[Level.model_validate(row) for row in await repository.levels(connection)])


async def add_level(connection: Connection, actor: Actor, draft: LevelDraft) -> Level:
    """Holds for visits that are completed from now on. Raises `DuplicateError`."""
    row = await repository.add_level(connection, draft.model_dump())
    if row is None:
        raise DuplicateError("There is a level with as many visits.", field="visits")
    level = Level.model_validate(row)
    await record(connection, actor, "loyalty_level.created",
                 AuditedObject("loyalty_level", str(level.id)), draft.model_dump())  # fmt: skip
    return level


async def remove_level(connection: Connection, actor: Actor, level_id: UUID) -> None:
    """Raises `NotFoundError`. What it gave stays given."""
    if not await repository.remove_level(connection, level_id):
        raise NotFoundError
    await record(connection, actor, "loyalty_level.removed",
                 AuditedObject("loyalty_level", str(level_id)))  # fmt: skip


async def cards(connection: Connection, client_id: UUID) -> Cards:
    """The cards and the level of one client, as of this instant."""
    rows = await repository.cards(connection, client_id)
    visits = await repository.visits(connection, client_id)
    found = (await levels(connection)).items
    reached = [level for level in found if level.visits <= visits]
    ahead = [level for level in found if level.visits > visits]
    return Cards(
        items=[Card.model_validate(row) for row in rows],
        visits=visits,
        level=reached[-1] if reached else None,
        next_level=ahead[0] if ahead else None,
    )


async def rewards_of_client(connection: Connection, client_id: UUID) -> list[Reward]:
    """Cards that the client spent, newest first."""
    rows = await repository.rewards(connection, client_id, None)
    return [Reward.model_validate(row) for row in rows]


async def reward_of_booking(connection: Connection, booking_id: UUID) -> Reward | None:
    """The card that was spent on a booking."""
    rows = await repository.rewards(connection, None, booking_id)
    return Reward.model_validate(rows[0]) if rows else None


async def redeem(connection: Connection, actor: Actor, rule_id: UUID, booking_id: UUID) -> int:
    """Takes the discount off the booking's price; how much, in centavos: never more than is due.

    Raises `CardNotFullError`, `NotRedeemableError`, `NothingDueError`, `NotFoundError`.
    """
    discount: int = await call(
        connection, _REFUSED, "loyalty_redeem", actor.as_json(), rule_id, booking_id
    )
    return discount


async def give(
    connection: Connection, app: AppConfiguration, actor: Actor, client_id: UUID, draft: StampDraft
) -> Stamp:
    """A stamp by hand, good as long as that of a visit of today. Raises `NotFoundError`."""
    key = await call(
        connection, _REFUSED, "loyalty_give",
        actor.as_json(), draft.rule_id, client_id, app.timezone, draft.reason,
    )  # fmt: skip
    return Stamp(id=key)


async def by_hand(connection: Connection, client_id: UUID) -> list[StampByHand]:
    """What can be taken back, newest first."""
    rows = await repository.by_hand(connection, client_id)
    return [StampByHand.model_validate(row) for row in rows]


async def take_back(connection: Connection, actor: Actor, client_id: UUID, stamp_id: UUID) -> None:
    """Of a stamp given by hand; taken back twice is no fault. Raises `NotFoundError`,
    `StampGoneError`."""
    await call(connection, _REFUSED, "loyalty_take_back", actor.as_json(), client_id, stamp_id)


def _object(rule_id: UUID) -> AuditedObject:
    return AuditedObject("loyalty_rule", str(rule_id))
