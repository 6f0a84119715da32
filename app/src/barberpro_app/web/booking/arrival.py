"""A client says "I am here": by the booking's own page, by its QR code, or by the poster at the door."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.attendance import service as attendance
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError, ConflictError, NotFoundError, PolicyError
from barberpro_app.kit.qr import svg
from barberpro_app.kit.ratelimit import Limit, RateLimiter, network_of
from barberpro_app.kit.requests import RequestInfo
from barberpro_app.location.service import get_location
from barberpro_app.web.parts.booking_view import actor, booking_of, holder, links_of, reading
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
LOOK_UPS = Limit("arrivals", 30, 900)


def limit(request: Request) -> None:
    """Codes are not tried one after the other. Raises `TooManyRequestsError`."""
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(LOOK_UPS, network_of(RequestInfo.of(request.scope).client_ip))


async def can_check_in(connection: Connection, booking: Booking) -> bool:
    """Whether the client may say now that they are here."""
    if booking.status != "confirmed":
        return False
    rules = await attendance.get_rules(connection)
    ahead = timedelta(minutes=rules.check_in_minutes)
    return booking.starts_at - ahead <= clock.now() <= booking.ends_at


def code_picture(request: Request, reader: Reader, booking: Booking) -> str:
    """The QR code of a booking that is still to come; nothing of another one."""
    if booking.status != "confirmed" or booking.ends_at < clock.now():
        return ""
    label = reader.t("arrival.qr", code=booking.code)
    return str(svg(links_of(request).short_url(booking.code), label))


@router.get("/q/{short}")
async def scanned(request: Request, short: str, reader: Reader = Depends(reader_of)) -> Response:
    """Who scanned a booking's code: the team goes to its arrivals, the client to the own booking."""
    limit(request)
    code = links_of(request).code(short)
    if code is None:
        raise NotFoundError
    if reader.principal.is_staff and reader.principal.has_scope("bookings:write"):
        return see(f"/agenda/llegada?codigo={code}")
    async with reader.database.connection() as connection:
        booking = await bookings.get_by_code(connection, reading(request), code)
    return see(f"/reserva/{links_of(request).token(booking.id)}")


@router.post("/reserva/{token}/llegue")
async def here(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    await submitted(request)
    booking_id = booking_of(request, token)
    async with reader.database.connection() as connection:
        booking = await bookings.get(connection, reading(request), booking_id)
        try:
            await attendance.check_in(connection, holder(request, booking), booking_id)
        except (ConflictError, PolicyError) as error:
            return see(f"/reserva/{token}?no={error.code}")
    return see(f"/reserva/{token}?hecho=llegaste")


@router.get("/llegue/{location_id}")
async def door(
    request: Request, location_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    return await _door(request, reader, location_id)


async def _door(
    request: Request, reader: Reader, location_id: UUID, *, done: bool = False, problem: str = ""
) -> Response:
    """Where the poster at the door leads; a signed-in client needs no code."""
    async with reader.database.connection() as connection:
        place = await get_location(connection, location_id)
        todays: list[Booking] = []
        if reader.principal.client_id is not None and not done:
            who = actor(request, reader.principal)
            keys = await attendance.todays_bookings(
                connection, reader.principal.client_id, location_id
            )
            todays = [await bookings.get(connection, who, key) for key, _ in keys]
    return page(
        request,
        reader,
        "booking/arrival.html",
        409 if problem else 200,
        place=place,
        todays=[(item, links_of(request).token(item.id)) for item in todays],
        signed_in=reader.principal.kind == "client",
        done=done,
        problem=problem,
    )


@router.post("/llegue/{location_id}")
async def door_code(
    request: Request, location_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """By the eight letters of the code; what is booked is not told to who types them."""
    form = await submitted(request)
    code = form.text("codigo", most=20, required=False).replace(" ", "").replace("-", "")
    limit(request)
    try:
        async with reader.database.connection() as connection:
            booking = await bookings.get_by_code(connection, reading(request), code)
            if booking.location.id != location_id:
                raise NotFoundError
            await attendance.check_in(connection, holder(request, booking), booking.id)
    except NotFoundError:
        return await _door(request, reader, location_id, problem=reader.t("arrival.unknown"))
    except AppError as error:
        if error.status not in (403, 409):
            raise
        text = explain(reader, error)
        return await _door(request, reader, location_id, problem=text)
    return await _door(request, reader, location_id, done=True)
