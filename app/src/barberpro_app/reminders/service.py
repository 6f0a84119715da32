"""The owner's rules of reminders, and when messages may go."""

from __future__ import annotations

from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import DuplicateError, NotFoundError, StaleVersionError
from barberpro_app.notification.quiet import FROM, TO
from barberpro_app.reminders import repository
from barberpro_app.reminders.schemas import (
    MessagePreferences,
    MessagePreferencesChange,
    ReminderRule,
    ReminderRuleDraft,
    ReminderRulePatch,
)


async def list_rules(connection: Connection) -> list[ReminderRule]:
    """Earliest reminder first."""
    return [ReminderRule.model_validate(row) for row in await repository.rules(connection)]


async def add_rule(connection: Connection, actor: Actor, draft: ReminderRuleDraft) -> UUID:
    """Needs a transaction. Raises `DuplicateError`."""
    rule_id = await repository.add_rule(connection, draft.model_dump())
    if rule_id is None:
        raise DuplicateError("There is such a rule already.", field="minutes_before")
    await record(connection, actor, "reminder_rule.created", _object(rule_id), draft.model_dump())
    return rule_id


async def change_rule(
    connection: Connection, actor: Actor, rule_id: UUID, patch: ReminderRulePatch
) -> None:
    """Needs a transaction. Raises `NotFoundError`, `StaleVersionError`."""
    done = await repository.set_active(connection, rule_id, patch.version, active=patch.active)
    if done is None:
        raise NotFoundError
    if not done:
        raise StaleVersionError(field="version")
    changes = {"active": patch.active}
    await record(connection, actor, "reminder_rule.updated", _object(rule_id), changes)


async def remove_rule(connection: Connection, actor: Actor, rule_id: UUID) -> None:
    """Needs a transaction. Raises `NotFoundError`."""
    if not await repository.remove_rule(connection, rule_id):
        raise NotFoundError
    await record(connection, actor, "reminder_rule.removed", _object(rule_id))


async def get_preferences(connection: Connection) -> MessagePreferences:
    """What holds now."""
    row = await repository.preferences(connection)
    values = {"whatsapp": False, "quiet_from": FROM, "quiet_to": TO}
    values |= row["value"] if row else {}
    return MessagePreferences.model_validate({**values, "version": row["version"] if row else 0})


async def change_preferences(
    connection: Connection, actor: Actor, change: MessagePreferencesChange
) -> MessagePreferences:
    """Needs a transaction. Raises `StaleVersionError`."""
    values = change.model_dump(exclude={"version"})
    if not await repository.set_preferences(connection, values, change.version):
        raise StaleVersionError(field="version")
    await record(connection, actor, "messages.changed", AuditedObject("settings", ""), values)
    return await get_preferences(connection)


def _object(rule_id: UUID) -> AuditedObject:
    return AuditedObject("reminder_rule", str(rule_id))
