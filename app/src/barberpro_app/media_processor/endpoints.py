"""Photographs over HTTP: sent as the body itself, published under names that never change."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.edge import API, READING, WRITING, actor_of, answer, database_of
from barberpro_app.identity.auth import current_principal, require_role
from barberpro_app.identity.principal import Principal
from barberpro_app.media_processor import service
from barberpro_app.media_processor.schemas import Media
from barberpro_app.media_processor.storage import MediaFolder

router = APIRouter(tags=["media"])
Member = Annotated[Principal, Depends(require_role("owner", "manager", "provider", "reception"))]
_IMAGE = {
    name: {"schema": {"type": "string", "format": "binary"}}
    for name in ("image/jpeg", "image/png", "image/webp", "image/avif")
}


def folder_of(request: Request) -> MediaFolder:
    return MediaFolder(request.app.state.settings.media_folder)


@router.post(
    f"{API}/media",
    response_model=Media,
    status_code=202,
    responses=WRITING,
    openapi_extra={"requestBody": {"required": True, "content": _IMAGE}},
)
async def upload(request: Request, principal: Member) -> Response:
    """Send a photograph as the body; the worker makes its sizes. Its type is read from it."""
    content = await request.body()
    async with database_of(request).transaction() as connection:
        taken = await service.take(
            connection, folder_of(request), actor_of(request, principal), content
        )
    return answer(taken, 202)


@router.get(f"{API}/media/{{media_id}}", response_model=Media, responses=READING)
async def show(request: Request, media_id: UUID, _principal: Member) -> Response:
    """How far a photograph is."""
    async with database_of(request).connection() as connection:
        return answer(await service.get(connection, media_id))


@router.get("/media/{name}", include_in_schema=False)
async def published(
    request: Request, name: str, principal: Annotated[Principal, Depends(current_principal)]
) -> Response:
    """A published file. One that is not published yet is for the staff, and not for caches."""
    async with database_of(request).connection() as connection:
        content, media_type, public = await service.published(
            connection, folder_of(request), name, staff=principal.is_staff
        )
    caching = "public, max-age=31536000, immutable" if public else "no-store"
    return Response(content, media_type=media_type, headers={"Cache-Control": caching})
