"""The JSON API of services; reading is public."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.catalog import service
from barberpro_app.catalog.schemas import (
    OfferTerms,
    Service,
    ServiceDraft,
    ServiceList,
    ServicePatch,
)
from barberpro_app.edge import (
    API,
    PUBLIC,
    WRITING,
    IdempotencyHeader,
    PublicScope,
    actor_of,
    answer,
    database_of,
    key_of,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.idempotency import once
from barberpro_app.kit.replica import read

router = APIRouter(prefix=f"{API}/services", tags=["services"])

Reader = Annotated[Principal, Depends(PublicScope("catalog:read"))]
Writer = Annotated[Principal, Depends(require_scope("catalog:write"))]


@router.get("", response_model=ServiceList, responses=PUBLIC)
async def list_services(request: Request, principal: Reader) -> Response:
    """What can be booked; who may change services sees inactive ones too."""
    every = principal.has_scope("catalog:write")
    found = await read(
        request, lambda connection: service.list_services(connection, inactive=every)
    )
    return answer(ServiceList(items=found))


@router.get("/{service_id}", response_model=Service, responses=PUBLIC)
async def get_service(request: Request, _principal: Reader, service_id: UUID) -> Response:
    """One service."""
    return answer(
        await read(request, lambda connection: service.get_service(connection, service_id))
    )


@router.post("", status_code=201, response_model=Service, responses=WRITING)
async def create_service(
    request: Request, principal: Writer, body: ServiceDraft, key: IdempotencyHeader = None
) -> Response:
    """A new service."""
    actor, stored = actor_of(request, principal), key_of(principal, key, "service", body)
    async with database_of(request).transaction() as connection:
        created = await once(
            connection, stored, Service, lambda: service.create_service(connection, actor, body)
        )
    return answer(created, 201)


@router.patch("/{service_id}", response_model=Service, responses=WRITING)
async def update_service(
    request: Request, principal: Writer, service_id: UUID, body: ServicePatch
) -> Response:
    """Change a service; bookings made keep minutes and price."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        updated = await service.update_service(connection, actor, service_id, body)
    return answer(updated)


@router.put("/{service_id}/providers/{provider_id}", response_model=Service, responses=WRITING)
async def set_offer(
    request: Request, principal: Writer, service_id: UUID, provider_id: UUID, body: OfferTerms
) -> Response:
    """Let a provider give a service, with own minutes and price."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        updated = await service.set_offer(connection, actor, service_id, provider_id, body)
    return answer(updated)


@router.delete("/{service_id}/providers/{provider_id}", response_model=Service, responses=WRITING)
async def remove_offer(
    request: Request, principal: Writer, service_id: UUID, provider_id: UUID
) -> Response:
    """A provider gives a service no longer."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        updated = await service.remove_offer(connection, actor, service_id, provider_id)
    return answer(updated)
