"""Who works here and may sign in, with which role."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity import staff
from barberpro_app.identity.auth import ROLES, require_scope
from barberpro_app.identity.staff import StaffDraft
from barberpro_app.kit.errors import AppError
from barberpro_app.provider.service import list_providers
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import (
    Extra,
    Field,
    FormPage,
    ListPage,
    Row,
    form_panel,
    list_panel,
)
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:write"))])
HOME = "/ajustes/equipo"


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        users = await staff.list_staff(connection)
    t = reader.t
    rows = [
        Row(
            (user.name, user.email, t(f"role.{user.role}"),
             t("setup.yes" if user.active else "setup.no")),
            f"{HOME}/{user.id}",
        )
        for user in users
    ]  # fmt: skip
    what = ListPage(
        t("staff.title"),
        (t("brand.name"), t("details.email"), t("staff.role"), t("staff.active")),
        rows,
        lead=t("staff.lead"),
        add=f"{HOME}/nueva",
        add_label=t("staff.new"),
    )
    return list_panel(request, reader, what)


async def _page(reader: Reader, heading: str, user_id: UUID | None) -> FormPage:
    async with reader.database.connection() as connection:
        people = [(person.id, person.name) for person in await list_providers(connection)]
    t = reader.t
    fields = [
        Field("nombre", t("brand.name"), extra={"maxlength": 120}),
        Field("email", t("details.email"), kind="email"),
        Field("rol", t("staff.role"), kind="choose", options=[(r, t(f"role.{r}")) for r in ROLES]),
        Field("profesional", t("staff.provider"), kind="choose", required=False, options=people,
              blank="–"),
    ]  # fmt: skip
    others: tuple[Extra, ...] = ()
    if user_id is not None:
        fields.append(Field("activo", t("staff.active"), kind="tick"))
        remove = Extra(f"{HOME}/{user_id}/quitar", t("setup.remove"), danger=True)
        others = (remove,)
    return FormPage(heading, fields, back=HOME, others=others)


def _values(form: Form) -> dict[str, Any]:
    return {
        "name": form.text("nombre", most=120),
        "email": form.email("email"),
        "role": form.choice("rol", ROLES),
        "provider_id": form.key("profesional", required=False),
    }


@router.get(f"{HOME}/nueva")
async def new(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    what = await _page(reader, reader.t("staff.new"), None)
    return form_panel(request, reader, what, Form.empty(rol="reception"))


@router.post(f"{HOME}/nueva")
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values = _values(form)
    what = await _page(reader, reader.t("staff.new"), None)
    if not form.ok:
        return form_panel(request, reader, what, form)
    try:
        async with reader.database.transaction() as connection:
            await staff.add_staff(
                connection, actor(request, reader.principal), StaffDraft(**values)
            )
    except AppError as error:
        return form_panel(request, reader, what, form, error)
    return see(f"{HOME}?hecho=1")


@router.get(HOME + "/{user_id}")
async def show(request: Request, user_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        user = await staff.get_staff(connection, user_id)
    form = Form.empty(
        nombre=user.name,
        email=user.email,
        rol=user.role,
        profesional=user.provider_id,
        activo="1" if user.active else None,
        version=user.version,
    )
    return form_panel(request, reader, await _page(reader, user.name, user_id), form)


@router.post(HOME + "/{user_id}")
async def change(request: Request, user_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values = _values(form) | {"active": form.flag("activo")}
    what = await _page(reader, values["name"] or reader.t("staff.title"), user_id)
    if not form.ok:
        return form_panel(request, reader, what, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await staff.change_staff(connection, who, user_id, values, form.version())
    except AppError as error:
        return form_panel(request, reader, what, form, error)
    return see(f"{HOME}?hecho=1")


@router.post(HOME + "/{user_id}/quitar")
async def remove(request: Request, user_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    await submitted(request)
    try:
        async with reader.database.transaction() as connection:
            await staff.remove_staff(connection, actor(request, reader.principal), user_id)
    except AppError as error:
        async with reader.database.connection() as connection:
            user = await staff.get_staff(connection, user_id)
        form = Form.empty(
            nombre=user.name, email=user.email, rol=user.role, profesional=user.provider_id,
            activo="1" if user.active else None, version=user.version,
        )  # fmt: skip
        what = await _page(reader, user.name, user_id)
        return form_panel(request, reader, what, form, error)
    return see(f"{HOME}?hecho=1")
