"""One booking as the team sees it: what happened to it, moving it, cancelling it."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.attendance import service as attendance
from barberpro_app.body_data import access as body_data
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking, CancelRequest, RescheduleRequest, StatusRequest
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.service import safe_path
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.visit import service as visits
from barberpro_app.web.parts import choosing, money, offer, picker, rewards
from barberpro_app.web.parts.booking_view import BookingView, actor, view
from barberpro_app.web.parts.lanes import MOVES
from barberpro_app.web.site.forms import Form, parse_day
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, say, see, submitted
from barberpro_app.web.site.texts import problem as said

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:write"))])
NOTICES = {"guardado": "agenda.saved", "cambiado": "manage.moved", "agendado": "booking.created",
           "cancelado": "booking.cancelled", "cobrado": "money.recorded",
           "credito": "passes.used", "abono": "passes.sold", "premio": "rewards.used_now",
           "sello": "rewards.given",
           "sello_quitado": "rewards.taken_back"}  # fmt: skip


@router.get("/agenda/reserva/{booking_id}")
async def show(
    request: Request, booking_id: UUID, hecho: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    notice = NOTICES.get(hecho)
    text = reader.t(notice) if notice else ""
    return await booking_page(request, reader, booking_id, Form.empty(), notice=text)


async def booking_page(
    request: Request,
    reader: Reader,
    booking_id: UUID,
    form: Form,
    *,
    problem: str = "",
    notice: str = "",
) -> Response:
    async with reader.database.connection() as connection:
        booking = await bookings.get(connection, actor(request, reader.principal), booking_id)
        address = await offer.address_of(connection, booking.location.id)
        standing = await money.money_of(connection, request, reader, booking_id)
        whole = await _visit_of(connection, request, reader, booking)
        loyal = await rewards.at_desk(connection, reader, booking)
        score = await attendance.score(connection, booking.client.id) if booking.client else None
        attends = booking.client is not None and await body_data.attends(
            connection, reader.principal, booking.client.id
        )
    return page(
        request,
        reader,
        "staff/booking.html",
        409 if problem else 422 if form.problems else 200,
        booking=view(request, reader, booking, address),
        visit=whole,
        client=booking.client,
        moves=MOVES.get(booking.status, ()),
        form=form,
        problem=problem,
        notice=notice,
        money=standing,
        score=score,
        rewards=loyal,
        attends=attends,
        came=booking.checked_in_at,
        repeats=booking.series_id is not None,
        typed=reader.fmt.money(standing.due_centavos).split("\u00a0")[-1] if standing else "",
    )


async def _visit_of(
    connection: Connection, request: Request, reader: Reader, booking: Booking
) -> BookingView | None:
    """The visit that a booking is of, if the reader may see all of it."""
    if booking.visit_id is None:
        return None
    try:
        who = actor(request, reader.principal)
        return view(request, reader, await visits.get(connection, who, booking.visit_id))
    except NotFoundError:
        return None


@router.post("/agenda/reserva/{booking_id}/estado")
async def set_status(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    wanted = form.choice("estado", ("arrived", "completed", "no_show", "confirmed"))
    if not form.ok:
        return await booking_page(
            request, reader, booking_id, Form.empty(), problem=say(reader, said("error.choice"))
        )
    asked = StatusRequest.model_validate({"status": wanted, "version": form.version()})
    try:
        async with reader.database.connection() as connection:
            who = actor(request, reader.principal)
            await bookings.set_status(connection, who, booking_id, asked)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await booking_page(
            request, reader, booking_id, Form.empty(), problem=explain(reader, error)
        )
    back = safe_path(form.raw("volver")) or f"/agenda/reserva/{booking_id}"
    return see(f"{back}{'&' if '?' in back else '?'}hecho=guardado")


@router.post("/agenda/reserva/{booking_id}/cancelar")
async def cancel(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """The team may cancel at any time; the reason goes into the audit trail."""
    form = await submitted(request)
    reason = form.text("motivo", most=200)
    if not form.ok:
        return await booking_page(request, reader, booking_id, form)
    asked = CancelRequest(reason=reason, version=form.version(), override_reason=reason)
    try:
        async with reader.database.connection() as connection:
            who = actor(request, reader.principal)
            if form.flag("toda"):
                asked = CancelRequest(reason=reason, override_reason=reason)
                await visits.cancel_sitting(connection, reader.app, who, booking_id, asked)
            else:
                await bookings.cancel(connection, reader.app, who, booking_id, asked)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await booking_page(request, reader, booking_id, form, problem=explain(reader, error))
    return see(f"/agenda/reserva/{booking_id}?hecho=cancelado")


@router.get("/agenda/reserva/{booking_id}/cambiar")
async def choose(
    request: Request, booking_id: UUID, dia: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    return await _choose_page(request, reader, booking_id, parse_day(dia))


async def _choose_page(
    request: Request, reader: Reader, booking_id: UUID, day: date | None, problem: str = ""
) -> Response:
    here = f"/agenda/reserva/{booking_id}"
    async with reader.database.connection() as connection:
        booking = await bookings.get(connection, actor(request, reader.principal), booking_id)
        if booking.status != "confirmed":
            return see(here)
        policies = await offer.policies(connection, reader)
        picked = await choosing.pick(
            connection,
            reader,
            choosing.wish_of(booking, same=True),
            choosing.bounds_of(policies, booking.zone),
            day,
            lambda day: f"{here}/cambiar?dia={day}",
        )
    return page(
        request,
        reader,
        "staff/reschedule.html",
        409 if problem else 200,
        booking=view(request, reader, booking),
        view=picked,
        action=f"{here}/cambiar",
        fields=[("version", booking.version)],
        back=here,
        problem=problem,
    )


@router.post("/agenda/reserva/{booking_id}/cambiar")
async def move(request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    starts_at = picker.parse_instant(form.raw("inicio"))
    if starts_at is None:
        text = say(reader, said("error.slot"))
        return await _choose_page(request, reader, booking_id, None, text)
    # Staff move past the notice that clients have to keep; the trail says that they did.
    reason = reader.t("booking.moved_by_team")
    asked = RescheduleRequest(starts_at=starts_at, version=form.version(), override_reason=reason)
    try:
        async with reader.database.connection() as connection:
            who = actor(request, reader.principal)
            await bookings.reschedule(connection, reader.app, who, booking_id, asked)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        day = reader.fmt.local(starts_at).date()
        return await _choose_page(request, reader, booking_id, day, explain(reader, error))
    return see(f"/agenda/reserva/{booking_id}?hecho=cambiado")
