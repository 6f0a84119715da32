"""The JSON API of clients."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from barberpro_app.client import history, merging, notes, service
from barberpro_app.client.history_schemas import ClientHistory
from barberpro_app.client.schemas import (
    Block,
    Client,
    ClientDraft,
    ClientPage,
    ClientPatch,
    MergeRequest,
    MergeResult,
    NotSame,
    PairList,
    TeamNote,
    TeamNoteDraft,
    TeamNoteList,
    Unblock,
)
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
    no_content,
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
    tag: Annotated[Line, Query(min_length=1, max_length=30)] | None = None,
    blocked: bool | None = None,
    after: Annotated[Line, Query(max_length=200)] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Clients by any part of name (without regard to accents), e-mail or telephone number."""
    async with database_of(request).connection() as connection:
        found = await service.search_clients(connection, q, after, limit, tag=tag, blocked=blocked)
    return answer(found)


@router.get("/duplicates", response_model=PairList, responses=READING)
async def duplicates(
    request: Request, _principal: Reader, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> Response:
    """Records that may be of one person, the likeliest first."""
    async with database_of(request).connection() as connection:
        return answer(await merging.suggest_pairs(connection, limit))


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


@router.put("/{client_id}/block", response_model=Client, responses=WRITING)
async def block_client(
    request: Request, principal: Writer, client_id: UUID, body: Block
) -> Response:
    """Close booking online to a client, who is told only to get in touch."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        return answer(await service.block_client(connection, actor, client_id, body))


@router.post("/{client_id}/unblock", response_model=Client, responses=WRITING)
async def unblock_client(
    request: Request, principal: Writer, client_id: UUID, body: Unblock
) -> Response:
    """Open booking online again."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        return answer(await service.unblock_client(connection, actor, client_id, body))


@router.get("/{client_id}/history", response_model=ClientHistory, responses=READING)
async def client_history(request: Request, principal: Reader, client_id: UUID) -> Response:
    """Bookings, series, payments, credits, messages and consents of a client, newest first."""
    async with database_of(request).connection() as connection:
        actor = actor_of(request, principal)
        return answer(await history.client_history(connection, actor, client_id))


@router.get("/{client_id}/team-notes", response_model=TeamNoteList, responses=READING)
async def list_team_notes(request: Request, principal: Reader, client_id: UUID) -> Response:
    """The notes that the caller's role may see."""
    async with database_of(request).connection() as connection:
        return answer(await notes.list_notes(connection, actor_of(request, principal), client_id))


@router.post("/{client_id}/team-notes", status_code=201, response_model=TeamNote, responses=WRITING)
async def add_team_note(
    request: Request,
    principal: Writer,
    client_id: UUID,
    body: TeamNoteDraft,
    key: IdempotencyHeader = None,
) -> Response:
    """Write a note for those of the team who may read it."""
    actor = actor_of(request, principal)
    stored = key_of(principal, key, f"note:{client_id}", body)
    async with database_of(request).transaction() as connection:
        made = await once(
            connection, stored, TeamNote, lambda: notes.add_note(connection, actor, client_id, body)
        )
    return answer(made, 201)


@router.delete("/{client_id}/team-notes/{note_id}", status_code=204, responses=WRITING)
async def remove_team_note(
    request: Request, principal: Writer, client_id: UUID, note_id: UUID
) -> Response:
    """Remove the own note; owners and managers any that they read."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        await notes.remove_note(connection, actor, client_id, note_id)
    return no_content()


@router.get("/{client_id}/duplicates", response_model=PairList, responses=READING)
async def duplicates_of(request: Request, principal: Reader, client_id: UUID) -> Response:
    """Records that may be of the same person as this one."""
    async with database_of(request).connection() as connection:
        actor = actor_of(request, principal)
        return answer(await merging.suggest_for(connection, actor, client_id))


@router.post("/{client_id}/merge", response_model=MergeResult, responses=WRITING)
async def merge_clients(
    request: Request, principal: Writer, client_id: UUID, body: MergeRequest
) -> Response:
    """Make another record of the same person part of this one. It cannot be undone."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        return answer(await merging.merge_clients(connection, actor, client_id, body))


@router.post("/{client_id}/not-same", status_code=204, responses=WRITING)
async def tell_apart(
    request: Request, principal: Writer, client_id: UUID, body: NotSame
) -> Response:
    """Say that two records are of two people."""
    actor = actor_of(request, principal)
    async with database_of(request).transaction() as connection:
        await merging.tell_apart(connection, actor, client_id, body)
    return no_content()
