"""Whether there is a waiting list, how long an offer is kept, how late one is made."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.waiting_list import service
from barberpro_app.waiting_list.schemas import WaitingRulesChange
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import Field, FormPage, form_panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:write"))])
HOME = "/ajustes/espera"


def _page(reader: Reader) -> FormPage:
    t = reader.t
    fields = [
        Field("activa", t("waiting.enabled"), kind="tick"),
        Field("minutos", t("waiting.answer_minutes"), kind="number", hint=t("waiting.answer_hint"),
              extra={"min": 5, "max": 1440}),
        Field("horas", t("waiting.cutoff"), kind="number", hint=t("waiting.cutoff_hint"),
              extra={"min": 0, "max": 168}),
    ]  # fmt: skip
    return FormPage(t("waiting.title"), fields, lead=t("waiting.settings_lead"))


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        rules = await service.get_rules(connection)
    form = Form.empty(
        activa="1" if rules.enabled else None,
        minutos=rules.answer_minutes,
        horas=rules.cutoff_hours,
        version=rules.version,
    )
    return form_panel(request, reader, _page(reader), form)


@router.post(HOME)
async def change(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    minutes = form.integer("minutos", least=5, most=1440)
    hours = form.integer("horas", least=0, most=168)
    if not form.ok:
        return form_panel(request, reader, _page(reader), form)
    wanted = WaitingRulesChange(
        version=form.version() or 0,
        enabled=form.flag("activa"),
        answer_minutes=minutes,
        cutoff_hours=hours,
    )
    try:
        async with reader.database.transaction() as connection:
            await service.change_rules(connection, actor(request, reader.principal), wanted)
    except AppError as error:
        return form_panel(request, reader, _page(reader), form, error)
    return see(f"{HOME}?hecho=1")
