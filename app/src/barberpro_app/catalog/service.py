"""Services: read by everybody, changed by managers, each change in the audit trail.

Changes need a transaction.
"""

from __future__ import annotations

from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.catalog import repository
from barberpro_app.catalog.schemas import OfferTerms, Service, ServiceDraft, ServicePatch
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import DuplicateError, NotFoundError
from barberpro_app.kit.updates import update_versioned


async def list_services(connection: Connection, *, inactive: bool = False) -> list[Service]:
    """In the order of the business; with `inactive`, also those that are not offered now."""
    rows = await repository.services(connection, None, inactive=inactive)
    return [Service.model_validate(row) for row in rows]


async def get_service(connection: Connection, service_id: UUID) -> Service:
    """Also one that is not offered now. Raises `NotFoundError`."""
    rows = await repository.services(connection, service_id, inactive=True)
    if not rows:
        raise NotFoundError
    return Service.model_validate(rows[0])


async def create_service(connection: Connection, actor: Actor, draft: ServiceDraft) -> Service:
    """Raises `DuplicateError`, and `NotFoundError` for an unknown provider."""
    service_id = await repository.add(connection, draft.model_dump(exclude={"providers"}))
    if service_id is None:
        raise DuplicateError(field="key")
    wanted = set(draft.providers)
    if await repository.offer(connection, service_id, sorted(wanted)) != len(wanted):
        raise NotFoundError("There is no such provider.", field="providers")
    changes = {"key": draft.key, "price_centavos": draft.price_centavos, "minutes": draft.minutes}
    await record(connection, actor, "service.created", _object(service_id), changes)
    return await get_service(connection, service_id)


async def update_service(
    connection: Connection, actor: Actor, service_id: UUID, patch: ServicePatch
) -> Service:
    """Raises `NotFoundError`, `StaleVersionError`. Bookings keep what was agreed."""
    values = patch.model_dump(exclude_none=True, exclude={"version"})
    await update_versioned(
        connection, "service", service_id, patch.version, repository.columns(values)
    )
    await record(connection, actor, "service.updated", _object(service_id), values)
    return await get_service(connection, service_id)


async def set_offer(
    connection: Connection, actor: Actor, service_id: UUID, provider_id: UUID, terms: OfferTerms
) -> Service:
    """Lets a provider give a service, with own minutes and price. Raises `NotFoundError`."""
    offered = await repository.offer(
        connection, service_id, [provider_id], terms.minutes, terms.price_centavos
    )
    if not offered:
        raise NotFoundError
    changes = {"provider_id": str(provider_id), **terms.model_dump(exclude_none=True)}
    await record(connection, actor, "service.offered", _object(service_id), changes)
    return await get_service(connection, service_id)


async def remove_offer(
    connection: Connection, actor: Actor, service_id: UUID, provider_id: UUID
) -> Service:
    """A provider gives a service no longer; bookings made stay. Raises `NotFoundError`."""
    if not await repository.withdraw(connection, service_id, provider_id):
        raise NotFoundError
    changes = {"provider_id": str(provider_id)}
    await record(connection, actor, "service.withdrawn", _object(service_id), changes)
    return await get_service(connection, service_id)


def _object(service_id: UUID) -> AuditedObject:
    return AuditedObject("service", str(service_id))
