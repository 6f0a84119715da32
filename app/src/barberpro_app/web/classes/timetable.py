"""The timetable as visitors see it: a week by day, and booking a class from it in the usual way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import HoldRequest
from barberpro_app.class_management.service import get_rules
from barberpro_app.group_session import service
from barberpro_app.group_session.schemas import GroupSession, SessionSearch
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import ConflictError, PolicyError
from barberpro_app.kit.ratelimit import HOLDS_PER_NETWORK, RateLimiter, network_of
from barberpro_app.kit.requests import RequestInfo
from barberpro_app.location.schemas import Location
from barberpro_app.settings import Policies
from barberpro_app.waiting_list import service as waiting
from barberpro_app.web.parts import choosing, class_terms, offer
from barberpro_app.web.parts.booking_view import actor, in_language, links_of, visitor
from barberpro_app.web.site.forms import parse_day, parse_key
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
HOME = "/clases"
DAYS = 7
#: One visitor books so many seats at most; more is a matter for the team.
MOST_SEATS = 4


@dataclass(frozen=True)
class _Line:
    """One class of a day. `state`: open, few, full, cancelled, soon, far, mine."""

    id: UUID
    service_id: UUID
    state: str
    start: str
    until: str
    name: str
    provider: str
    place: str
    free: int
    price_centavos: int
    mine: str = ""


@dataclass(frozen=True)
class _Asked:
    """What the address asks for; anything that means nothing is left out."""

    first: date | None
    location_id: UUID | None
    service_id: UUID | None
    seats: int

    @classmethod
    def of(cls, values: dict[str, str]) -> _Asked:
        seats = values.get("lugares", "")
        return cls(
            parse_day(values.get("desde", "")),
            parse_key(values.get("sede", "")),
            parse_key(values.get("actividad", "")),
            int(seats) if seats in {str(n) for n in range(1, MOST_SEATS + 1)} else 1,
        )

    def address(self, first: date) -> str:
        query: dict[str, object] = {"desde": first}
        if self.location_id:
            query["sede"] = self.location_id
        if self.service_id:
            query["actividad"] = self.service_id
        if self.seats > 1:
            query["lugares"] = self.seats
        return f"{HOME}?{urlencode(query)}"


@router.get(HOME)
async def timetable(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader, _Asked.of(dict(request.query_params)))


async def _page(request: Request, reader: Reader, asked: _Asked, problem: str = "") -> Response:
    async with reader.database.connection() as connection:
        places = await offer.locations(connection)
        place = next((item for item in places if item.id == asked.location_id), None)
        place = place or next(iter(places), None)
        policies = await offer.policies(connection, reader)
        if place is None:
            return page(request, reader, "classes/timetable.html", **_nothing(asked))
        bounds = choosing.bounds_of(policies, place.zone)
        first = min(max(asked.first or bounds.today, bounds.today), bounds.last)
        query = SessionSearch(first=first, days=DAYS, location_id=place.id)
        found = (await service.search(connection, query)).items
        rules = await get_rules(connection)
        waits = (await waiting.get_rules(connection)).enabled
        mine = await _own(connection, request, reader, found)
    shown = [item for item in found if asked.service_id in (None, item.service.id)]
    lines = _lines(reader, policies, place, shown, mine, asked.seats)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    after, before = days[-1] + timedelta(days=1), first - timedelta(days=DAYS)
    services = {
        item.service.id: in_language(item.service.name, reader.locale, reader.app.locale)
        for item in found
    }
    return page(
        request,
        reader,
        "classes/timetable.html",
        409 if problem else 200,
        days=[(day, lines.get(day, [])) for day in days if day <= bounds.last],
        place=place,
        places=places,
        services=sorted(services.items(), key=lambda pair: pair[1]),
        asked=asked,
        first=first,
        seats=range(1, MOST_SEATS + 1),
        waits=waits,
        earlier=asked.address(max(before, bounds.today)) if first > bounds.today else "",
        later=asked.address(after) if after <= bounds.last else "",
        policy=class_terms.sentence(reader, rules if rules.late_hours else None, policies),
        problem=problem,
    )


def _nothing(asked: _Asked) -> dict[str, object]:
    """A business without a location has no timetable."""
    return {"days": [], "place": None, "places": [], "services": [], "asked": asked, "seats": (),
            "first": None, "earlier": "", "later": "", "policy": "", "problem": ""}  # fmt: skip


async def _own(
    connection: Connection, request: Request, reader: Reader, found: Sequence[GroupSession]
) -> dict[UUID, str]:
    """The signed-in client's bookings in these sessions: where their pages are."""
    if reader.principal.kind != "client" or not found:
        return {}
    query = bookings.BookingQuery(
        statuses=("confirmed", "arrived"),
        starts_from=found[0].starts_at,
        starts_before=found[-1].starts_at + timedelta(minutes=1),
        limit=200,
    )
    own = await bookings.search(connection, actor(request, reader.principal), query)
    links = links_of(request)
    return {
        item.session_id: f"/reserva/{links.token(item.id)}"
        for item in own.items
        if item.session_id is not None
    }


def _lines(
    reader: Reader,
    policies: Policies,
    place: Location,
    shown: Sequence[GroupSession],
    mine: dict[UUID, str],
    seats: int,
) -> dict[date, list[_Line]]:
    """What is still to begin, by local day."""
    now, zone = clock.now(), ZoneInfo(place.zone)
    lines: dict[date, list[_Line]] = {}
    for item in shown:
        if item.starts_at <= now:
            continue
        line = _Line(
            id=item.id,
            service_id=item.service.id,
            state="mine" if item.id in mine else _state(item, policies, place, seats),
            start=reader.fmt.hour(item.starts_at, item.zone),
            until=reader.fmt.hour(item.ends_at, item.zone),
            name=in_language(item.service.name, reader.locale, reader.app.locale),
            provider=item.provider.name,
            place=item.place,
            free=item.free,
            price_centavos=item.price_centavos * seats,
            mine=mine.get(item.id, ""),
        )
        lines.setdefault(item.starts_at.astimezone(zone).date(), []).append(line)
    return lines


def _state(item: GroupSession, policies: Policies, place: Location, seats: int) -> str:
    if item.state == "cancelled":
        return "cancelled"
    if item.free < seats:
        return "full"
    if item.starts_at < clock.now() + timedelta(minutes=policies.minimum_notice_minutes):
        return "soon"
    last = choosing.bounds_of(policies, place.zone).last
    if item.starts_at.astimezone(ZoneInfo(place.zone)).date() > last:
        return "far"
    return "few" if item.free <= max(2, item.capacity // 5) else "open"


@router.post(HOME + "/{session_id}")
async def hold(request: Request, session_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    """Keeps seats while the visitor fills in who they are; goes on as any booking does."""
    form = await submitted(request)
    asked = _Asked.of({name: form.raw(name) for name in form.values})
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(HOLDS_PER_NETWORK, network_of(RequestInfo.of(request.scope).client_ip))
    try:
        async with reader.database.connection() as connection:
            session = await service.get(connection, session_id)
            wish = HoldRequest(
                service_id=session.service.id,
                location_id=session.location.id,
                starts_at=session.starts_at,
                session_id=session.id,
                seats=asked.seats,
            )
            held = await bookings.hold(connection, reader.app, visitor(request, reader), wish)
    except (ConflictError, PolicyError) as error:
        return await _page(request, reader, asked, explain(reader, error))
    return see(f"/reservar/datos/{links_of(request).token(held.id)}")
