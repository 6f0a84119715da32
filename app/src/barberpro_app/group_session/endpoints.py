"""The JSON API of sessions."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from barberpro_app.edge import (
    API,
    PUBLIC,
    WRITING,
    IdempotencyHeader,
    PublicScope,
    actor_of,
    answer,
    configuration_of,
    database_of,
    key_of,
)
from barberpro_app.group_session import service
from barberpro_app.group_session.schemas import (
    GroupSession,
    GroupSessionList,
    SessionCancel,
    SessionDraft,
    SessionPatch,
    SessionSearch,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal

router = APIRouter(prefix=API, tags=["sessions"])

Anybody = Depends(PublicScope("availability:read"))
Writer = Annotated[Principal, Depends(require_scope("bookings:write"))]


@router.get("/sessions", response_model=GroupSessionList, responses=PUBLIC, dependencies=[Anybody])
async def search(request: Request, query: Annotated[SessionSearch, Query()]) -> Response:
    """Sessions of some days, with their free seats; cancelled ones too, by their `state`."""
    async with database_of(request).connection() as connection:
        found = await service.search(connection, query)
    return answer(found)


@router.get(
    "/sessions/{session_id}", response_model=GroupSession, responses=PUBLIC, dependencies=[Anybody]
)
async def get(request: Request, session_id: UUID) -> Response:
    """One session."""
    async with database_of(request).connection() as connection:
        found = await service.get(connection, session_id)
    return answer(found)


@router.post("/sessions", status_code=201, response_model=GroupSession, responses=WRITING)
async def create(
    request: Request, principal: Writer, body: SessionDraft, key: IdempotencyHeader = None
) -> Response:
    """Add a session of a service that is given to a group."""
    stored = key_of(principal, key, "session", body)
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        made = await service.create(connection, configuration_of(request), actor, body, stored)
    return answer(made, 201)


@router.patch("/sessions/{session_id}", response_model=GroupSession, responses=WRITING)
async def change(
    request: Request, principal: Writer, session_id: UUID, body: SessionPatch
) -> Response:
    """Move a session, or change its capacity; bookings in it move along and are told."""
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        changed = await service.change(
            connection, configuration_of(request), actor, session_id, body
        )
    return answer(changed)


@router.post("/sessions/{session_id}/cancel", response_model=GroupSession, responses=WRITING)
async def cancel(
    request: Request, principal: Writer, session_id: UUID, body: SessionCancel
) -> Response:
    """Cancel a session with all bookings in it."""
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        gone = await service.cancel(connection, configuration_of(request), actor, session_id, body)
    return answer(gone)
