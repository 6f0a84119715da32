"""The JSON API of the waiting list."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

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
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.waiting_list import service
from barberpro_app.waiting_list.schemas import (
    WaitingDraft,
    WaitingEntries,
    WaitingEntry,
    WaitingRules,
    WaitingRulesChange,
)

router = APIRouter(prefix=API, tags=["waiting list"])

Reader = Annotated[Principal, Depends(ClientOrScope("bookings:read"))]
Writer = Annotated[Principal, Depends(ClientOrScope("bookings:write"))]
SettingsReader = Annotated[Principal, Depends(require_scope("settings:read"))]
SettingsWriter = Annotated[Principal, Depends(require_scope("settings:write"))]


@router.get("/waiting-list", response_model=WaitingEntries, responses=READING)
async def line(request: Request, principal: Reader) -> Response:
    """Who waits, first come first; a client sees the own places."""
    async with database_of(request).connection() as connection:
        return answer(await service.line(connection, actor_of(request, principal)))


@router.post("/waiting-list", status_code=201, response_model=WaitingEntry, responses=WRITING)
async def join(
    request: Request, principal: Writer, body: WaitingDraft, key: IdempotencyHeader = None
) -> Response:
    """To the end of the line, for when something becomes free."""
    stored = key_of(principal, key, "waiting-list", body)
    app, actor = configuration_of(request), actor_of(request, principal)
    async with database_of(request).connection() as connection:
        return answer(await service.join(connection, app, actor, body, stored), 201)


@router.get("/waiting-list/{entry_id}", response_model=WaitingEntry, responses=READING)
async def get(request: Request, principal: Reader, entry_id: UUID) -> Response:
    """One place in line; what is offered is a hold, to confirm or to cancel."""
    async with database_of(request).connection() as connection:
        return answer(await service.get(connection, actor_of(request, principal), entry_id))


@router.post("/waiting-list/{entry_id}/leave", response_model=WaitingEntry, responses=WRITING)
async def leave(request: Request, principal: Writer, entry_id: UUID) -> Response:
    """Out of the line; an offer is given back. Safe to repeat."""
    app, actor = configuration_of(request), actor_of(request, principal)
    async with database_of(request).connection() as connection:
        return answer(await service.leave(connection, app, actor, entry_id))


@router.get("/settings/waiting-list", response_model=WaitingRules, responses=READING)
async def get_rules(request: Request, _principal: SettingsReader) -> Response:
    """Whether there is a list, how long an offer is kept, how late one is made."""
    async with database_of(request).connection() as connection:
        return answer(await service.get_rules(connection))


@router.put("/settings/waiting-list", response_model=WaitingRules, responses=WRITING)
async def change_rules(
    request: Request, principal: SettingsWriter, body: WaitingRulesChange
) -> Response:
    """Set whether there is a list, how long an offer is kept, how late one is made."""
    async with database_of(request).transaction() as connection:
        return answer(await service.change_rules(connection, actor_of(request, principal), body))
