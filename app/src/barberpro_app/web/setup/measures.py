"""What can be measured: the list that comes with the product, and the business's own."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.progress_tracking import service
from barberpro_app.progress_tracking.schemas import MeasureKindDraft, MeasureKindSwitch
from barberpro_app.web.body.common import decimal_of, number, unit_of
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.setup.common import (
    Field,
    FormPage,
    ListPage,
    Row,
    form_panel,
    key_for,
    list_panel,
)
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:write"))])
HOME = "/ajustes/medidas"
NEW = HOME + "/nueva"
_FIELDS = {"name_es": "nombre", "name_en": "nombre_en", "unit": "unidad", "least": "minimo",
           "most": "maximo", "decimals": "decimales", "key": "nombre"}  # fmt: skip


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    t = reader.t
    async with reader.database.connection() as connection:
        kinds = (await service.kinds(connection, reader.app, every=True)).items
    rows = [
        Row(
            [
                in_language(kind.names, reader.locale, reader.app.locale),
                unit_of(t, kind.unit),
                f"{number(reader, kind.least, 3)} – {number(reader, kind.most, 3)}",
                t("measure.offered" if kind.active else "measure.not_offered"),
            ],
            f"{HOME}/{kind.key}",
        )
        for kind in kinds
    ]
    columns = [t("measure.name"), t("measure.unit"), t("measure.range"), t("measure.state")]
    what = ListPage(
        t("measure.title"), columns, rows, lead=t("measure.lead"), add=NEW,
        add_label=t("measure.add"),
    )  # fmt: skip
    return list_panel(request, reader, what)


@router.get(NEW)
async def new_form(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return _form(request, reader, Form.empty(decimales=1))


def _form(request: Request, reader: Reader, form: Form, error: AppError | None = None) -> Response:
    t = reader.t
    what = FormPage(
        t("measure.add"),
        [
            Field("nombre", t("measure.name_es"), extra={"maxlength": 80}),
            Field("nombre_en", t("measure.name_en"), required=False, extra={"maxlength": 80}),
            Field("unidad", t("measure.unit"), hint=t("measure.unit_hint"), extra={"maxlength": 20}),
            Field("minimo", t("measure.least"), hint=t("measure.least_hint"),
                  extra={"inputmode": "decimal"}),
            Field("maximo", t("measure.most"), extra={"inputmode": "decimal"}),
            Field("decimales", t("measure.decimals"), "number", extra={"min": 0, "max": 3}),
        ],
        back=HOME,
    )  # fmt: skip
    return form_panel(request, reader, what, form, error)


@router.post(NEW)
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    name = form.text("nombre", most=80)
    values = {
        "key": "m" + key_for(name, "propia").replace("-", "_")[:38],
        "name_es": name,
        "name_en": form.text("nombre_en", most=80, required=False) or name,
        "unit": form.text("unidad", most=20),
        "least": decimal_of(form, "minimo"),
        "most": decimal_of(form, "maximo"),
        "decimals": form.integer("decimales", least=0, most=3),
    }
    if form.ok and (values["least"] or 0) >= (values["most"] or 0):  # type: ignore[operator]
        form.refuse("maximo", "measure.order")
    new = draft(form, MeasureKindDraft, values, _FIELDS)
    if new is None:
        return _form(request, reader, form)
    try:
        async with reader.database.transaction() as connection:
            await service.add_kind(connection, actor(request, reader.principal), new)
    except AppError as error:
        if error.status not in {409, 422}:
            raise
        return _form(request, reader, form, error)
    return see(f"{HOME}?hecho=1")


@router.get(HOME + "/{key}")
async def one(request: Request, key: str, reader: Reader = Depends(reader_of)) -> Response:
    """One measure: whether it is offered."""
    t = reader.t
    async with reader.database.connection() as connection:
        kinds = (await service.kinds(connection, reader.app, every=True)).items
    kind = next((item for item in kinds if item.key == key), None)
    if kind is None:
        raise NotFoundError
    what = FormPage(
        in_language(kind.names, reader.locale, reader.app.locale),
        [Field("activa", t("measure.offer"), "tick", required=False)],
        back=HOME,
        lead=t("measure.offer_lead"),
    )
    form = Form.empty(version=kind.version, activa="1" if kind.active else None)
    return form_panel(request, reader, what, form)


@router.post(HOME + "/{key}")
async def switch(request: Request, key: str, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    wish = draft(form, MeasureKindSwitch, {"active": form.flag("activa"), "version": form.version()},
                 {"version": "version"})  # fmt: skip
    if wish is None:
        return see(HOME)
    async with reader.database.transaction() as connection:
        await service.switch_kind(connection, actor(request, reader.principal), key, wish)
    return see(f"{HOME}?hecho=1")
