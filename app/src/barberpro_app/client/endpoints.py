"""The JSON API of clients."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from barberpro_app.client import service
from barberpro_app.client.schemas import Client, ClientDraft, ClientPage, ClientPatch
from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    ClientOrScope,
    IdempotencyHeader,
    actor_of,
    answer,
    database_of,
    key_of,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.idempotency import once
from barberpro_app.kit.schemas import Line

router = APIRouter(prefix=f"{API}/clients", tags=["clients"])

Reader = Annotated[Principal, Depends(require_scope("clients:read"))]
OwnReader = Annotated[Principal, Depends(ClientOrScope("clients:read"))]
Writer = Annotated[Principal, Depends(require_scope("clients:write"))]


@router.get("", response_model=ClientPage, responses=READING)
async def search_clients(
    request: Request,
    _principal: Reader,
    q: Annotated[Line, Query(max_length=120)] = "",
    after: Annotated[Line, Query(max_length=200)] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Clients by the beginning of name or e-mail, or by digits of the telephone number."""
    async with database_of(request).connection() as connection:
        return answer(await service.search_clients(connection, q, after, limit))


@router.get("/{client_id}", response_model=Client, responses=READING)
async def get_client(request: Request, principal: OwnReader, client_id: UUID) -> Response:
    """One client; a signed-in client sees the own record."""
    async with database_of(request).connection() as connection:
        found = await service.get_client(connection, actor_of(request, principal), client_id)
    return answer(found)


@router.post("", status_code=201, response_model=Client, responses=WRITING)
async def upsert_client(
    request: Request, principal: Writer, body: ClientDraft, key: IdempotencyHeader = None
) -> Response:
    """Make a client, or write over the one with this e-mail."""
    actor, stored = actor_of(request, principal), key_of(principal, key, "client", body)
    async with database_of(request).transaction() as connection:
        saved = await once(
            connection, stored, Client, lambda: service.upsert_client(connection, actor, body)
        )
    return answer(saved, 201)


@router.patch("/{client_id}", response_model=Client, responses=WRITING)
async def update_client(
    request: Request, principal: Writer, client_id: UUID, body: ClientPatch
) -> Response:
    """Change a client."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        updated = await service.update_client(connection, actor, client_id, body)
    return answer(updated)
