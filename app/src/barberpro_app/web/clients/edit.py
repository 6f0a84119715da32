"""The form of a client: contact, tags, preferences."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.client import service
from barberpro_app.client.schemas import MOST_TAGS, Client, ClientPatch
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.provider.service import list_providers
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("clients:write"))])
HOME = "/clientes"


def client_values(reader: Reader, form: Form) -> dict[str, Any]:
    """What was typed, with problems noted in the form."""
    tags = [tag.strip() for tag in form.text("etiquetas", most=340, required=False).split(",")]
    tags = [tag for tag in tags if tag]
    if len(tags) > MOST_TAGS or any(len(tag) > 30 for tag in tags):
        form.refuse("etiquetas", "clients.tags_wrong")
        tags = []
    return {
        "name": form.text("nombre", most=120),
        "email": form.email("email", required=False) or None,
        "phone": form.phone("telefono", country=reader.app.country, required=False) or None,
        "note": form.text("nota", most=2000, required=False, lines=True),
        "tags": tags,
        "preferred_provider_id": form.key("profesional", required=False),
    }


async def form_page(
    request: Request,
    reader: Reader,
    form: Form,
    client: Client | None,
    error: AppError | None = None,
) -> Response:
    """For a client who is there, or for a new one."""
    async with reader.database.connection() as connection:
        people = [(person.id, person.name) for person in await list_providers(connection)]
    return page(
        request,
        reader,
        "clients/form.html",
        error.status if error else 422 if form.problems else 200,
        client=client,
        people=people,
        form=form,
        problem=explain(reader, error) if error else "",
    )


@router.get(HOME + "/{client_id}/editar")
async def show(request: Request, client_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        client = await service.get_client(connection, actor(request, reader.principal), client_id)
    form = Form.empty(
        nombre=client.name,
        email=client.email,
        telefono=client.phone,
        nota=client.note,
        etiquetas=", ".join(client.tags),
        profesional=client.preferred_provider_id,
        version=client.version,
    )
    return await form_page(request, reader, form, client)


@router.post(HOME + "/{client_id}/editar")
async def change(
    request: Request, client_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    who = actor(request, reader.principal)
    values = client_values(reader, form)
    async with reader.database.connection() as connection:
        client = await service.get_client(connection, who, client_id)
    if not form.ok:
        return await form_page(request, reader, form, client)
    emptied = [name for name in ("email", "phone", "preferred_provider_id") if values[name] is None]
    patch = ClientPatch.model_validate(
        {**values, "version": form.version() or client.version, "remove": emptied}
    )
    try:
        async with reader.database.transaction() as connection:
            await service.update_client(connection, who, client.id, patch)
    except AppError as error:
        if error.code == "duplicate":
            form.refuse("email", "clients.known")
            return await form_page(request, reader, form, client)
        if error.status not in (409, 422):
            raise
        return await form_page(request, reader, form, client, error)
    return see(f"{HOME}/{client.id}?hecho=guardado")
