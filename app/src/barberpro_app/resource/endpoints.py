"""The JSON API of resources; for the team."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    IdempotencyHeader,
    actor_of,
    answer,
    database_of,
    key_of,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.idempotency import once
from barberpro_app.resource import service
from barberpro_app.resource.schemas import (
    NeedList,
    Needs,
    Resource,
    ResourceDraft,
    ResourceList,
    ResourcePatch,
)

router = APIRouter(prefix=API, tags=["resources"])

Reader = Annotated[Principal, Depends(require_scope("bookings:read"))]
Writer = Annotated[Principal, Depends(require_scope("catalog:write"))]


@router.get("/resources", response_model=ResourceList, responses=READING)
async def list_resources(
    request: Request, _principal: Reader, location_id: UUID | None = None
) -> Response:
    """Chairs, rooms and machines, of a location or of all."""
    async with database_of(request).connection() as connection:
        found = await service.list_resources(connection, location_id)
    return answer(ResourceList(items=found))


@router.post("/resources", status_code=201, response_model=Resource, responses=WRITING)
async def create_resource(
    request: Request, principal: Writer, body: ResourceDraft, key: IdempotencyHeader = None
) -> Response:
    """A new resource."""
    actor, stored = actor_of(request, principal), key_of(principal, key, "resource", body)
    async with database_of(request).transaction() as connection:
        created = await once(
            connection, stored, Resource, lambda: service.create_resource(connection, actor, body)
        )
    return answer(created, 201)


@router.patch("/resources/{resource_id}", response_model=Resource, responses=WRITING)
async def update_resource(
    request: Request, principal: Writer, resource_id: UUID, body: ResourcePatch
) -> Response:
    """Rename a resource, or take it out of use."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        updated = await service.update_resource(connection, actor, resource_id, body)
    return answer(updated)


@router.get("/services/{service_id}/needs", response_model=NeedList, responses=READING)
async def get_needs(request: Request, _principal: Reader, service_id: UUID) -> Response:
    """What a booking of a service takes beside the provider."""
    async with database_of(request).connection() as connection:
        return answer(NeedList(items=await service.get_needs(connection, service_id)))


@router.put("/services/{service_id}/needs", response_model=NeedList, responses=WRITING)
async def set_needs(request: Request, principal: Writer, service_id: UUID, body: Needs) -> Response:
    """Say what bookings of a service take from now on; bookings made stay."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        found = await service.set_needs(connection, actor, service_id, body)
    return answer(NeedList(items=found))
