"""The JSON API of who walked in."""

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
    configuration_of,
    database_of,
    key_of,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.walk_in import service
from barberpro_app.walk_in.schemas import WalkIn, WalkInCall, WalkInDraft, WalkInQueue

router = APIRouter(prefix=f"{API}/walk-ins", tags=["walk-ins"])

Reader = Annotated[Principal, Depends(require_scope("bookings:read"))]
Writer = Annotated[Principal, Depends(require_scope("bookings:write"))]


@router.get("", response_model=WalkInQueue, responses=READING)
async def queue(request: Request, _principal: Reader, location_id: UUID) -> Response:
    """The queue of today at a place, with how long each will wait."""
    async with database_of(request).connection() as connection:
        return answer(await service.queue(connection, configuration_of(request), location_id))


@router.post("", status_code=201, response_model=WalkIn, responses=WRITING)
async def add(
    request: Request, principal: Writer, body: WalkInDraft, key: IdempotencyHeader = None
) -> Response:
    """To the end of the queue, with the next number."""
    stored, actor = key_of(principal, key, "walk-in", body), actor_of(request, principal)
    async with database_of(request).connection() as connection:
        return answer(await service.add(connection, actor, body, stored), 201)


@router.get("/{walk_in_id}", response_model=WalkIn, responses=READING)
async def get(request: Request, _principal: Reader, walk_in_id: UUID) -> Response:
    """One turn, with how long it will wait."""
    async with database_of(request).connection() as connection:
        return answer(await service.get(connection, configuration_of(request), walk_in_id))


@router.post("/{walk_in_id}/call", response_model=WalkIn, responses=WRITING)
async def call(request: Request, principal: Writer, walk_in_id: UUID, body: WalkInCall) -> Response:
    """Call a turn: it becomes a booking that begins now."""
    app, actor = configuration_of(request), actor_of(request, principal)
    async with database_of(request).connection() as connection:
        return answer(await service.call(connection, app, actor, walk_in_id, body))


@router.post("/{walk_in_id}/leave", response_model=WalkIn, responses=WRITING)
async def leave(request: Request, principal: Writer, walk_in_id: UUID) -> Response:
    """Who waits no more; safe to repeat."""
    app, actor = configuration_of(request), actor_of(request, principal)
    async with database_of(request).connection() as connection:
        return answer(await service.end(connection, app, actor, walk_in_id, "left"))


@router.post("/{walk_in_id}/no-answer", response_model=WalkIn, responses=WRITING)
async def no_answer(request: Request, principal: Writer, walk_in_id: UUID) -> Response:
    """Who was called and did not come: the time is free again; safe to repeat."""
    app, actor = configuration_of(request), actor_of(request, principal)
    async with database_of(request).connection() as connection:
        return answer(await service.end(connection, app, actor, walk_in_id, "no_answer"))
