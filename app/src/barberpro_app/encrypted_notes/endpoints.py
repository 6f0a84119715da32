"""The JSON API of notes: each author's own."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.clinical_records.persons import require_team, vault_of
from barberpro_app.edge import API, READING, WRITING, actor_of, answer, database_of, no_content
from barberpro_app.encrypted_notes import service
from barberpro_app.encrypted_notes.schemas import Note, NoteDraft, NoteList, NotePatch, NoteSearch
from barberpro_app.identity.principal import Principal

router = APIRouter(prefix=API, tags=["notes"])
Member = Annotated[Principal, Depends(require_team)]


@router.get("/clients/{client_id}/notes", response_model=NoteList, responses=READING)
async def list_notes(request: Request, client_id: UUID, principal: Member) -> Response:
    """Your notes about a patient."""
    vault = vault_of(request)
    async with database_of(request).transaction() as connection:
        found = await service.list_notes(connection, vault, actor_of(request, principal), client_id)
    return answer(found)


@router.post("/clients/{client_id}/notes", response_model=Note, status_code=201, responses=WRITING)
async def add_note(
    request: Request, client_id: UUID, draft: NoteDraft, principal: Member
) -> Response:
    """A note about a patient, for yourself alone."""
    vault = vault_of(request)
    async with database_of(request).transaction() as connection:
        made = await service.add_note(
            connection, vault, actor_of(request, principal), client_id, draft
        )
    return answer(made, 201)


@router.post("/notes/search", response_model=NoteList, responses=WRITING)
async def search_notes(request: Request, query: NoteSearch, principal: Member) -> Response:
    """Your notes that have all these words."""
    vault = vault_of(request)
    async with database_of(request).transaction() as connection:
        found = await service.search_notes(connection, vault, actor_of(request, principal), query)
    return answer(found)


@router.put("/notes/{note_id}", response_model=Note, responses=WRITING)
async def change_note(
    request: Request, note_id: UUID, patch: NotePatch, principal: Member
) -> Response:
    """New text for a note of yours."""
    vault = vault_of(request)
    async with database_of(request).transaction() as connection:
        changed = await service.change_note(
            connection, vault, actor_of(request, principal), note_id, patch
        )
    return answer(changed)


@router.delete("/notes/{note_id}", status_code=204, responses=WRITING)
async def remove_note(request: Request, note_id: UUID, principal: Member) -> Response:
    """Takes a note of yours away for good."""
    async with database_of(request).transaction() as connection:
        await service.remove_note(connection, actor_of(request, principal), note_id)
    return no_content()
