"""The pages of a series: its days, moving this and what follows, ending it."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.booking.schemas import Booking
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.kit.routes import add_routes
from barberpro_app.series import service
from barberpro_app.series.schemas import Series, SeriesEnd, SeriesMove
from barberpro_app.web.parts import choosing, offer, picker
from barberpro_app.web.parts.booking_view import view
from barberpro_app.web.parts.choosing import Wish, wish_of
from barberpro_app.web.series.seat import CLIENT, TEAM, Seat, lines_of, may_come, seat_of, why_of
from barberpro_app.web.site.forms import parse_day
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, say, see, submitted
from barberpro_app.web.site.texts import problem as said

router = APIRouter(include_in_schema=False)
team = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:write"))])
NOTICES = {"hecho": "series.made", "cambio": "series.moved", "fin": "series.ended"}


async def _series(request: Request, reader: Reader, seat: Seat) -> Series:
    async with reader.database.connection() as connection:
        series_id = await service.series_of(connection, seat.booking.id)
        if series_id is None:
            raise NotFoundError
        return await service.get(connection, seat.who, series_id)


@router.get(CLIENT + "/serie")
@team.get(TEAM + "/serie")
async def show(
    request: Request, reader: Reader = Depends(reader_of), seat: Seat = Depends(seat_of)
) -> Response:
    return await _show(request, reader, seat)


async def _show(
    request: Request, reader: Reader, seat: Seat, error: AppError | None = None
) -> Response:
    found = await _series(request, reader, seat)
    notice = NOTICES.get(request.query_params.get("hecho", ""))
    rule = reader.t(
        "series.rule",
        what=reader.t.count("series.weeks", found.every_weeks),
        day=reader.fmt.weekday_name(found.weekday),
        hour=reader.fmt.hour(_clock(found, seat.booking), found.zone),
    )
    return page(
        request,
        reader,
        "series/show.html",
        error.status if error else 200,
        seat=seat,
        series=found,
        booking=view(request, reader, seat.booking),
        rule=rule,
        later=found.state != "ended" and may_come(found),
        lines=lines_of(request, reader, seat, found),
        notice=reader.t(notice) if notice else "",
        problem=explain(reader, error) if error else "",
    )


def _clock(found: Series, booking: Booking) -> datetime:
    hour = time(found.minute // 60, found.minute % 60)
    zone = ZoneInfo(found.zone)
    return datetime.combine(booking.starts_at.astimezone(zone).date(), hour, zone)


@router.post(CLIENT + "/serie/terminar")
@team.post(TEAM + "/serie/terminar")
async def end(
    request: Request, reader: Reader = Depends(reader_of), seat: Seat = Depends(seat_of)
) -> Response:
    form = await submitted(request)
    scope = form.choice("alcance", ("end", "following", "all"))
    if not form.ok:
        return see(f"{seat.home}/serie")
    found = await _series(request, reader, seat)
    reason = form.text("motivo", most=200, required=False)[:200]
    what = SeriesEnd.model_validate(
        {
            "scope": scope,
            "booking_id": seat.booking.id,
            "reason": reason,
            "version": form.version(),
            "override_reason": reader.t("booking.moved_by_team") if seat.staff else None,
        }
    )
    try:
        async with reader.database.connection() as connection:
            await service.end(connection, reader.app, seat.who, found.id, what)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await _show(request, reader, seat, error)
    return see(f"{seat.home}/serie?hecho=fin")


@router.get(CLIENT + "/serie/cambiar")
@team.get(TEAM + "/serie/cambiar")
async def choose(
    request: Request,
    dia: str = "",
    reader: Reader = Depends(reader_of),
    seat: Seat = Depends(seat_of),
) -> Response:
    return await _choose(request, reader, seat, parse_day(dia))


async def _choose(
    request: Request, reader: Reader, seat: Seat, day: date | None, problem: str = ""
) -> Response:
    booking, here = seat.booking, f"{seat.home}/serie/cambiar"
    if booking.status != "confirmed":
        return see(f"{seat.home}/serie")
    found = await _series(request, reader, seat)
    async with reader.database.connection() as connection:
        policies = await offer.policies(connection, reader)
        picked = await choosing.pick(
            connection,
            reader,
            wish_of(booking, same=True)
            if booking.visit_id
            else Wish(booking.service.id, booking.location.id, booking.provider.id),
            choosing.bounds_of(policies, booking.zone),
            day,
            lambda day: f"{here}?dia={day}",
        )
    return page(
        request,
        reader,
        "series/move.html",
        409 if problem else 200,
        seat=seat,
        booking=view(request, reader, booking),
        view=picked,
        action=here,
        fields=[("version", found.version)],
        problem=problem,
    )


@router.post(CLIENT + "/serie/cambiar")
@team.post(TEAM + "/serie/cambiar")
async def move(
    request: Request, reader: Reader = Depends(reader_of), seat: Seat = Depends(seat_of)
) -> Response:
    """Shows what stays where it is before anything is moved."""
    form = await submitted(request)
    starts_at = picker.parse_instant(form.raw("inicio"))
    if starts_at is None:
        return await _choose(request, reader, seat, None, say(reader, said("error.slot")))
    found = await _series(request, reader, seat)
    confirmed = form.flag("confirmar")
    values: dict[str, Any] = {
        "booking_id": seat.booking.id,
        "starts_at": starts_at.isoformat(),
        "version": form.version(),
        "keep": [day for day in map(parse_day, form.several("dejar")) if day],
        "override_reason": reader.t("booking.moved_by_team") if seat.staff else None,
    }
    try:
        async with reader.database.connection() as connection:
            moving = service.move if confirmed else service.preview_move
            asked = SeriesMove.model_validate(values)
            moved = await moving(connection, reader.app, seat.who, found.id, asked)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        day = reader.fmt.local(starts_at).date()
        return await _choose(request, reader, seat, day, explain(reader, error))
    if confirmed:
        return see(f"{seat.home}/serie?hecho=cambio")
    kept = {item.booking_id for item in moved.kept}
    parts = [part for part in moved.parts if part.status == "confirmed"]
    coming = [part for part in parts if part.starts_at and part.starts_at >= starts_at]
    return page(
        request,
        reader,
        "series/move_preview.html",
        seat=seat,
        booking=view(request, reader, seat.booking),
        lines=lines_of(
            request,
            reader,
            seat,
            moved.model_copy(
                update={"parts": [part for part in coming if part.booking_id not in kept]}
            ),
        ),
        kept=[(item.day, why_of(reader, item.problem)) for item in moved.kept],
        fields=[
            ("inicio", picker.instant_value(starts_at)),
            ("version", str(found.version)),
            *(("dejar", str(item.day)) for item in moved.kept),
        ],
    )


add_routes(router, [team])
