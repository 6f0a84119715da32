"""One client: who it is, what there was, notes, and closing booking online to somebody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from barberpro_app.body_data import access as body_data
from barberpro_app.client import history, merging, notes, service
from barberpro_app.client.schemas import Block, TeamNoteDraft, Unblock
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError, NotAllowedError
from barberpro_app.kit.routes import add_routes
from barberpro_app.privacy_compliance.service import personal_data
from barberpro_app.provider.service import list_providers
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
read = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:read"))])
write = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("clients:write"))])
HOME = "/clientes"
Step = Callable[[Connection], Awaitable[object]]
NOTICES = {"guardado": "setup.saved", "agregado": "clients.added", "anotado": "clients.noted",
           "quitado": "clients.note_removed", "bloqueado": "clients.was_blocked",
           "desbloqueado": "clients.was_unblocked", "unido": "clients.was_merged",
           "distintos": "clients.were_told_apart"}  # fmt: skip


@read.get(HOME + "/{client_id}")
async def show(
    request: Request, client_id: UUID, hecho: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    """The profile; the record of somebody with two is shown under the one that was kept."""
    who = actor(request, reader.principal)
    async with reader.database.connection() as connection:
        found = (await service.get_client(connection, who, client_id)).id
    if found != client_id:
        return see(f"{HOME}/{found}")
    notice = NOTICES.get(hecho)
    return await _page(request, reader, client_id, Form.empty(), notice=notice or "")


async def _page(
    request: Request,
    reader: Reader,
    client_id: UUID,
    form: Form,
    error: AppError | None = None,
    notice: str = "",
) -> Response:
    who = actor(request, reader.principal)
    wide = reader.principal.has_scope("clients:read")
    async with reader.database.connection() as connection:
        client = await service.get_client(connection, who, client_id)
        past = await history.client_history(connection, who, client_id)
        written = await notes.list_notes(connection, who, client_id)
        alike = (await merging.suggest_for(connection, who, client_id)).items if wide else []
        attends = await body_data.attends(connection, reader.principal, client_id)
        people = {person.id: person.name for person in await list_providers(connection)}
    name = reader.app.locale
    return page(
        request,
        reader,
        "clients/profile.html",
        error.status if error else 422 if form.problems else 200,
        client=client,
        attends=attends,
        past=past,
        service_name=lambda texts: in_language(texts, reader.locale, name),
        notes=written.items,
        levels=[
            (item, reader.t(f"clients.readers.{item}")) for item in notes.writable(reader.principal)
        ],
        alike=alike,
        preferred=people.get(client.preferred_provider_id) if client.preferred_provider_id else "",
        form=form,
        wide=wide,
        officer=reader.principal.has_role("owner", "manager"),
        notice=reader.t(notice) if notice else "",
        problem=explain(reader, error) if error else "",
    )


async def _do(
    request: Request, reader: Reader, client_id: UUID, form: Form, done: str, step: Step
) -> Response:
    try:
        async with reader.database.transaction() as connection:
            await step(connection)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await _page(request, reader, client_id, form, error)
    return see(f"{HOME}/{client_id}?hecho={done}")


@read.post(HOME + "/{client_id}/notas")
async def add_note(
    request: Request, client_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    readers = form.choice("lectores", notes.writable(reader.principal))
    text = form.text("nota", most=2000, lines=True)
    if not form.ok:
        return await _page(request, reader, client_id, form)
    draft = TeamNoteDraft.model_validate({"readers": readers, "text": text})
    who = actor(request, reader.principal)
    return await _do(
        request, reader, client_id, form, "anotado",
        lambda connection: notes.add_note(connection, who, client_id, draft),
    )  # fmt: skip


@read.post(HOME + "/{client_id}/notas/{note_id}/quitar")
async def remove_note(
    request: Request, client_id: UUID, note_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    who = actor(request, reader.principal)
    return await _do(
        request, reader, client_id, form, "quitado",
        lambda connection: notes.remove_note(connection, who, client_id, note_id),
    )  # fmt: skip


@write.post(HOME + "/{client_id}/bloquear")
async def block(request: Request, client_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    reason = form.text("motivo", most=200)
    if not form.ok:
        return await _page(request, reader, client_id, form)
    wanted = Block(version=form.version() or 1, reason=reason)
    who = actor(request, reader.principal)
    return await _do(
        request, reader, client_id, form, "bloqueado",
        lambda connection: service.block_client(connection, who, client_id, wanted),
    )  # fmt: skip


@write.post(HOME + "/{client_id}/desbloquear")
async def unblock(
    request: Request, client_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    wanted = Unblock(version=form.version() or 1)
    who = actor(request, reader.principal)
    return await _do(
        request, reader, client_id, form, "desbloqueado",
        lambda connection: service.unblock_client(connection, who, client_id, wanted),
    )  # fmt: skip


@read.get(HOME + "/{client_id}/exportar")
async def export(
    request: Request, client_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """Everything that is kept about the person, as a file to hand over (Ley 25.326 art. 14)."""
    if not reader.principal.has_role("owner", "manager"):
        raise NotAllowedError
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        found = await personal_data(connection, reader.app, who, client_id)
    return JSONResponse(
        found.model_dump(mode="json"),
        headers={
            "Content-Disposition": f'attachment; filename="datos-{client_id}.json"',
            "Cache-Control": "no-store",
        },
    )


add_routes(router, [read, write])
