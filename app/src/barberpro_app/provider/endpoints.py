"""The JSON API of providers, their hours and time off, and closed times of a location."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.edge import (
    API,
    PUBLIC,
    READING,
    WRITING,
    IdempotencyHeader,
    PublicScope,
    actor_of,
    answer,
    database_of,
    key_of,
    no_content,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.idempotency import once
from barberpro_app.provider import service
from barberpro_app.provider.schemas import (
    Provider,
    ProviderDraft,
    ProviderList,
    ProviderPatch,
    PublicProvider,
    TimeOffAdded,
    TimeOffDraft,
    TimeOffList,
    Week,
    WeekAnswer,
)

router = APIRouter(prefix=API, tags=["providers"])

Public = Annotated[Principal, Depends(PublicScope("catalog:read"))]
Reader = Annotated[Principal, Depends(require_scope("providers:read"))]
Writer = Annotated[Principal, Depends(require_scope("providers:write"))]


@router.get("/providers", response_model=ProviderList, responses=PUBLIC)
async def list_providers(
    request: Request,
    _principal: Public,
    service_id: UUID | None = None,
    location_id: UUID | None = None,
) -> Response:
    """Active providers, as everybody may see them."""
    async with database_of(request).connection() as connection:
        found = await service.list_providers(
            connection, service_id=service_id, location_id=location_id
        )
    return answer(ProviderList(items=[PublicProvider(**p.model_dump()) for p in found]))


@router.get("/providers/{provider_id}", response_model=Provider, responses=READING)
async def get_provider(request: Request, _principal: Reader, provider_id: UUID) -> Response:
    """A provider as staff see it."""
    async with database_of(request).connection() as connection:
        return answer(await service.get_provider(connection, provider_id))


@router.post("/providers", status_code=201, response_model=Provider, responses=WRITING)
async def create_provider(
    request: Request, principal: Writer, body: ProviderDraft, key: IdempotencyHeader = None
) -> Response:
    """A new provider."""
    actor, stored = actor_of(request, principal), key_of(principal, key, "provider", body)
    async with database_of(request).transaction() as connection:
        created = await once(
            connection, stored, Provider, lambda: service.create_provider(connection, actor, body)
        )
    return answer(created, 201)


@router.patch("/providers/{provider_id}", response_model=Provider, responses=WRITING)
async def update_provider(
    request: Request, principal: Writer, provider_id: UUID, body: ProviderPatch
) -> Response:
    """Change a provider; bookings made stay."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        updated = await service.update_provider(connection, actor, provider_id, body)
    return answer(updated)


@router.get("/providers/{provider_id}/hours", response_model=WeekAnswer, responses=READING)
async def get_hours(request: Request, principal: Reader, provider_id: UUID) -> Response:
    """Working hours with breaks."""
    async with database_of(request).connection() as connection:
        week = await service.get_hours(connection, actor_of(request, principal), provider_id)
    return answer(week)


@router.put("/providers/{provider_id}/hours", response_model=WeekAnswer, responses=WRITING)
async def set_hours(request: Request, principal: Writer, provider_id: UUID, body: Week) -> Response:
    """Replace all working hours; bookings made stay."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        week = await service.set_hours(connection, actor, provider_id, body)
    return answer(week)


@router.get("/providers/{provider_id}/time-off", response_model=TimeOffList, responses=READING)
async def list_time_off(request: Request, principal: Reader, provider_id: UUID) -> Response:
    """A provider's time off that has not ended."""
    async with database_of(request).connection() as connection:
        found = await service.list_time_off(
            connection, actor_of(request, principal), provider_id=provider_id
        )
    return answer(TimeOffList(items=found))


@router.post(
    "/providers/{provider_id}/time-off",
    status_code=201,
    response_model=TimeOffAdded,
    responses=WRITING,
)
async def add_time_off(
    request: Request,
    principal: Writer,
    provider_id: UUID,
    body: TimeOffDraft,
    key: IdempotencyHeader = None,
) -> Response:
    """A time when a provider is away; bookings within stay, and are counted."""
    actor = actor_of(request, principal)
    stored = key_of(principal, key, f"time-off {provider_id}", body)
    async with database_of(request).transaction() as connection:
        added = await once(
            connection,
            stored,
            TimeOffAdded,
            lambda: service.add_provider_time_off(connection, actor, provider_id, body),
        )
    return answer(added, 201)


@router.delete(
    "/providers/{provider_id}/time-off/{time_off_id}", status_code=204, responses=WRITING
)
async def remove_time_off(
    request: Request, principal: Writer, provider_id: UUID, time_off_id: UUID
) -> Response:
    """The provider is there after all."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        await service.remove_provider_time_off(connection, actor, provider_id, time_off_id)
    return no_content()


@router.post(
    "/locations/{location_id}/time-off",
    status_code=201,
    response_model=TimeOffAdded,
    responses=WRITING,
)
async def close_location(
    request: Request,
    principal: Writer,
    location_id: UUID,
    body: TimeOffDraft,
    key: IdempotencyHeader = None,
) -> Response:
    """Close a whole location for a time; bookings within stay, and are counted."""
    actor = actor_of(request, principal)
    stored = key_of(principal, key, f"closed {location_id}", body)
    async with database_of(request).transaction() as connection:
        added = await once(
            connection,
            stored,
            TimeOffAdded,
            lambda: service.add_location_time_off(connection, actor, location_id, body),
        )
    return answer(added, 201)


@router.delete(
    "/locations/{location_id}/time-off/{time_off_id}", status_code=204, responses=WRITING
)
async def reopen_location(
    request: Request, principal: Writer, location_id: UUID, time_off_id: UUID
) -> Response:
    """The location is open after all."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        await service.remove_location_time_off(connection, actor, location_id, time_off_id)
    return no_content()
