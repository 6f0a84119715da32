"""Who may sign plans: entered by an owner or manager who saw the licence. Changes need a transaction."""

from __future__ import annotations

from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.nutrition import repository
from barberpro_app.nutrition.schemas import Nutritionist, NutritionistDraft, Nutritionists


async def nutritionists(connection: Connection) -> Nutritionists:
    """Those on file, with whether they may sign now."""
    rows = await repository.nutritionists(connection)
    return Nutritionists(items=[Nutritionist.model_validate(row) for row in rows])


async def may_sign(connection: Connection, provider_id: UUID | None) -> bool:
    if provider_id is None:
        return False
    rows = await repository.nutritionists(connection, provider_id)
    return bool(rows and rows[0]["may_sign"])


async def enter(
    connection: Connection, actor: Actor, provider_id: UUID, draft: NutritionistDraft
) -> Nutritionist:
    """Nobody enters the own licence but an owner. Raises `NotAllowedError`, `NotFoundError`."""
    _check(actor, provider_id)
    values = {**draft.model_dump(), "by": actor.principal.name}
    if not await repository.save_nutritionist(connection, provider_id, values):
        raise NotFoundError
    await record(connection, actor, "nutritionist.entered", _object(provider_id))
    rows = await repository.nutritionists(connection, provider_id)
    return Nutritionist.model_validate(rows[0])


async def remove(connection: Connection, actor: Actor, provider_id: UUID) -> None:
    """What was signed stays signed. Raises `NotAllowedError`, `NotFoundError`."""
    _check(actor, provider_id)
    if not await repository.remove_nutritionist(connection, provider_id):
        raise NotFoundError
    await record(connection, actor, "nutritionist.removed", _object(provider_id))


def _check(actor: Actor, provider_id: UUID) -> None:
    principal = actor.principal
    if principal.kind != "staff" or not principal.has_role("owner", "manager"):
        raise NotAllowedError
    if principal.provider_id == provider_id and not principal.has_role("owner"):
        raise NotAllowedError


def _object(provider_id: UUID) -> AuditedObject:
    return AuditedObject("provider", str(provider_id))
