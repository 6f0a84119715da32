"""Programs that may use the API."""

from __future__ import annotations

import re

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity import clients
from barberpro_app.identity.auth import SCOPES, require_role
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import (
    Field,
    FormPage,
    ListPage,
    Row,
    form_panel,
    list_panel,
    panel,
)
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

# A program may be given every scope, so only an owner gives them.
router = APIRouter(include_in_schema=False, dependencies=[Depends(require_role("owner"))])
HOME = "/ajustes/api"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        found = await clients.list_api_clients(connection)
    t, stamp = reader.t, reader.fmt.stamp
    rows = [
        Row(
            (item.name, ", ".join(item.scopes), stamp(item.created_at),
             stamp(item.last_used_at) if item.last_used_at else "–"),
            f"{HOME}/{item.name}",
        )
        for item in found
    ]  # fmt: skip
    what = ListPage(
        t("api.title"),
        (t("brand.name"), t("api.scopes"), t("api.created"), t("api.used")),
        rows,
        lead=t("api.lead"),
        add=f"{HOME}/nuevo",
        add_label=t("api.new"),
    )
    return list_panel(request, reader, what)


def _scope(reader: Reader, scope: str) -> str:
    """What it permits, in words, and the word that programs use."""
    key = f"scope.{scope}"
    return f"{reader.t(key)} ({scope})" if reader.t.has(key) else scope


def _page(reader: Reader) -> FormPage:
    t = reader.t
    scopes = [(scope, _scope(reader, scope)) for scope in SCOPES]
    fields = [
        Field("nombre", t("brand.name"), hint=t("api.name_hint"), extra={"maxlength": 63}),
        Field("permisos", t("api.scopes"), kind="ticks", options=scopes),
    ]
    return FormPage(t("api.new"), fields, back=HOME)


@router.get(f"{HOME}/nuevo")
async def new(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return form_panel(request, reader, _page(reader), Form.empty())


@router.post(f"{HOME}/nuevo")
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Shows the secret in this answer and nowhere else."""
    form = await submitted(request)
    name = form.text("nombre", most=63)
    scopes = [scope for scope in form.several("permisos") if scope in SCOPES]
    if name and not NAME.fullmatch(name):
        form.refuse("nombre", "error.api_name")
    if not scopes:
        form.refuse("permisos", "error.choice")
    if not form.ok:
        return form_panel(request, reader, _page(reader), form)
    try:
        async with reader.database.transaction() as connection:
            made = await clients.create_api_client(
                connection, actor(request, reader.principal), name, scopes
            )
    except AppError as error:
        return form_panel(request, reader, _page(reader), form, error)
    heading = reader.t("api.made")
    return panel(request, reader, "secret", heading, client_id=made.name, secret=made.secret)


@router.get(HOME + "/{name}")
async def show(request: Request, name: str, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        found = await clients.list_api_clients(connection)
    item = next((one for one in found if one.name == name), None)
    if item is None:
        raise NotFoundError
    scopes = [_scope(reader, scope) for scope in item.scopes]
    return panel(request, reader, "api_client", name, item=item, scopes=scopes)


@router.post(HOME + "/{name}/quitar")
async def remove(request: Request, name: str, reader: Reader = Depends(reader_of)) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await clients.remove_api_client(connection, actor(request, reader.principal), name)
    return see(f"{HOME}?hecho=1")
