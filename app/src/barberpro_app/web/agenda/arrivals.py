"""Reception: who is here, by a scanned or typed code; the poster for the door; missed bookings."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.attendance import service as attendance
from barberpro_app.attendance.schemas import Forgiveness
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError, NotAllowedError, NotFoundError
from barberpro_app.kit.qr import svg
from barberpro_app.location.service import get_location, list_locations
from barberpro_app.web.parts.booking_view import actor, in_language, links_of
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, say, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:write"))])
HOME = "/agenda/llegada"
#: The camera reads codes on this page alone.
CAMERA = "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"


@router.get(HOME)
async def show(
    request: Request, codigo: str = "", hecho: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    """The page to scan on; with a code, the booking to let in."""
    arrived = hecho if len(hecho) <= 20 else ""
    return await _page(request, reader, Form.empty(codigo=codigo or None), arrived=arrived)


async def _page(
    request: Request, reader: Reader, form: Form, *, arrived: str = "", problem: str = ""
) -> Response:
    code = form.text("codigo", most=120, required=False)
    async with reader.database.connection() as connection:
        places = await list_locations(connection)
        booking = await _find(request, reader, code) if code else None
        done = await _find(request, reader, arrived) if arrived else None
        score = None
        if booking is not None and booking.client is not None:
            score = await attendance.score(connection, booking.client.id)
    if code and booking is None and not problem:
        form.refuse("codigo", "arrival.unknown")
    answer = page(
        request,
        reader,
        "staff/arrival.html",
        409 if problem else 422 if form.problems else 200,
        places=places,
        booking=booking,
        service=in_language(booking.service.name, reader.locale, reader.app.locale)
        if booking
        else "",
        score=score,
        done=done,
        form=form,
        problem=problem,
    )
    answer.headers["Permissions-Policy"] = CAMERA
    return answer


async def _find(request: Request, reader: Reader, typed: str) -> Booking | None:
    """By a code, or by the whole address that a scanner read."""
    last = typed.rpartition("/")[2].upper()
    code = links_of(request).code(last) or last.replace(" ", "").replace("-", "")
    try:
        async with reader.database.connection() as connection:
            return await bookings.get_by_code(connection, actor(request, reader.principal), code)
    except NotFoundError:
        return None


@router.post(HOME)
async def let_in(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    booking = await _find(request, reader, form.text("codigo", most=120))
    if booking is None:
        form.refuse("codigo", "arrival.unknown")
        return await _page(request, reader, form, problem=say(reader, form.problems["codigo"]))
    try:
        async with reader.database.connection() as connection:
            who = actor(request, reader.principal)
            await attendance.check_in(connection, who, booking.id)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await _page(request, reader, form, problem=explain(reader, error))
    return see(f"{HOME}?hecho={booking.code}")


@router.get("/agenda/cartel/{location_id}")
async def poster(
    request: Request, location_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """To print and put up at the door."""
    async with reader.database.connection() as connection:
        place = await get_location(connection, location_id)
    address = f"{reader.app.public_url.rstrip('/')}/llegue/{place.id}"
    picture = svg(address, reader.t("arrival.poster_qr"))
    return page(request, reader, "staff/poster.html", place=place, address=address, qr=picture)


@router.get("/clientes/{client_id}/ausencias")
async def absences(
    request: Request, client_id: UUID, hecho: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    return await _absences(request, reader, client_id, Form.empty(), notice=bool(hecho))


async def _absences(
    request: Request,
    reader: Reader,
    client_id: UUID,
    form: Form,
    *,
    notice: bool = False,
    problem: str = "",
) -> Response:
    _need(reader, "clients:read")
    async with reader.database.connection() as connection:
        score = await attendance.score(connection, client_id)
        rules = await attendance.get_rules(connection)
    names = {
        item.booking_id: in_language(item.service, reader.locale, reader.app.locale)
        for item in score.items
    }
    return page(
        request,
        reader,
        "staff/absences.html",
        409 if problem else 422 if form.problems else 200,
        score=score,
        rules=rules,
        names=names,
        form=form,
        notice=reader.t("absence.forgiven") if notice else "",
        problem=problem,
    )


def _need(reader: Reader, scope: str) -> None:
    """Raises `NotAllowedError`."""
    if not reader.principal.has_scope(scope):
        raise NotAllowedError


@router.post("/clientes/{client_id}/ausencias/{booking_id}/perdonar")
async def forgive(
    request: Request, client_id: UUID, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    _need(reader, "clients:write")
    form = await submitted(request)
    reason = form.text("motivo", most=200)
    if not form.ok:
        return await _absences(request, reader, client_id, form)
    try:
        async with reader.database.connection() as connection:
            who = actor(request, reader.principal)
            await attendance.forgive(connection, who, booking_id, Forgiveness(reason=reason))
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await _absences(request, reader, client_id, form, problem=explain(reader, error))
    return see(f"/clientes/{client_id}/ausencias?hecho=1")
