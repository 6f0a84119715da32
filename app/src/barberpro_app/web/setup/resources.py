"""Chairs, rooms and equipment of each place."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.location.service import list_locations
from barberpro_app.resource import service
from barberpro_app.resource.schemas import ResourceDraft, ResourcePatch
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import (
    Field,
    FormPage,
    ListPage,
    Options,
    Row,
    form_panel,
    list_panel,
)
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("catalog:write"))])
HOME = "/ajustes/recursos"


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        found = await service.list_resources(connection)
        places = {p.id: p.name for p in await list_locations(connection, inactive=True)}
    t = reader.t
    rows = [
        Row(
            (
                item.name,
                item.kind,
                places.get(item.location_id, ""),
                t("setup.yes" if item.active else "setup.no"),
            ),
            f"{HOME}/{item.id}",
        )
        for item in found
    ]
    columns = (t("brand.name"), t("resource.kind"), t.word("Location"), t("setup.active"))
    what = ListPage(
        t("resource.title"),
        columns,
        rows,
        lead=t("resource.lead"),
        add=f"{HOME}/nuevo",
        add_label=t("setup.add"),
    )
    return list_panel(request, reader, what)


def _page(reader: Reader, heading: str, places: Options | None) -> FormPage:
    """With places for a new one: an existing resource keeps its place and kind."""
    t = reader.t
    fields = [Field("nombre", t("brand.name"), hint=t("resource.name_hint"), extra={"maxlength": 120})]  # fmt: skip
    if places is not None:
        fields += [
            Field("tipo", t("resource.kind"), hint=t("resource.kind_hint"), extra={"maxlength": 40}),
            Field("sede", t.word("Location"), kind="choose", options=places),
        ]  # fmt: skip
    fields.append(Field("orden", t("service.order"), kind="number", extra={"min": 0}))
    if places is None:
        fields.append(Field("activo", t("setup.active"), kind="tick"))
    return FormPage(heading, fields, back=HOME)


async def _places(reader: Reader) -> Options:
    async with reader.database.connection() as connection:
        return [(place.id, place.name) for place in await list_locations(connection)]


def _values(form: Form) -> dict[str, Any]:
    return {
        "name": form.text("nombre", most=120),
        "sort": form.integer("orden", least=0, most=1_000_000),
    }


@router.get(f"{HOME}/nuevo")
async def new(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    what = _page(reader, reader.t("setup.add"), await _places(reader))
    return form_panel(request, reader, what, Form.empty(orden=0))


@router.post(f"{HOME}/nuevo")
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values = _values(form)
    kind, location_id = form.text("tipo", most=40), form.key("sede")
    what = _page(reader, reader.t("setup.add"), await _places(reader))
    if not form.ok or location_id is None:
        return form_panel(request, reader, what, form)
    try:
        async with reader.database.transaction() as connection:
            draft = ResourceDraft(location_id=location_id, kind=kind, **values)
            await service.create_resource(connection, actor(request, reader.principal), draft)
    except AppError as error:
        return form_panel(request, reader, what, form, error)
    return see(f"{HOME}?hecho=1")


@router.get(HOME + "/{resource_id}")
async def show(
    request: Request, resource_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    async with reader.database.connection() as connection:
        item = await service.get_resource(connection, resource_id)
    form = Form.empty(
        nombre=item.name,
        orden=item.sort,
        activo="1" if item.active else None,
        version=item.version,
    )
    return form_panel(request, reader, _page(reader, f"{item.name} · {item.kind}", None), form)


@router.post(HOME + "/{resource_id}")
async def change(
    request: Request, resource_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = _values(form)
    what = _page(reader, values["name"] or reader.t("resource.title"), None)
    if not form.ok:
        return form_panel(request, reader, what, form)
    patch = ResourcePatch(version=form.version() or 1, active=form.flag("activo"), **values)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.update_resource(connection, who, resource_id, patch)
    except AppError as error:
        return form_panel(request, reader, what, form, error)
    return see(f"{HOME}?hecho=1")
