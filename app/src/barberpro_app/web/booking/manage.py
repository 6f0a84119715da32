"""A client's own booking, by the signed link of the mail or by code and e-mail: see, move, cancel."""

from __future__ import annotations

from datetime import date, timedelta

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.audit.trail import Actor
from barberpro_app.booking import service as bookings
from barberpro_app.booking.errors import LateCancelCostsError
from barberpro_app.booking.schemas import Booking, CancelRequest, RescheduleRequest
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import ConflictError, NotFoundError, PolicyError
from barberpro_app.kit.ratelimit import Limit, RateLimiter, network_of
from barberpro_app.kit.requests import RequestInfo
from barberpro_app.visit import service as visits
from barberpro_app.visit.schemas import Visit, VisitMoveRequest
from barberpro_app.waiting_list import service as waiting
from barberpro_app.web.booking.arrival import can_check_in, code_picture
from barberpro_app.web.parts import choosing, class_terms, money, offer, picker
from barberpro_app.web.parts.booking_view import (
    booking_of,
    calendar,
    holder,
    links_of,
    reading,
    view,
)
from barberpro_app.web.parts.choosing import wish_of
from barberpro_app.web.site.forms import Form, parse_day, parse_key
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, say, see, submitted
from barberpro_app.web.site.texts import problem

router = APIRouter(include_in_schema=False)
LOOK_UPS = Limit("code-look-ups", 20, 900)
NOTICES = {
    "cancelada": "manage.cancelled",
    "cambiada": "manage.moved",
    "llegaste": "arrival.done_lead",
}
#: Refusals that another page sends here.
REFUSALS = ("not_today", "not_yet", "not_changeable")


