"""The JSON API of licences."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.edge import API, READING, WRITING, actor_of, answer, database_of
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.provider_verification import service
from barberpro_app.provider_verification.documents import LARGEST, DocumentError
from barberpro_app.provider_verification.schemas import (
    Licence,
    LicenceDraft,
    Review,
    VerificationList,
)

router = APIRouter(prefix=API, tags=["licences"])

Reader = Annotated[Principal, Depends(require_scope("providers:read"))]
Reviewer = Annotated[Principal, Depends(require_scope("settings:write"))]


@router.get("/licences", response_model=VerificationList, responses=READING)
async def overview(request: Request, principal: Reader) -> Response:
    """Every provider's licences, whether they may be booked, and what is to do."""
    async with database_of(request).connection() as connection:
        found = await service.overview(connection, actor_of(request, principal))
    return answer(found)


@router.post(
    "/providers/{provider_id}/licences", response_model=Licence, status_code=201, responses=WRITING
)
async def claim(
    request: Request, provider_id: UUID, draft: LicenceDraft, principal: Reader
) -> Response:
    """A licence, to be checked."""
    async with database_of(request).transaction() as connection:
        made = await service.claim(connection, actor_of(request, principal), provider_id, draft)
    return answer(made, 201)


@router.post("/licences/{licence_id}/review", response_model=Licence, responses=WRITING)
async def review(
    request: Request, licence_id: UUID, found: Review, principal: Reviewer
) -> Response:
    """What the check with the college or REFEPS found."""
    async with database_of(request).transaction() as connection:
        done = await service.review(connection, actor_of(request, principal), licence_id, found)
    return answer(done)


_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary", "maxLength": LARGEST}}
            for kind in ("application/pdf", "image/jpeg", "image/png")
        },
    }
}


@router.put(
    "/licences/{licence_id}/document",
    response_model=Licence,
    responses=WRITING,
    openapi_extra=_UPLOAD,
)
async def attach(request: Request, licence_id: UUID, principal: Reader) -> Response:
    """The document: PDF, JPEG or PNG, at most 900 kB; told by its bytes, not by its type."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST:
            raise DocumentError
    async with database_of(request).transaction() as connection:
        done = await service.attach(
            connection, actor_of(request, principal), licence_id, bytes(content)
        )
    return answer(done)


@router.get(
    "/licences/{licence_id}/document",
    response_class=Response,
    responses={**READING, 200: {"content": {kind: {} for kind in service.MEDIA_TYPES}}},
)
async def read_document(request: Request, licence_id: UUID, principal: Reader) -> Response:
    """The document as it was uploaded."""
    async with database_of(request).transaction() as connection:
        found = await service.read_document(connection, actor_of(request, principal), licence_id)
    return document_response(found)


def document_response(found: service.Document) -> Response:
    """To be saved, not shown: no document runs in the site's name."""
    suffix = found.media_type.rpartition("/")[2]
    return Response(
        found.content,
        media_type=found.media_type,
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="licence.{suffix}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
