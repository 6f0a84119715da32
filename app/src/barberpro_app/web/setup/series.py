"""What is asked ahead for bookings that are repeated."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.series import service
from barberpro_app.series.schemas import SeriesRulesChange
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import Field, FormPage, form_panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:write"))])
HOME = "/ajustes/series"


def _page(reader: Reader) -> FormPage:
    t = reader.t
    options = [(name, t(f"series.deposit.{name}")) for name in ("first", "each")]
    fields = [
        Field("sena", t("series.deposit"), kind="choose", options=options),
        Field("horas", t("series.pay_hours"), kind="number", hint=t("series.pay_hint"),
              extra={"min": 1, "max": 720}),
    ]  # fmt: skip
    return FormPage(t("series.settings"), fields, lead=t("series.lead"))


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        rules = await service.get_rules(connection)
    form = Form.empty(sena=rules.deposit, horas=rules.pay_hours, version=rules.version)
    return form_panel(request, reader, _page(reader), form)


@router.post(HOME)
async def change(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    deposit = form.choice("sena", ("first", "each"))
    hours = form.integer("horas", least=1, most=720)
    if not form.ok:
        return form_panel(request, reader, _page(reader), form)
    values = {"version": form.version() or 0, "deposit": deposit, "pay_hours": hours}
    try:
        async with reader.database.transaction() as connection:
            wanted = SeriesRulesChange.model_validate(values)
            await service.change_rules(connection, actor(request, reader.principal), wanted)
    except AppError as error:
        return form_panel(request, reader, _page(reader), form, error)
    return see(f"{HOME}?hecho=1")
