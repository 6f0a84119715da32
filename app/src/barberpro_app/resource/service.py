"""Resources: changed by managers, each change in the audit trail. Changes need a transaction."""

from __future__ import annotations

from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import DuplicateError, NotFoundError
from barberpro_app.kit.updates import update_versioned
from barberpro_app.resource import repository
from barberpro_app.resource.schemas import Need, Needs, Resource, ResourceDraft, ResourcePatch


async def list_resources(connection: Connection, location_id: UUID | None = None) -> list[Resource]:
    """By location and kind, also those that are not used now."""
    rows = await repository.resources(connection, location_id=location_id)
    return [Resource.model_validate(row) for row in rows]


async def get_resource(connection: Connection, resource_id: UUID) -> Resource:
    """Raises `NotFoundError`."""
    rows = await repository.resources(connection, resource_id=resource_id)
    if not rows:
        raise NotFoundError
    return Resource.model_validate(rows[0])


async def create_resource(connection: Connection, actor: Actor, draft: ResourceDraft) -> Resource:
    """Raises `NotFoundError` for an unknown location, `DuplicateError` for a name that is taken."""
    if not await repository.location_exists(connection, draft.location_id):
        raise NotFoundError("There is no such location.", field="location_id")
    resource_id = await repository.add(connection, draft.model_dump())
    if resource_id is None:
        raise DuplicateError(field="name")
    changes = draft.model_dump(mode="json")
    await record(connection, actor, "resource.created", _object(resource_id), changes)
    return await get_resource(connection, resource_id)


async def update_resource(
    connection: Connection, actor: Actor, resource_id: UUID, patch: ResourcePatch
) -> Resource:
    """Raises `NotFoundError`, `StaleVersionError`, `DuplicateError`. Bookings keep what they have."""
    values = patch.model_dump(exclude_none=True, exclude={"version"})
    try:
        async with connection.transaction():
            await update_versioned(connection, "resource", resource_id, patch.version, values)
    except psycopg.errors.UniqueViolation as error:
        raise DuplicateError(field="name") from error
    await record(connection, actor, "resource.updated", _object(resource_id), values)
    return await get_resource(connection, resource_id)


async def get_needs(connection: Connection, service_id: UUID) -> list[Need]:
    return [Need.model_validate(row) for row in await repository.needs(connection, service_id)]


async def set_needs(
    connection: Connection, actor: Actor, service_id: UUID, wanted: Needs
) -> list[Need]:
    """What new bookings of a service take. Raises `NotFoundError`."""
    if not await repository.lock_service(connection, service_id):
        raise NotFoundError
    items = [item.model_dump() for item in wanted.items]
    await repository.set_needs(connection, service_id, items)
    what = AuditedObject("service", str(service_id))
    await record(connection, actor, "service.needs", what, {"items": items})
    return await get_needs(connection, service_id)


async def list_kinds(connection: Connection) -> list[str]:
    """The kinds in use, in order of the alphabet."""
    return await repository.kinds(connection)


def _object(resource_id: UUID) -> AuditedObject:
    return AuditedObject("resource", str(resource_id))
