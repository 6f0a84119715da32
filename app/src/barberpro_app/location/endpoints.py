"""The JSON API of locations and holidays; reading is public."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

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
    no_content,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.idempotency import once
from barberpro_app.kit.schemas import FIRST_YEAR, LAST_YEAR, Day
from barberpro_app.location import service
from barberpro_app.location.schemas import (
    HolidayChoice,
    HolidayList,
    Location,
    LocationDraft,
    LocationList,
    LocationPatch,
)

router = APIRouter(prefix=API, tags=["locations"])

Reader = Annotated[Principal, Depends(PublicScope("catalog:read"))]
Writer = Annotated[Principal, Depends(require_scope("catalog:write"))]


@router.get("/locations", response_model=LocationList, responses=PUBLIC)
async def list_locations(request: Request, principal: Reader) -> Response:
    """Where the business is; who may change locations sees inactive ones too."""
    async with database_of(request).connection() as connection:
        found = await service.list_locations(
            connection, inactive=principal.has_scope("catalog:write")
        )
    return answer(LocationList(items=found))


@router.post("/locations", status_code=201, response_model=Location, responses=WRITING)
async def create_location(
    request: Request, principal: Writer, body: LocationDraft, key: IdempotencyHeader = None
) -> Response:
    """A new location."""
    app, actor = configuration_of(request), actor_of(request, principal)
    stored = key_of(principal, key, "location", body)
    async with database_of(request).transaction() as connection:
        created = await once(
            connection,
            stored,
            Location,
            lambda: service.create_location(connection, app, actor, body),
        )
    return answer(created, 201)


@router.patch("/locations/{location_id}", response_model=Location, responses=WRITING)
async def update_location(
    request: Request, principal: Writer, location_id: UUID, body: LocationPatch
) -> Response:
    """Change a location."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        updated = await service.update_location(connection, actor, location_id, body)
    return answer(updated)


@router.get("/holidays/{year}", response_model=HolidayList, responses=PUBLIC)
async def list_holidays(
    request: Request,
    _principal: Reader,
    year: Annotated[int, Path(ge=FIRST_YEAR, le=LAST_YEAR)],
) -> Response:
    """The public holidays of a year, with the owner's word on them."""
    async with database_of(request).connection() as connection:
        found = await service.list_holidays(connection, configuration_of(request), year)
    return answer(HolidayList(items=found))


@router.put("/holidays/days/{day}", status_code=204, responses=WRITING)
async def choose_holiday(
    request: Request, principal: Writer, day: Day, body: HolidayChoice
) -> Response:
    """Open or close the business on a day, whatever the calendar says."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        await service.choose_holiday(connection, actor, day, body)
    return no_content()


@router.delete("/holidays/days/{day}", status_code=204, responses=WRITING)
async def forget_holiday(request: Request, principal: Writer, day: Day) -> Response:
    """Let the calendar decide about a day again."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        await service.forget_holiday(connection, actor, day)
    return no_content()
