"""Booking by a client, in four pages: service, day and time, details, done. Plain forms all the way."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import HoldRequest
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import ConflictError, NotFoundError, PolicyError
from barberpro_app.kit.ratelimit import HOLDS_PER_NETWORK, RateLimiter, network_of
from barberpro_app.kit.replica import read
from barberpro_app.kit.requests import RequestInfo
from barberpro_app.visit import service as visits
from barberpro_app.visit.schemas import LineRequest, VisitHoldRequest
from barberpro_app.web.booking import shelf
from barberpro_app.web.parts import choosing, offer, picker
from barberpro_app.web.parts.booking_view import links_of, visitor
from barberpro_app.web.parts.choosing import Wish, wish_from
from barberpro_app.web.parts.policies import cancellation_sentence, payment_sentence
from barberpro_app.web.site.forms import Form, parse_day, parse_key
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted
from barberpro_app.web.site.share import shared

router = APIRouter(include_in_schema=False)


@router.get("/")
async def services(
    request: Request, sede: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    """First page: what is offered, for how long, at what price, under which rules."""

    async def look(connection: Connection) -> dict[str, Any]:
        locations = await offer.locations(connection)
        wanted = parse_key(sede)
        chosen = next((item for item in locations if item.id == wanted), None)
        chosen = chosen or next(iter(locations), None)
        offered = await offer.services(connection, reader, chosen.id) if chosen else []
        policies = await offer.policies(connection, reader)
        return {
            "locations": locations,
            "chosen": chosen,
            "shelves": await shelf.shelves(connection, reader, offered),
            "several": sum(not item.group for item in offered) > 1,
            "policy": f"{cancellation_sentence(reader, policies)} {payment_sentence(reader)}",
        }

    found = await read(request, look)
    share = shared(reader, "/", reader.app.brand.name)
    return page(request, reader, "booking/services.html", share=share, **found)


def _address(wish: Wish, day: date) -> str:
    return f"/reservar?{urlencode([*wish.fields, ('dia', day)])}"


@router.get("/reservar")
async def times(request: Request, dia: str = "", reader: Reader = Depends(reader_of)) -> Response:
    """Second page: with whom, which day, which hour; of one service, or of several in a visit."""
    asked = request.query_params
    wish = wish_from(Form({name: asked.getlist(name) for name in asked}))
    if wish is None:
        raise NotFoundError
    return await _times_page(request, reader, wish, parse_day(dia))


async def _times_page(
    request: Request, reader: Reader, wish: Wish, day: date | None, problem: str = ""
) -> Response:
    since = request.app.state.live.hub.position  # before anything is read

    async def look(connection: Connection) -> tuple[offer.Choice, picker.Picker]:
        chosen = await offer.choose(connection, reader, wish)
        bounds = choosing.bounds_of(chosen.policies, chosen.location.zone)
        view = await choosing.pick(
            connection, reader, chosen.wish, bounds, day, lambda day: _address(chosen.wish, day)
        )
        return chosen, view

    chosen, view = await read(request, look)
    return page(
        request,
        reader,
        "booking/time.html",
        409 if problem else 200,
        service=chosen.service,
        location=chosen.location,
        many_locations=chosen.many_locations,
        providers=chosen.providers,
        provider=chosen.provider,
        view=view,
        fields=chosen.wish.fields,
        several=bool(chosen.wish.others),
        since=since,
        problem=problem,
        policy=cancellation_sentence(reader, chosen.policies),
    )


def _wish_of(form: Form) -> tuple[Wish, datetime]:
    """What a form of hours asks for. Raises `NotFoundError` if it is none of ours."""
    wish, starts_at = wish_from(form), picker.parse_instant(form.raw("inicio"))
    if wish is None or starts_at is None:
        raise NotFoundError
    return wish, starts_at


@router.post("/reservar")
async def hold(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Keeps the chosen hour while the visitor fills in who they are."""
    form = await submitted(request)
    wish, starts_at = _wish_of(form)
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(HOLDS_PER_NETWORK, network_of(RequestInfo.of(request.scope).client_ip))
    try:
        async with reader.database.connection() as connection:
            booking_id = await take(connection, request, reader, wish, starts_at)
    except (ConflictError, PolicyError) as error:
        day = reader.fmt.local(starts_at).date()
        return await _times_page(request, reader, wish, day, explain(reader, error))
    return see(f"/reservar/datos/{links_of(request).token(booking_id)}")


async def take(
    connection: Connection, request: Request, reader: Reader, wish: Wish, starts_at: datetime
) -> UUID:
    """Holds a time, of a visit if several services are asked for; the key of its first booking.
    Raises as `booking.service.hold`."""
    if wish.others:
        lines = tuple(LineRequest(service_id=s, provider_id=who) for s, who in wish.lines)
        visit = VisitHoldRequest(location_id=wish.location_id, starts_at=starts_at, lines=lines)
        kept = await visits.hold(connection, reader.app, visitor(request, reader), visit)
        return kept.lines[0].id
    asked = HoldRequest(
        service_id=wish.service_id,
        location_id=wish.location_id,
        provider_id=wish.provider_id,
        starts_at=starts_at,
        seats=wish.seats,
    )
    held = await bookings.hold(connection, reader.app, visitor(request, reader), asked)
    return held.id
