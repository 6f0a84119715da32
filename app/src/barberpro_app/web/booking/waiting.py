"""The waiting list: joining it, one's place in it, and the time that is offered; and the team's view."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.audit.trail import Actor
from barberpro_app.booking import service as bookings
from barberpro_app.booking.errors import DepositRequiredError
from barberpro_app.booking.schemas import Booking, CancelRequest, ConfirmRequest, Contact
from barberpro_app.group_session import service as sessions
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import client_principal
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.kit.ratelimit import Limit, RateLimiter, network_of
from barberpro_app.kit.requests import RequestInfo
from barberpro_app.kit.routes import add_routes
from barberpro_app.waiting_list import service
from barberpro_app.waiting_list.schemas import PARTS, WaitingDraft, WaitingEntry
from barberpro_app.web.parts import choosing, money, offer
from barberpro_app.web.parts.booking_view import (
    actor,
    booking_of,
    holder,
    in_language,
    links_of,
    reading,
    view,
    visitor,
)
from barberpro_app.web.parts.choosing import Wish
from barberpro_app.web.site.forms import Form, parse_day, parse_key
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
team = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("clients:read"))])
JOINS = Limit("waiting-list", 20, 900)
NOTICES = {"hecho": "waiting.joined", "fuera": "waiting.left"}


def _token(request: Request, entry_id: UUID) -> str:
    return links_of(request).other("waiting").token(entry_id)


def _entry_id(request: Request, token: str) -> UUID:
    """Raises `NotFoundError`."""
    found = links_of(request).other("waiting").booking_id(token)
    if found is None:
        raise NotFoundError
    return found


@router.get("/espera")
async def ask(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    asked = Form({name: [value] for name, value in request.query_params.items()})
    return await _ask(request, reader, asked, fresh=True)


async def _ask(
    request: Request,
    reader: Reader,
    form: Form,
    *,
    fresh: bool = False,
    error: AppError | None = None,
) -> Response:
    service_id, location_id = parse_key(form.raw("servicio")), parse_key(form.raw("sede"))
    if service_id is None or location_id is None:
        raise NotFoundError
    session_id = parse_key(form.raw("sesion"))
    wish = Wish(service_id, location_id, parse_key(form.raw("profesional")))
    async with reader.database.connection() as connection:
        chosen = await offer.choose(connection, reader, wish)
        session = await sessions.get(connection, session_id) if session_id else None
        rules = await service.get_rules(connection)
        known = await offer.known_client(connection, reader)
        place = chosen.location
    bounds = choosing.bounds_of(chosen.policies, place.zone)
    if fresh:
        day = min(max(parse_day(form.raw("dia")) or bounds.today, bounds.today), bounds.last)
        form = Form({**form.values, "desde": [str(day)], "hasta": [str(_week(day, bounds.last))],
                     "partes": list(PARTS)})  # fmt: skip
    return page(
        request,
        reader,
        "waiting/ask.html",
        error.status if error else 422 if form.problems else 200,
        chosen=chosen,
        session=session,
        form=form,
        rules=rules,
        parts=[(name, reader.t(f"picker.{name}")) for name in PARTS],
        people=[("", reader.t.word("Any_provider"))]
        + [(item.id, item.name) for item in chosen.providers],
        known=known.raw("nombre") if reader.principal.kind == "client" else "",
        bounds=bounds,
        problem=explain(reader, error) if error else "",
    )


def _week(day: date, last: date) -> date:
    return min(date.fromordinal(day.toordinal() + 6), last)


@router.post("/espera")
async def join(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(JOINS, network_of(RequestInfo.of(request.scope).client_ip))
    draft = _draft(reader, form)
    if draft is None:
        return await _ask(request, reader, form)
    try:
        async with reader.database.connection() as connection:
            made = await service.join(connection, reader.app, visitor(request, reader), draft)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await _ask(request, reader, form, error=error)
    return see(f"/espera/{_token(request, made.id)}?hecho=hecho")


def _draft(reader: Reader, form: Form) -> WaitingDraft | None:
    """What the form asks for; None with the problems noted in it. Raises `NotFoundError`."""
    service_id, location_id = parse_key(form.raw("servicio")), parse_key(form.raw("sede"))
    if service_id is None or location_id is None:
        raise NotFoundError
    session_id = parse_key(form.raw("sesion"))
    first, last = form.day("desde"), form.day("hasta")
    parts = [name for name in PARTS if name in form.several("partes")]
    if not parts:
        form.refuse("partes", "error.required")
    if first and last and first > last:
        form.refuse("hasta", "error.order")
    contact = None
    if reader.principal.kind != "client":
        name, email = form.text("nombre", most=120), form.email("email")
        phone = form.phone("telefono", country=reader.app.country, required=False)
        if form.ok:
            contact = Contact(name=name, email=email, phone=phone or None, locale=reader.locale)
    if not form.ok:
        return None
    return WaitingDraft.model_validate(
        {
            "service_id": service_id,
            "location_id": location_id,
            "provider_id": parse_key(form.raw("profesional")),
            "session_id": session_id,
            "first_day": first,
            "last_day": last,
            "parts": parts,
            "client": contact,
        }
    )


@router.get("/espera/{token}")
async def place(
    request: Request, token: str, hecho: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    entry_id = _entry_id(request, token)
    async with reader.database.connection() as connection:
        entry = await service.get(connection, reading(request), entry_id)
        rules = await service.get_rules(connection)
        session = await sessions.get(connection, entry.session_id) if entry.session_id else None
    notice = NOTICES.get(hecho)
    offered = links_of(request).token(entry.booking_id) if entry.booking_id else ""
    return page(
        request,
        reader,
        "waiting/place.html",
        entry=entry,
        session=session,
        service=in_language(entry.service.name, reader.locale, reader.app.locale),
        parts=_parts(reader, entry),
        rules=rules,
        token=token,
        offered=offered,
        notice=reader.t(notice) if notice else "",
    )


def _parts(reader: Reader, entry: WaitingEntry) -> str:
    if len(entry.parts) == len(PARTS):
        return reader.t("waiting.any_time")
    return ", ".join(reader.t(f"picker.{name}") for name in entry.parts)


async def _owner(connection: Connection, request: Request, entry_id: UUID) -> Actor:
    """Who acts by the link of an entry: its client."""
    return actor(request, client_principal(await service.client_of(connection, entry_id)))


@router.post("/espera/{token}/salir")
async def leave(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    await submitted(request)
    entry_id = _entry_id(request, token)
    async with reader.database.connection() as connection:
        who = await _owner(connection, request, entry_id)
        await service.leave(connection, reader.app, who, entry_id)
    return see(f"/espera/{token}?hecho=fuera")


async def _offer(request: Request, reader: Reader, token: str) -> tuple[Booking, UUID | None]:
    booking_id = booking_of(request, token)
    async with reader.database.connection() as connection:
        booking = await bookings.get(connection, reading(request), booking_id)
        entry_id = await service.offer_of(connection, booking_id)
    return booking, entry_id


@router.get("/reserva/{token}/lugar")
async def offered(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    return await _offered(request, reader, token)


async def _offered(
    request: Request, reader: Reader, token: str, error: AppError | None = None
) -> Response:
    """The time that became free, to take or to leave."""
    booking, entry_id = await _offer(request, reader, token)
    if entry_id is None or booking.status != "held":
        return see(f"/reserva/{token}")
    async with reader.database.connection() as connection:
        address = await offer.address_of(connection, booking.location.id)
        quote = await money.quote(connection, reader, booking.id)
    return page(
        request,
        reader,
        "waiting/offer.html",
        error.status if error else 200,
        booking=view(request, reader, booking, address),
        token=token,
        entry=_token(request, entry_id),
        quote=quote,
        problem=explain(reader, error) if error else "",
    )


@router.post("/reserva/{token}/lugar")
async def answer(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    booking, entry_id = await _offer(request, reader, token)
    if entry_id is None:
        return see(f"/reserva/{token}")
    who = holder(request, booking)
    if form.raw("respuesta") == "no":
        async with reader.database.connection() as connection:
            await bookings.cancel(connection, reader.app, who, booking.id, CancelRequest())
        return see(f"/espera/{_token(request, entry_id)}")
    try:
        async with reader.database.connection() as connection:
            await bookings.confirm(connection, reader.app, who, booking.id, ConfirmRequest())
    except DepositRequiredError:
        return see(await money.begin_deposit(request, reader, who, booking.id, None, ""))
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await _offered(request, reader, token, error)
    return see(f"/reservar/listo/{token}")


@team.get("/agenda/espera")
async def line(request: Request, hecho: str = "", reader: Reader = Depends(reader_of)) -> Response:
    """Who waits, first come first."""
    async with reader.database.connection() as connection:
        found = await service.line(connection, actor(request, reader.principal))
    return page(
        request,
        reader,
        "staff/waiting.html",
        items=[
            (
                item,
                in_language(item.service.name, reader.locale, reader.app.locale),
                _parts(reader, item),
            )
            for item in found.items
        ],
        notice=reader.t("waiting.removed") if hecho else "",
    )


@team.post("/agenda/espera/{entry_id}/quitar")
async def remove(request: Request, entry_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    await submitted(request)
    async with reader.database.connection() as connection:
        await service.leave(connection, reader.app, actor(request, reader.principal), entry_id)
    return see("/agenda/espera?hecho=1")


add_routes(router, [team])
