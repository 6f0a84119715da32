"""Holidays: the calendar's, with the owner's word on each, and days that the owner adds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.kit import clock
from barberpro_app.kit.errors import AppError
from barberpro_app.location import service
from barberpro_app.location.schemas import HolidayChoice
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("catalog:write"))])
HOME = "/ajustes/feriados"
STATES = ("abierto", "cerrado", "quitar")


@dataclass(frozen=True)
class _Day:
    day: date
    name: str
    open: bool
    own: bool


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader, Form.empty(estado="cerrado"))


async def _page(
    request: Request, reader: Reader, form: Form, error: AppError | None = None
) -> Response:
    today = reader.fmt.today(clock.now())
    async with reader.database.connection() as connection:
        years = [
            await service.list_holidays(connection, reader.app, year)
            for year in (today.year, today.year + 1)
        ]
    days = [
        _Day(item.day, reader.holiday(item.day, item.name), item.open, item.overridden)
        for year in years
        for item in year
        if item.day >= today
    ]
    heading = reader.t("holidays.title")
    return panel(request, reader, "holidays", heading, form=form, error=error, days=days)


@router.post(HOME)
async def choose(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    day = form.day("dia")
    name = form.text("nombre", most=120)
    state = form.choice("estado", STATES)
    if not form.ok or day is None:
        return await _page(request, reader, form)
    who = actor(request, reader.principal)
    try:
        async with reader.database.transaction() as connection:
            if state == "quitar":
                await service.forget_holiday(connection, who, day)
            else:
                choice = HolidayChoice(open=state == "abierto", name=name)
                await service.choose_holiday(connection, who, day, choice)
    except AppError as error:
        return await _page(request, reader, form, error)
    return see(f"{HOME}?hecho=1")
