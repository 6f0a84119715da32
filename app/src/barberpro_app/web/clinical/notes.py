"""A professional's own notes about a patient: writing, finding, changing, removing."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.clinical_records.persons import require_team, vault_of
from barberpro_app.encrypted_notes import service
from barberpro_app.encrypted_notes.schemas import NoteDraft, NotePatch, NoteSearch
from barberpro_app.kit.errors import AppError
from barberpro_app.web.clinical.common import patient_page
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_team)])
HOME = "/pacientes/{client_id}/notas"


@router.get(HOME)
async def show(request: Request, client_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader, client_id)


async def _page(
    request: Request,
    reader: Reader,
    client_id: UUID,
    form: Form | None = None,
    error: AppError | None = None,
    words: str = "",
) -> Response:
    who, vault = actor(request, reader.principal), vault_of(request)
    async with reader.database.transaction() as connection:
        found = await service.list_notes(connection, vault, who, client_id)
        if words and error is None:
            query = NoteSearch(words=words, client_id=client_id)
            found = await service.search_notes(connection, vault, who, query)
    return await patient_page(
        request, reader, client_id, "notes", form=form, error=error, notes=found.items, words=words
    )


@router.post(HOME)
async def add(request: Request, client_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    text = form.text("texto", most=20_000, lines=True)
    new = draft(form, NoteDraft, {"text": text}, {"text": "texto"})
    if new is None:
        return await _page(request, reader, client_id, form)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await service.add_note(connection, vault_of(request), who, client_id, new)
    return see(f"/pacientes/{client_id}/notas?hecho=guardado")


@router.post(HOME + "/buscar")
async def find(request: Request, client_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    """A form that posts, so that no address and no log keeps the words."""
    form = await submitted(request)
    words = form.text("palabras", most=200, required=False)
    if words and draft(form, NoteSearch, {"words": words}, {"words": "palabras"}) is None:
        return await _page(request, reader, client_id, form)
    try:
        return await _page(request, reader, client_id, form, words=words)
    except AppError as error:
        if error.status != 422:
            raise
        form.refuse("palabras", "notes.short")
        return await _page(request, reader, client_id, form)


@router.post(HOME + "/{note_id}")
async def change(
    request: Request, client_id: UUID, note_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {"text": form.text("texto", most=20_000, lines=True), "version": form.version()}
    new = draft(form, NotePatch, values, {"text": "texto"})
    if new is None:
        return await _page(request, reader, client_id, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.change_note(connection, vault_of(request), who, note_id, new)
    except AppError as error:
        if error.status != 409:
            raise
        return await _page(request, reader, client_id, form, error)
    return see(f"/pacientes/{client_id}/notas?hecho=guardado")


@router.post(HOME + "/{note_id}/borrar")
async def remove(
    request: Request, client_id: UUID, note_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await service.remove_note(connection, actor(request, reader.principal), note_id)
    return see(f"/pacientes/{client_id}/notas?hecho=borrado")
