"""The JSON API of activities: for signed-in people."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from barberpro_app.biometric_integration import service
from barberpro_app.biometric_integration.errors import FileUnsafeError
from barberpro_app.biometric_integration.files import LARGEST
from barberpro_app.biometric_integration.schemas import Activities, Imported
from barberpro_app.clinical_records.persons import require_person
from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    actor_of,
    answer,
    configuration_of,
    database_of,
    no_content,
)
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.errors import NotAllowedError
from barberpro_app.kit.ratelimit import RateLimiter
from barberpro_app.kit.schemas import Instant

router = APIRouter(prefix=API, tags=["activities"])

Person = Annotated[Principal, Depends(require_person)]
_FILE = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary", "maxLength": LARGEST}
            }
        },
    }
}


def turn_of(request: Request) -> asyncio.Semaphore:
    """One file is read at a time in a process."""
    state = request.app.state
    if not hasattr(state, "file_turn"):
        state.file_turn = asyncio.Semaphore(1)
    turn: asyncio.Semaphore = state.file_turn
    return turn


@router.post(
    "/activity-imports",
    response_model=Imported,
    status_code=201,
    responses=WRITING,
    openapi_extra=_FILE,
)
async def import_file(
    request: Request, principal: Person, client_id: Annotated[UUID | None, Query()] = None
) -> Response:
    """A FIT, GPX, TCX or CSV file as the body (gzip, or a zip of one, too); told by its bytes.

    Yours, or that of a client whom you attend.
    """
    whose = client_id or principal.client_id
    if whose is None:
        raise NotAllowedError
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(service.IMPORTS_PER_PERSON, f"{principal.kind}:{principal.id}")
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST:
            raise FileUnsafeError
    made = await service.take(
        database_of(request),
        configuration_of(request),
        actor_of(request, principal),
        whose,
        bytes(content),
        turn_of(request),
    )
    return answer(made, 201)


@router.get("/clients/{client_id}/activities", response_model=Activities, responses=READING)
async def activities(
    request: Request,
    client_id: UUID,
    principal: Person,
    before: Annotated[Instant | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=service.MOST_LISTED)] = 50,
) -> Response:
    """A person's activities, newest first."""
    async with database_of(request).transaction() as connection:
        found = await service.activities(
            connection, actor_of(request, principal), client_id, before, limit
        )
    return answer(found)


@router.delete("/activities/{activity_id}", status_code=204, responses=WRITING)
async def delete(request: Request, activity_id: UUID, principal: Person) -> Response:
    """Delete one activity."""
    async with database_of(request).transaction() as connection:
        await service.delete(connection, actor_of(request, principal), activity_id)
    return no_content()
