"""The JSON API of what the team is told."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.edge import API, READING, WRITING, actor_of, answer, database_of
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.team_notices import service
from barberpro_app.team_notices.schemas import TeamNotices, TeamNoticesChange

router = APIRouter(prefix=f"{API}/settings/team-notices", tags=["settings"])

Reader = Annotated[Principal, Depends(require_scope("settings:read"))]
Writer = Annotated[Principal, Depends(require_scope("settings:write"))]


@router.get("", response_model=TeamNotices, responses=READING)
async def get_notices(request: Request, _principal: Reader) -> Response:
    """Who of the team is told by e-mail of what clients do."""
    async with database_of(request).connection() as connection:
        return answer(await service.get_notices(connection))


@router.put("", response_model=TeamNotices, responses=WRITING)
async def change_notices(request: Request, principal: Writer, body: TeamNoticesChange) -> Response:
    """Change who is told of what."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        return answer(await service.change_notices(connection, actor, body))
