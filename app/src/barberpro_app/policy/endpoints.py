"""The JSON API of policies."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    actor_of,
    answer,
    configuration_of,
    database_of,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.policy import service
from barberpro_app.policy.schemas import EffectivePolicies, PoliciesPatch

router = APIRouter(prefix=f"{API}/settings/policies", tags=["settings"])

Reader = Annotated[Principal, Depends(require_scope("settings:read"))]
Writer = Annotated[Principal, Depends(require_scope("settings:write"))]


@router.get("", response_model=EffectivePolicies, responses=READING)
async def get_policies(request: Request, _principal: Reader) -> Response:
    """The policies that hold now."""
    async with database_of(request).connection() as connection:
        return answer(await service.get_policies(connection, configuration_of(request)))


@router.patch("", response_model=EffectivePolicies, responses=WRITING)
async def change_policies(request: Request, principal: Writer, body: PoliciesPatch) -> Response:
    """Change policies; what is left out stays."""
    app, actor = configuration_of(request), actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        changed = await service.change_policies(connection, app, actor, body)
    return answer(changed)
