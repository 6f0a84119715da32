"""Who of the team is told of what clients do, by e-mail; the agenda shows it at once anyway."""

from __future__ import annotations

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import StaleVersionError
from barberpro_app.team_notices import repository
from barberpro_app.team_notices.schemas import TeamNotices, TeamNoticesChange


async def get_notices(connection: Connection) -> TeamNotices:
    """What holds now."""
    return TeamNotices.model_validate(await repository.rules(connection))


async def change_notices(
    connection: Connection, actor: Actor, change: TeamNoticesChange
) -> TeamNotices:
    """Needs a transaction. Raises `StaleVersionError`."""
    value = {
        "provider": sorted(set(change.provider)),
        "desk": sorted(set(change.desk)),
        "address": change.address or "",
    }
    if not await repository.set_rules(connection, value, change.version):
        raise StaleVersionError(field="version")
    told = {**value, "address": bool(change.address)}
    await record(connection, actor, "team_notices.changed", AuditedObject("settings", ""), told)
    return await get_notices(connection)
