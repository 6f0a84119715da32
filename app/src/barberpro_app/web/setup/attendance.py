"""What follows from missed bookings, and when clients check in by themselves."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.attendance import service
from barberpro_app.attendance.schemas import AttendanceRulesChange
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import Field, FormPage, form_panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:write"))])
HOME = "/ajustes/ausencias"


def _page(reader: Reader) -> FormPage:
    t = reader.t
    fields = [
        Field("dias", t("absence.days"), kind="number", extra={"min": 1, "max": 3650}),
        Field("bloqueo", t("absence.block_from"), kind="number", hint=t("absence.block_hint"),
              extra={"min": 0, "max": 100}),
        Field("minutos", t("absence.check_in"), kind="number", extra={"min": 0, "max": 720}),
    ]  # fmt: skip
    lead = t("absence.lead")
    if "payment" in reader.app.services:
        lead = f"{lead} {t('absence.lead_deposit')}"
    return FormPage(t("absence.title"), fields, lead=lead)


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        rules = await service.get_rules(connection)
    form = Form.empty(
        dias=rules.days,
        bloqueo=rules.block_from or 0,
        minutos=rules.check_in_minutes,
        version=rules.version,
    )
    return form_panel(request, reader, _page(reader), form)


@router.post(HOME)
async def change(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    days = form.integer("dias", least=1, most=3650)
    block = form.integer("bloqueo", least=0, most=100)
    minutes = form.integer("minutos", least=0, most=720)
    if not form.ok:
        return form_panel(request, reader, _page(reader), form)
    wanted = AttendanceRulesChange(
        version=form.version() or 0, days=days, block_from=block or None, check_in_minutes=minutes
    )
    try:
        async with reader.database.transaction() as connection:
            await service.change_rules(connection, actor(request, reader.principal), wanted)
    except AppError as error:
        return form_panel(request, reader, _page(reader), form, error)
    return see(f"{HOME}?hecho=1")
