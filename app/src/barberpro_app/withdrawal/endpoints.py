"""The JSON API of ending a service."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.edge import API, WRITING, actor_of, answer, configuration_of, database_of
from barberpro_app.identity.auth import require_signed_in
from barberpro_app.identity.principal import Principal
from barberpro_app.withdrawal import service
from barberpro_app.withdrawal.schemas import Ending, EndingRequest

router = APIRouter(prefix=API, tags=["money"])


@router.post("/passes/{pass_id}/ending", response_model=Ending, responses=WRITING)
async def end_membership(
    request: Request,
    pass_id: UUID,
    body: EndingRequest,
    principal: Annotated[Principal, Depends(require_signed_in)],
) -> Response:
    """End your own membership, at once. What is paid stays good; asking again answers the same."""
    async with database_of(request).transaction() as connection:
        code = await service.end_membership(
            connection,
            configuration_of(request),
            actor_of(request, principal),
            pass_id,
            body.locale,
        )
    return answer(Ending(code=code))
