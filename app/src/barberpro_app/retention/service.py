"""The owner's terms. Changes need a transaction."""

from __future__ import annotations

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import StaleVersionError
from barberpro_app.retention import repository
from barberpro_app.retention.schemas import RetentionChange, RetentionRules


async def get_rules(connection: Connection) -> RetentionRules:
    """What holds now."""
    return RetentionRules.model_validate(await repository.rules(connection))


async def change_rules(
    connection: Connection, actor: Actor, change: RetentionChange
) -> RetentionRules:
    """Raises `StaleVersionError`."""
    values = change.model_dump(exclude={"version"})
    if not await repository.set_rules(connection, values, change.version):
        raise StaleVersionError(field="version")
    what = AuditedObject("settings", repository.KEY)
    await record(connection, actor, "retention.changed", what, values)
    return await get_rules(connection)
