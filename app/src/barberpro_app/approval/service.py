"""What waits for a yes, by the owner's rules, and the answer of the team.

Changes of rules need a transaction; a rule counts for what is asked for from then on.
"""

from __future__ import annotations

from uuid import UUID

from barberpro_app.approval import repository
from barberpro_app.approval.schemas import ApprovalRule, ApprovalRuleDraft, Decision
from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.booking.repository import actor_argument
from barberpro_app.booking.schemas import Booking
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.kit.idempotency import IdempotencyKey
from barberpro_app.settings import AppConfiguration


async def decide(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    booking_id: UUID,
    decision: Decision,
    key: IdempotencyKey | None = None,
) -> Booking:
    """Answers a request, of a visit for all of it. A yes confirms, or asks for the deposit that is
    still to be paid and keeps the time for that. Raises `NotRequestedError`, `RequestLapsedError`,
    `StaleVersionError`, `NotFoundError`."""
    if actor.principal.kind in {"client", "anonymous"}:
        raise NotAllowedError
    answer = await repository.decide(
        connection,
        actor_argument(actor),
        app.policies.model_dump(),
        booking_id,
        decision.model_dump(mode="json", exclude_none=True),
        key.as_json() if key else None,
    )
    return Booking.model_validate(answer["body"])


async def asks(connection: Connection, booking_id: UUID) -> bool:
    """Whether confirming a hold only asks for it, as far as its client is known."""
    return await repository.asks(connection, booking_id) is not None


async def list_rules(connection: Connection) -> list[ApprovalRule]:
    """Those in use first, newest first."""
    return [ApprovalRule.model_validate(row) for row in await repository.rules(connection)]


async def add_rule(connection: Connection, actor: Actor, draft: ApprovalRuleDraft) -> ApprovalRule:
    """Raises `NotFoundError` for an unknown service."""
    row = await repository.add(connection, draft.model_dump())
    if row is None:
        raise NotFoundError("There is no such service.", field="service_id")
    changes = draft.model_dump(mode="json", exclude_none=True)
    await record(connection, actor, "approval_rule.added", _object(row["id"]), changes)
    return ApprovalRule.model_validate(row)


async def remove_rule(connection: Connection, actor: Actor, rule_id: UUID) -> None:
    """Raises `NotFoundError`. What was asked for already still waits."""
    if not await repository.remove(connection, rule_id):
        raise NotFoundError
    await record(connection, actor, "approval_rule.removed", _object(rule_id))


def _object(rule_id: UUID) -> AuditedObject:
    return AuditedObject("approval_rule", str(rule_id))
