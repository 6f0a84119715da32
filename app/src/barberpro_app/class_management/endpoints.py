"""The JSON API of the timetable."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.class_management import service
from barberpro_app.class_management.schemas import (
    ClassChange,
    ClassDraft,
    ClassEnd,
    ClassRules,
    ClassRulesChange,
    GymClass,
    GymClassList,
)
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

router = APIRouter(prefix=API, tags=["classes"])

Reader = Annotated[Principal, Depends(require_scope("bookings:read"))]
Writer = Annotated[Principal, Depends(require_scope("catalog:write"))]
SettingsReader = Annotated[Principal, Depends(require_scope("settings:read"))]
SettingsWriter = Annotated[Principal, Depends(require_scope("settings:write"))]


@router.get("/classes", response_model=GymClassList, responses=READING)
async def every(request: Request, _principal: Reader, ended: bool = False) -> Response:
    """The timetable; with `ended`, also classes that are given no more."""
    async with database_of(request).connection() as connection:
        return answer(await service.list_classes(connection, ended=ended))


@router.get("/classes/{class_id}", response_model=GymClass, responses=READING)
async def get(request: Request, _principal: Reader, class_id: UUID) -> Response:
    """One class."""
    async with database_of(request).connection() as connection:
        return answer(await service.get_class(connection, class_id))


@router.post("/classes", status_code=201, response_model=GymClass, responses=WRITING)
async def create(
    request: Request, principal: Writer, body: ClassDraft, key: IdempotencyHeader = None
) -> Response:
    """Put a class into the timetable; its sessions of the coming weeks are made at once."""
    stored = key_of(principal, key, "class", body)
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        made = await service.create_class(
            connection, configuration_of(request), actor, body, stored
        )
    return answer(made, 201)


@router.put("/classes/{class_id}", response_model=GymClass, responses=WRITING)
async def change(
    request: Request, principal: Writer, class_id: UUID, body: ClassChange
) -> Response:
    """Change a class, with its sessions to come."""
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        changed = await service.change_class(
            connection, configuration_of(request), actor, class_id, body
        )
    return answer(changed)


@router.post("/classes/{class_id}/end", response_model=GymClass, responses=WRITING)
async def end(request: Request, principal: Writer, class_id: UUID, body: ClassEnd) -> Response:
    """Take a class out of the timetable; its sessions to come are cancelled."""
    actor = actor_of(request, principal)
    async with database_of(request).connection() as connection:
        ended = await service.end_class(
            connection, configuration_of(request), actor, class_id, body
        )
    return answer(ended)


@router.get("/settings/classes", response_model=ClassRules, responses=READING)
async def get_rules(request: Request, _principal: SettingsReader) -> Response:
    """What late cancelling costs, and whether who owes can book."""
    async with database_of(request).connection() as connection:
        return answer(await service.get_rules(connection))


@router.put("/settings/classes", response_model=ClassRules, responses=WRITING)
async def change_rules(
    request: Request, principal: SettingsWriter, body: ClassRulesChange
) -> Response:
    """Set what late cancelling costs, and whether who owes can book."""
    async with database_of(request).transaction() as connection:
        changed = await service.change_rules(connection, actor_of(request, principal), body)
    return answer(changed)
