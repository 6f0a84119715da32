"""The JSON API of visits: thin; who may touch what is decided in the service."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.booking.schemas import CancelRequest, ConfirmRequest
from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    ClientOrScope,
    IdempotencyHeader,
    actor_of,
    answer,
    configuration_of,
    database_of,
    key_of,
)
from barberpro_app.identity.principal import Principal
from barberpro_app.visit import service
from barberpro_app.visit.schemas import (
    Visit,
    VisitBookRequest,
    VisitHoldRequest,
    VisitMoveRequest,
)

router = APIRouter(prefix=API, tags=["visits"])

Reader = Annotated[Principal, Depends(ClientOrScope("bookings:read"))]
Writer = Annotated[Principal, Depends(ClientOrScope("bookings:write"))]


@router.post("/visits/holds", status_code=201, response_model=Visit, responses=WRITING)
async def hold(
    request: Request, principal: Writer, body: VisitHoldRequest, key: IdempotencyHeader = None
) -> Response:
    """Keep the time of several services, one after the other, for a few minutes."""
    stored = key_of(principal, key, "visit hold", body)
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        visit = await service.hold(connection, configuration_of(request), actor, body, stored)
    return answer(visit, 201)


@router.post("/visits", status_code=201, response_model=Visit, responses=WRITING)
async def book(
    request: Request, principal: Writer, body: VisitBookRequest, key: IdempotencyHeader = None
) -> Response:
    """Book several services at once, one after the other."""
    stored = key_of(principal, key, "visit", body)
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        visit = await service.book(connection, configuration_of(request), actor, body, stored)
    return answer(visit, 201)


@router.get("/visits/{visit_id}", response_model=Visit, responses=READING)
async def get(request: Request, principal: Reader, visit_id: UUID) -> Response:
    """One visit with its bookings."""
    async with database_of(request).connection() as connection:
        return answer(await service.get(connection, actor_of(request, principal), visit_id))


@router.post("/visits/{visit_id}/confirm", response_model=Visit, responses=WRITING)
async def confirm(
    request: Request,
    principal: Writer,
    visit_id: UUID,
    body: ConfirmRequest,
    key: IdempotencyHeader = None,
) -> Response:
    """Turn the holds of a visit into bookings."""
    stored = key_of(principal, key, f"visit confirm {visit_id}", body)
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        visit = await service.confirm(
            connection, configuration_of(request), actor, visit_id, body, stored
        )
    return answer(visit)


@router.post("/visits/{visit_id}/reschedule", response_model=Visit, responses=WRITING)
async def reschedule(
    request: Request,
    principal: Writer,
    visit_id: UUID,
    body: VisitMoveRequest,
    key: IdempotencyHeader = None,
) -> Response:
    """Move all of a visit; one line alone is moved as a booking."""
    stored = key_of(principal, key, f"visit reschedule {visit_id}", body)
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        visit = await service.reschedule(
            connection, configuration_of(request), actor, visit_id, body, stored
        )
    return answer(visit)


@router.post("/visits/{visit_id}/cancel", response_model=Visit, responses=WRITING)
async def cancel(
    request: Request, principal: Writer, visit_id: UUID, body: CancelRequest
) -> Response:
    """Cancel what is still to come of a visit; one line alone is cancelled as a booking."""
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        visit = await service.cancel(connection, configuration_of(request), actor, visit_id, body)
    return answer(visit)
