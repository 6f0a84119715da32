"""The places of the business."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.location import service
from barberpro_app.location.schemas import LocationDraft, LocationPatch
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import (
    Field,
    FormPage,
    ListPage,
    Row,
    form_panel,
    key_for,
    list_panel,
)
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("catalog:write"))])
HOME = "/ajustes/sedes"


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        places = await service.list_locations(connection, inactive=True)
    t = reader.t
    rows = [
        Row(
            (
                place.name,
                place.address,
                place.phone,
                t("setup.yes" if place.active else "setup.no"),
            ),
            f"{HOME}/{place.id}",
        )
        for place in places
    ]
    columns = (t("brand.name"), t("location.address"), t("details.phone"), t("setup.active"))
    what = ListPage(
        t.word("Locations"), columns, rows, add=f"{HOME}/nueva", add_label=t("setup.add")
    )
    return list_panel(request, reader, what)


def _page(reader: Reader, heading: str, new: bool) -> FormPage:
    t = reader.t
    fields = [
        Field("nombre", t("brand.name"), extra={"maxlength": 120}),
        Field("direccion", t("location.address"), required=False, extra={"maxlength": 200}),
        Field("telefono", t("details.phone"), kind="tel", required=False, extra={"maxlength": 40}),
        Field("orden", t("service.order"), kind="number", extra={"min": 0}),
    ]
    if not new:
        fields.append(Field("activa", t("setup.active"), kind="tick"))
    return FormPage(heading, fields, back=HOME)


def _values(form: Form) -> dict[str, Any]:
    return {
        "name": form.text("nombre", most=120),
        "address": form.text("direccion", most=200, required=False),
        "phone": form.text("telefono", most=40, required=False),
        "sort": form.integer("orden", least=0, most=1_000_000),
    }


@router.get(f"{HOME}/nueva")
async def new(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    what = _page(reader, reader.t("setup.add"), new=True)
    return form_panel(request, reader, what, Form.empty(orden=0))


@router.post(f"{HOME}/nueva")
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values = _values(form)
    what = _page(reader, reader.t("setup.add"), new=True)
    if not form.ok:
        return form_panel(request, reader, what, form)
    draft = LocationDraft(key=key_for(values["name"], secrets.token_hex(3)), **values)
    async with reader.database.transaction() as connection:
        await service.create_location(
            connection, reader.app, actor(request, reader.principal), draft
        )
    return see(f"{HOME}?hecho=1")


@router.get(HOME + "/{location_id}")
async def show(
    request: Request, location_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    async with reader.database.connection() as connection:
        place = await service.get_location(connection, location_id)
    form = Form.empty(
        nombre=place.name,
        direccion=place.address,
        telefono=place.phone,
        orden=place.sort,
        activa="1" if place.active else None,
        version=place.version,
    )
    return form_panel(request, reader, _page(reader, place.name, new=False), form)


@router.post(HOME + "/{location_id}")
async def change(
    request: Request, location_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = _values(form)
    what = _page(reader, values["name"] or reader.t.word("Location"), new=False)
    if not form.ok:
        return form_panel(request, reader, what, form)
    patch = LocationPatch(version=form.version() or 1, active=form.flag("activa"), **values)
    try:
        async with reader.database.transaction() as connection:
            await service.update_location(
                connection, actor(request, reader.principal), location_id, patch
            )
    except AppError as error:
        return form_panel(request, reader, what, form, error)
    return see(f"{HOME}?hecho=1")
