"""The third and fourth pages of a booking: who it is for while the time is kept, and the confirmation.

When the time runs out nothing typed is lost: confirming takes the hour again if it is still free,
and offers the nearest ones in the same form if it is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.approval import service as approval
from barberpro_app.booking import service as bookings
from barberpro_app.booking.errors import (
    AlreadyExtendedError,
    ClientBlockedError,
    DepositRequiredError,
    HoldExpiredError,
    NotHeldError,
    PaymentOverdueError,
    TooManyNoShowsError,
)
from barberpro_app.booking.schemas import Booking, CancelRequest, ConfirmRequest, Contact
from barberpro_app.client.service import get_client
from barberpro_app.contact_channel import service as channels
from barberpro_app.contact_channel.schemas import ChannelChange
from barberpro_app.integration_processor.setup import is_set_up
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import ConflictError, InvalidRequestError, PolicyError
from barberpro_app.kit.ratelimit import HOLDS_PER_NETWORK, RateLimiter, network_of
from barberpro_app.kit.requests import RequestInfo
from barberpro_app.visit import service as visits
from barberpro_app.web.booking.arrival import code_picture
from barberpro_app.web.booking.public import take
from barberpro_app.web.parts import choosing, class_terms, money, offer, picker
from barberpro_app.web.parts.booking_view import (
    booking_of,
    google_calendar,
    links_of,
    reading,
    view,
    visitor,
)
from barberpro_app.web.parts.choosing import Wish, wish_of
from barberpro_app.web.parts.picker import Hour
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
NOTE_LENGTH = 500
#: Refusals that another hour would not help: they are said.
TELLING = (ClientBlockedError, TooManyNoShowsError, PaymentOverdueError)


@dataclass(frozen=True)
class _Typed:
    """A form of details that holds: who books, with what note."""

    contact: Contact | None
    note: str


def lapsed(booking: Booking) -> bool:
    """Whether the time of a hold is over."""
    expires = booking.hold_expires_at
    return booking.status == "expired" or (
        booking.status == "held" and expires is not None and expires <= clock.now()
    )


def _elsewhere(request: Request, booking: Booking) -> Response | None:
    """Where to go with a booking that is no hold (any more): its own page, or choose again; and
    with a hold whose deposit is being paid: to pay it."""
    if booking.status == "held" and booking.client is not None and not lapsed(booking):
        return see(f"/reserva/{links_of(request).token(booking.id)}/pagar")
    if booking.status in {"held", "expired"}:
        return None
    if booking.status == "cancelled" and booking.client is None:
        return see(_again(booking))
    return see(f"/reserva/{links_of(request).token(booking.id)}")


def _again(booking: Booking) -> str:
    return f"/reservar?{urlencode(wish_of(booking).fields)}"


@router.get("/reservar/datos/{token}")
async def details(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        booking = await visits.sitting(connection, reading(request), booking_of(request, token))
        elsewhere = _elsewhere(request, booking)
        if elsewhere is not None:
            return elsewhere
        form = await offer.known_client(connection, reader)
        return await _page(connection, request, reader, booking, form)


async def _page(
    connection: Connection,
    request: Request,
    reader: Reader,
    booking: Booking,
    form: Form,
    status: int = 200,
    problem: str = "",
) -> Response:
    over = lapsed(booking)
    policies = await offer.policies(connection, reader)
    rules = await class_terms.rules_for(connection, booking)
    parts: list[tuple[str, list[Hour]]] = []
    if over:
        parts = await _others(connection, reader, booking, form)
    seconds = 0
    if booking.hold_expires_at is not None:
        seconds = max(0, int((booking.hold_expires_at - clock.now()).total_seconds()))
    address = await offer.address_of(connection, booking.location.id)
    return page(
        request,
        reader,
        "booking/details.html",
        status,
        booking=view(request, reader, booking, address),
        token=links_of(request).token(booking.id),
        form=form,
        lapsed=over,
        parts=parts,
        seconds=seconds,
        known=reader.principal.kind == "client",
        back=_again(booking),
        policy=class_terms.sentence(reader, rules, policies),
        quote=await money.quote(connection, reader, booking.id),
        asks=await approval.asks(connection, booking.id),
        whatsapp=await _offers_whatsapp(connection, request, reader),
        problem=problem,
    )


async def _offers_whatsapp(connection: Connection, request: Request, reader: Reader) -> bool:
    """Whether to ask: whoever is signed in is asked until they said yes or no."""
    client_id = reader.principal.client_id
    if not is_set_up(reader.site.settings) or client_id is None:
        return is_set_up(reader.site.settings)
    who = visitor(request, reader)
    found = (await channels.get_channels(connection, who, client_id)).channels
    phone = (await get_client(connection, who, client_id)).phone
    return bool(phone) and all(item.channel != "whatsapp" for item in found)


async def _agree(request: Request, reader: Reader, form: Form) -> None:
    """Notes the yes of a signed-in client; a number that takes no messages is told in the form."""
    client_id = reader.principal.client_id
    if client_id is None or not form.flag("whatsapp") or not is_set_up(reader.site.settings):
        return
    change = ChannelChange(agreed=True, text_version=channels.TEXT_VERSION)
    try:
        async with reader.database.transaction() as connection:
            who = visitor(request, reader)
            await channels.change_channel(
                connection, reader.app, who, client_id, "whatsapp", change
            )
    except InvalidRequestError:
        form.refuse("whatsapp", "error.phone")


async def _others(
    connection: Connection, reader: Reader, booking: Booking, form: Form
) -> list[tuple[str, list[Hour]]]:
    """The nearest free hours by day; the hour that was kept is chosen if it is still free."""
    wish, zone = wish_of(booking), booking.zone
    bounds = choosing.bounds_of(await offer.policies(connection, reader), zone)
    slots = await choosing.nearby(connection, reader, wish, bounds, booking.starts_at, zone)
    chosen = form.raw("inicio") or picker.instant_value(booking.starts_at)
    return [
        (reader.fmt.day(day), picker.hours(reader.fmt, zone, items, chosen))
        for day, items in groupby(
            slots, key=lambda slot: reader.fmt.local(slot.starts_at, zone).date()
        )
    ]


def _typed(reader: Reader, form: Form) -> _Typed | None:
    """Who books, or None with the problems noted in the form."""
    note = form.text("nota", most=NOTE_LENGTH, required=False, lines=True)
    if reader.principal.kind == "client":
        return _Typed(None, note) if form.ok else None
    name = form.text("nombre", most=120)
    email = form.email("email", required=False)
    phone = form.phone("telefono", country=reader.app.country, required=False)
    if not email and not phone and form.ok:
        form.refuse("email", "error.contact")
    agrees = form.flag("whatsapp") and is_set_up(reader.site.settings)
    if agrees and not phone:
        form.refuse("telefono", "notices.needs_number")
    if not form.ok:
        return None
    contact = Contact(
        name=name,
        email=email or None,
        phone=phone or None,
        locale=reader.locale,
        whatsapp=channels.TEXT_VERSION if agrees else None,
    )
    return _Typed(contact, note)


@router.post("/reservar/datos/{token}")
async def confirm(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    booking_id = booking_of(request, token)
    typed = _typed(reader, form)
    if typed is not None:
        await _agree(request, reader, form)
    async with reader.database.connection() as connection:
        booking = await visits.sitting(connection, reading(request), booking_id)
        elsewhere = _elsewhere(request, booking)
        if elsewhere is not None:
            return elsewhere
        if typed is None or not form.ok:
            return await _page(connection, request, reader, booking, form, 422)
    try:
        confirmed = await _confirm(request, reader, booking, typed, form)
    except (ConflictError, PolicyError) as error:
        said = explain(reader, error) if isinstance(error, TELLING) else ""
        async with reader.database.connection() as connection:
            booking = await visits.sitting(connection, reading(request), booking_id)
            return await _page(connection, request, reader, booking, form, 409, said)
    return see(confirmed)


async def _confirm(
    request: Request, reader: Reader, booking: Booking, typed: _Typed, form: Form
) -> str:
    """Confirms the hold; of one whose time is over, the same or the newly chosen hour is taken.
    Where it goes on: to the end, or to the deposit that has to be paid first."""
    asked = ConfirmRequest(client=typed.contact, note=typed.note)
    who = visitor(request, reader)
    other = picker.parse_instant(form.raw("inicio"))
    if other is None or other == booking.starts_at:
        try:
            async with reader.database.connection() as connection:
                await bookings.confirm(connection, reader.app, who, booking.id, asked)
            return f"/reservar/listo/{links_of(request).token(booking.id)}"
        except DepositRequiredError:
            return await money.begin_deposit(
                request, reader, who, booking.id, typed.contact, typed.note
            )
        except (HoldExpiredError, NotHeldError):
            other = booking.starts_at
    return await _confirm_other(request, reader, wish_of(booking), other, asked)


async def _confirm_other(
    request: Request, reader: Reader, wish: Wish, starts_at: datetime, asked: ConfirmRequest
) -> str:
    """As `_confirm`, of a time that is taken only now."""
    who = visitor(request, reader)
    async with reader.database.transaction() as connection:
        held = await take(connection, request, reader, wish, starts_at)
        try:
            async with connection.transaction():
                await bookings.confirm(connection, reader.app, who, held, asked)
        except DepositRequiredError:
            owing = True
        else:
            owing = False
    if owing:
        return await money.begin_deposit(request, reader, who, held, asked.client, asked.note)
    return f"/reservar/listo/{links_of(request).token(held)}"


@router.post("/reservar/datos/{token}/extender")
async def extend(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    """More time, as often as asked for (WCAG 2.2.1), within the limit of holds of one network."""
    await submitted(request)
    booking_id = booking_of(request, token)
    who = visitor(request, reader)
    try:
        async with reader.database.connection() as connection:
            await bookings.extend_hold(connection, reader.app, who, booking_id)
    except AlreadyExtendedError:
        booking_id = await _hold_anew(request, reader, token)
    except (ConflictError, PolicyError):
        return see(f"/reservar/datos/{token}")
    return see(f"/reservar/datos/{links_of(request).token(booking_id)}")


async def _hold_anew(request: Request, reader: Reader, token: str) -> UUID:
    """Gives the hold back and takes the same hour again, in one transaction."""
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(HOLDS_PER_NETWORK, network_of(RequestInfo.of(request.scope).client_ip))
    who = visitor(request, reader)
    async with reader.database.transaction() as connection:
        booking = await visits.sitting(connection, reading(request), booking_of(request, token))
        await bookings.cancel(connection, reader.app, who, booking.id, CancelRequest())
        wish = wish_of(booking, same=True)
        return await take(connection, request, reader, wish, booking.starts_at)


@router.get("/reservar/listo/{token}")
async def done(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        booking = await visits.sitting(connection, reading(request), booking_of(request, token))
        address = await offer.address_of(connection, booking.location.id)
        policies = await offer.policies(connection, reader)
        rules = await class_terms.rules_for(connection, booking)
        standing = await money.money_of(connection, request, reader, booking.id)
    if booking.status != "confirmed":
        return see(f"/reserva/{token}")
    shown = view(request, reader, booking, address)
    return page(
        request,
        reader,
        "booking/done.html",
        booking=shown,
        token=token,
        email=booking.client.email if booking.client else None,
        google=google_calendar(request, reader, shown),
        qr=code_picture(request, reader, booking),
        policy=class_terms.sentence(reader, rules, policies),
        money=standing,
    )
