"""A signed-in client's bookings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.audit.trail import Actor
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking
from barberpro_app.booking.service import BookingQuery
from barberpro_app.integration_processor.setup import is_heard
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.visit import service as visits
from barberpro_app.web.parts.booking_view import actor, view
from barberpro_app.web.site.rendering import Reader, page, reader_of, see

router = APIRouter(include_in_schema=False)
#: How far back earlier bookings are shown, and how many of either kind.
REMEMBERED = timedelta(days=730)
LISTED = 100


async def _as_visits(connection: Connection, who: Actor, found: Sequence[Booking]) -> list[Booking]:
    """The bookings, those of one visit as the visit that they are."""
    shown: list[Booking] = []
    seen: set[UUID] = set()
    for booking in found:
        if booking.visit_id is None:
            shown.append(booking)
        elif booking.visit_id not in seen:
            seen.add(booking.visit_id)
            shown.append(await visits.get(connection, who, booking.visit_id))
    return shown


@router.get("/mis-reservas")
async def mine(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    if reader.principal.kind != "client":
        return see("/entrar?volver=/mis-reservas")
    now = clock.now()
    who = actor(request, reader.principal)
    query = BookingQuery(starts_from=now - REMEMBERED, limit=LISTED)
    ahead = BookingQuery(
        starts_from=now, statuses=("requested", "confirmed", "arrived"), limit=LISTED
    )
    async with reader.database.connection() as connection:
        coming = (await bookings.search(connection, who, ahead)).items
        every = (await bookings.search(connection, who, query)).items
        coming = await _as_visits(connection, who, coming)
        every = await _as_visits(connection, who, every)
    upcoming = {booking.id for booking in coming}
    past = [
        item for item in every if item.id not in upcoming and item.status not in {"held", "expired"}
    ]
    return page(
        request,
        reader,
        "account/mine.html",
        coming=[view(request, reader, item) for item in coming],
        past=[view(request, reader, item) for item in reversed(past)],
        whatsapp=is_heard(reader.site.settings),
    )
