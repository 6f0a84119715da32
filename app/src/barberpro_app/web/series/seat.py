"""Who looks at a series, the client by the signed link or the team, and its days as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from fastapi import Depends, Request

from barberpro_app.audit.trail import Actor
from barberpro_app.booking.schemas import Booking
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.series.schemas import Series, SeriesPart
from barberpro_app.visit import service as visits
from barberpro_app.web.parts.booking_view import actor, booking_of, holder, links_of, reading
from barberpro_app.web.site.forms import parse_key
from barberpro_app.web.site.rendering import Reader, reader_of

CLIENT = "/reserva/{token}"
TEAM = "/agenda/reserva/{booking_id}"


@dataclass(frozen=True)
class Seat:
    """Who looks at which booking: `home` is the address of its page."""

    booking: Booking
    who: Actor
    home: str
    staff: bool

    @property
    def layout(self) -> str:
        return "staff/base.html" if self.staff else "base.html"


async def seat_of(request: Request, reader: Reader = Depends(reader_of)) -> Seat:
    """By the address: `token` is the client's link, `booking_id` the team's. Raises `NotFoundError`."""
    token = request.path_params.get("token")
    if token is not None:
        return await _client(request, reader, token)
    key = parse_key(request.path_params["booking_id"])
    if key is None:
        raise NotFoundError
    return await _team(request, reader, key)


async def _client(request: Request, reader: Reader, token: str) -> Seat:
    async with reader.database.connection() as connection:
        booking = await visits.sitting(connection, reading(request), booking_of(request, token))
    if booking.client is None:
        raise NotFoundError
    return Seat(booking, holder(request, booking), f"/reserva/{token}", staff=False)


async def _team(request: Request, reader: Reader, booking_id: UUID) -> Seat:
    who = actor(request, reader.principal)
    async with reader.database.connection() as connection:
        booking = await visits.sitting(connection, who, booking_id)
    return Seat(booking, who, f"/agenda/reserva/{booking_id}", staff=True)


@dataclass(frozen=True)
class Line:
    """A planned day as the page shows it."""

    day: date
    starts_at: datetime | None
    status: str
    problem: str
    address: str
    moved: bool


def _line(request: Request, reader: Reader, seat: Seat, part: SeriesPart, zone: str) -> Line:
    address = ""
    if part.booking_id is not None and part.status not in (None, "expired"):
        token = links_of(request).token(part.booking_id)
        address = f"/agenda/reserva/{part.booking_id}" if seat.staff else f"/reserva/{token}"
    moved = False
    if part.starts_at is not None:
        moved = reader.fmt.local(part.starts_at, zone).date() != part.planned_on
    why = why_of(reader, part.problem) if part.problem else ""
    return Line(part.planned_on, part.starts_at, part.status or "", why, address, moved)


def why_of(reader: Reader, problem: str) -> str:
    key = f"series.problem.{problem}"
    return reader.t(key if reader.t.has(key) else "series.problem.other")


def lines_of(request: Request, reader: Reader, seat: Seat, found: Series) -> list[Line]:
    return [_line(request, reader, seat, part, found.zone) for part in found.parts]


def may_come(found: Series) -> bool:
    """Whether a day waits for a session that is not set up yet."""
    return any(part.problem == "no_session" for part in found.parts)