@router.get("/buscar-reserva")
async def find(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return page(request, reader, "booking/find.html")


@router.post("/buscar-reserva")
async def found(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """To the booking of this code, if the e-mail address is its client's."""
    form = await submitted(request)
    code, email = form.text("codigo", most=20), form.email("email")
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(LOOK_UPS, network_of(RequestInfo.of(request.scope).client_ip))
    if form.ok:
        async with reader.database.connection() as connection:
            booking = await _by_code(connection, request, code)
        if booking is not None and booking.client and booking.client.email == email:
            return see(f"/reserva/{links_of(request).token(booking.id)}")
        form.refuse("codigo", "find.unknown")
    return page(request, reader, "booking/find.html", 422, form=form)


async def _by_code(connection: Connection, request: Request, code: str) -> Booking | None:
    try:
        return await bookings.get_by_code(connection, reading(request), code)
    except NotFoundError:
        return None


@router.get("/reserva/{token}")
async def show(
    request: Request,
    token: str,
    hecho: str = "",
    no: str = "",
    reader: Reader = Depends(reader_of),
) -> Response:
    notice = NOTICES.get(hecho)
    refused = reader.t(f"code.{no}") if no in REFUSALS else ""
    return await _page(
        request, reader, token, notice=reader.t(notice) if notice else "", problem=refused
    )


async def _page(
    request: Request, reader: Reader, token: str, *, notice: str = "", problem: str = ""
) -> Response:
    async with reader.database.connection() as connection:
        booking = await visits.sitting(connection, reading(request), booking_of(request, token))
        if booking.client is None:
            raise NotFoundError
        policies = await offer.policies(connection, reader)
        address = await offer.address_of(connection, booking.location.id)
        standing = await money.money_of(connection, request, reader, booking.id)
        may_check_in = await can_check_in(connection, booking)
        rules = await class_terms.rules_for(connection, booking)
        offered = await waiting.offer_of(connection, booking.id)
    if booking.status == "held" and not problem:
        return see(f"/reserva/{token}/{'lugar' if offered else 'pagar'}")
    return page(
        request,
        reader,
        "booking/manage.html",
        409 if problem else 200,
        booking=view(request, reader, booking, address),
        token=token,
        can_cancel=class_terms.can_cancel(booking, rules, policies),
        can_reschedule=_in_time(booking, policies.reschedule_notice_hours),
        policy=class_terms.sentence(reader, rules, policies),
        notice=notice,
        problem=problem,
        money=standing,
        may_check_in=may_check_in,
        repeats=booking.series_id is not None,
        qr=code_picture(request, reader, booking),
    )


def _in_time(booking: Booking, hours: int) -> bool:
    return booking.starts_at - clock.now() >= timedelta(hours=hours)


@router.get("/reserva/{token}/calendario.ics")
async def download(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        booking = await visits.sitting(connection, reading(request), booking_of(request, token))
        address = await offer.address_of(connection, booking.location.id)
    text = calendar(request, reader, view(request, reader, booking, address), clock.now())
    headers = {
        "Content-Disposition": f'attachment; filename="{booking.code}.ics"',
        "Cache-Control": "no-store",
    }
    return Response(text, media_type="text/calendar; charset=utf-8", headers=headers)


@router.get("/reserva/{token}/cancelar")
async def ask_cancel(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        booking = await visits.sitting(connection, reading(request), booking_of(request, token))
        policies = await offer.policies(connection, reader)
        rules = await class_terms.rules_for(connection, booking)
    if booking.status not in {"requested", "confirmed"}:
        return see(f"/reserva/{token}")
    return page(
        request,
        reader,
        "booking/cancel.html",
        booking=view(request, reader, booking),
        token=token,
        policy=class_terms.sentence(reader, rules, policies),
        warning=class_terms.warning(reader, booking, rules),
    )


@router.post("/reserva/{token}/cancelar")
async def cancel(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    reason = form.text("motivo", most=200, required=False)[:200]
    booking_id = booking_of(request, token)
    try:
        async with reader.database.connection() as connection:
            booking = await visits.sitting(connection, reading(request), booking_id)
            asked = CancelRequest(
                reason=reason, version=form.version(), accept_late=form.flag("tarde")
            )
            await _cancel(connection, reader, holder(request, booking), booking, form, asked)
    except LateCancelCostsError:  # it became late meanwhile: the page says what it costs
        return see(f"/reserva/{token}/cancelar")
    except (ConflictError, PolicyError) as error:
        return await _page(request, reader, token, problem=explain(reader, error))
    return see(f"/reserva/{token}?hecho=cancelada")


async def _cancel(
    connection: Connection,
    reader: Reader,
    who: Actor,
    booking: Booking,
    form: Form,
    asked: CancelRequest,
) -> None:
    """A booking, all of a visit, or the one service of it that was chosen."""
    if not isinstance(booking, Visit) or booking.visit_id is None:
        await bookings.cancel(connection, reader.app, who, booking.id, asked)
        return
    wanted = parse_key(form.raw("que"))
    line = next((line for line in booking.lines if line.id == wanted), None)
    if line is None:
        await visits.cancel(connection, reader.app, who, booking.visit_id, asked)
    else:
        one = CancelRequest(reason=asked.reason, version=line.version)
        await bookings.cancel(connection, reader.app, who, line.id, one)


@router.get("/reserva/{token}/cambiar")
async def choose(
    request: Request, token: str, dia: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    return await _choose_page(request, reader, token, parse_day(dia))


async def _choose_page(
    request: Request, reader: Reader, token: str, day: date | None, problem: str = ""
) -> Response:
    async with reader.database.connection() as connection:
        booking = await visits.sitting(connection, reading(request), booking_of(request, token))
        if booking.client is None:
            raise NotFoundError
        policies = await offer.policies(connection, reader)
        wish = wish_of(booking, same=not isinstance(booking, Visit))
        picked = await choosing.pick(
            connection,
            reader,
            wish,
            choosing.bounds_of(policies, booking.zone),
            day,
            lambda day: f"/reserva/{token}/cambiar?dia={day}",
        )
    if booking.status != "confirmed" or not _in_time(booking, policies.reschedule_notice_hours):
        return see(f"/reserva/{token}")
    return page(
        request,
        reader,
        "booking/reschedule.html",
        409 if problem else 200,
        booking=view(request, reader, booking),
        view=picked,
        action=f"/reserva/{token}/cambiar",
        fields=[("version", booking.version)],
        back=f"/reserva/{token}",
        problem=problem,
    )


@router.post("/reserva/{token}/cambiar")
async def move(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    starts_at = picker.parse_instant(form.raw("inicio"))
    if starts_at is None:
        text = say(reader, problem("error.slot"))
        return await _choose_page(request, reader, token, None, text)
    booking_id = booking_of(request, token)
    version = form.version()
    try:
        async with reader.database.connection() as connection:
            booking = await visits.sitting(connection, reading(request), booking_id)
            who = holder(request, booking)
            if booking.visit_id is not None:
                move = VisitMoveRequest(starts_at=starts_at, version=version)
                await visits.reschedule(connection, reader.app, who, booking.visit_id, move)
            else:
                asked = RescheduleRequest(starts_at=starts_at, version=version)
                await bookings.reschedule(connection, reader.app, who, booking_id, asked)
    except (ConflictError, PolicyError) as error:
        day = reader.fmt.local(starts_at).date()
        return await _choose_page(request, reader, token, day, explain(reader, error))
    return see(f"/reserva/{token}?hecho=cambiada")
