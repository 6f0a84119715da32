"""The JSON API of series."""

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
from barberpro_app.series import service
from barberpro_app.series.schemas import (
    Series,
    SeriesDraft,
    SeriesEnd,
    SeriesMove,
    SeriesRules,
    SeriesRulesChange,
)

router = APIRouter(prefix=API, tags=["series"])

Reader = Annotated[Principal, Depends(ClientOrScope("bookings:read"))]
Writer = Annotated[Principal, Depends(ClientOrScope("bookings:write"))]
SettingsReader = Annotated[Principal, Depends(require_scope("settings:read"))]
SettingsWriter = Annotated[Principal, Depends(require_scope("settings:write"))]


@router.post(
    "/bookings/{booking_id}/series", status_code=201, response_model=Series, responses=WRITING
)
async def create(
    request: Request,
    principal: Writer,
    booking_id: UUID,
    body: SeriesDraft,
    key: IdempotencyHeader = None,
) -> Response:
    """Repeat a confirmed booking every so many weeks, all in one transaction."""
    stored = key_of(principal, key, f"series {booking_id}", body)
    async with database_of(request).connection() as connection:
        made = await service.create(
            connection,
            configuration_of(request),
            actor_of(request, principal),
            booking_id,
            body,
            stored,
        )
    return answer(made, 201)


@router.post("/bookings/{booking_id}/series/preview", response_model=Series, responses=WRITING)
async def preview(
    request: Request, principal: Writer, booking_id: UUID, body: SeriesDraft
) -> Response:
    """What a series would be, with every conflict; nothing is kept."""
    app, actor = configuration_of(request), actor_of(request, principal)
    async with database_of(request).connection() as connection:
        return answer(await service.preview(connection, app, actor, booking_id, body))


@router.get("/series/{series_id}", response_model=Series, responses=READING)
async def get(request: Request, principal: Reader, series_id: UUID) -> Response:
    """One series with all its days."""
    async with database_of(request).connection() as connection:
        return answer(await service.get(connection, actor_of(request, principal), series_id))


@router.post("/series/{series_id}/end", response_model=Series, responses=WRITING)
async def end(request: Request, principal: Writer, series_id: UUID, body: SeriesEnd) -> Response:
    """End a series; cancel nothing, a booking and what follows, or all that is to come."""
    app, actor = configuration_of(request), actor_of(request, principal)
    async with database_of(request).connection() as connection:
        return answer(await service.end(connection, app, actor, series_id, body))


@router.post("/series/{series_id}/move", response_model=Series, responses=WRITING)
async def move(request: Request, principal: Writer, series_id: UUID, body: SeriesMove) -> Response:
    """Move a booking and what follows, or all that is to come, by as much."""
    app, actor = configuration_of(request), actor_of(request, principal)
    async with database_of(request).connection() as connection:
        return answer(await service.move(connection, app, actor, series_id, body))


@router.post("/series/{series_id}/move/preview", response_model=Series, responses=WRITING)
async def preview_move(
    request: Request, principal: Writer, series_id: UUID, body: SeriesMove
) -> Response:
    """What a move would come to, with what would stay where it is; nothing is kept."""
    app, actor = configuration_of(request), actor_of(request, principal)
    async with database_of(request).connection() as connection:
        return answer(await service.preview_move(connection, app, actor, series_id, body))


@router.get("/settings/series", response_model=SeriesRules, responses=READING)
async def get_rules(request: Request, _principal: SettingsReader) -> Response:
    """Which bookings of a series ask for a deposit, and until when."""
    async with database_of(request).connection() as connection:
        return answer(await service.get_rules(connection))


@router.put("/settings/series", response_model=SeriesRules, responses=WRITING)
async def change_rules(
    request: Request, principal: SettingsWriter, body: SeriesRulesChange
) -> Response:
    """Set which bookings of a series ask for a deposit, and until when."""
    async with database_of(request).transaction() as connection:
        return answer(await service.change_rules(connection, actor_of(request, principal), body))
