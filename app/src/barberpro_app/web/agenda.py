"""The agenda: one's own day for a provider, everybody's for reception and the managers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.identity.service import safe_path
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError
from barberpro_app.location.service import list_locations
from barberpro_app.provider import service as providers
from barberpro_app.provider.schemas import Provider, TimeOffDraft
from barberpro_app.treatment_plan.repository import bookings_with_alerts
from barberpro_app.web.booking_view import actor
from barberpro_app.web.day_of import Day, Scope, gather
from barberpro_app.web.forms import Form, parse_day, parse_key
from barberpro_app.web.lanes import QUICK_MOVES, Entry, Lane
from barberpro_app.web.problems import explain
from barberpro_app.web.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:read"))])
NOTICES = {
    "guardado": "agenda.saved",
    "bloqueado": "agenda.blocked",
    "liberado": "agenda.unblocked",
    "agendado": "booking.created",
    "cancelado": "booking.cancelled",
}
#: The calendar ends somewhere; so does paging through it.
FIRST_DAY, LAST_DAY = date(2001, 1, 1), date(2099, 12, 31)


@dataclass(frozen=True)
class _Line:
    """One line of the page; times are texts of the local clock."""

    kind: str
    start: str
    until: str
    minutes: int
    label: str
    remove: str
    id: str = ""
    status: str = ""
    client: str = ""
    service: str = ""
    note: str = ""
    version: int = 0
    moves: tuple[str, ...] = ()
    alert: bool = False


@dataclass(frozen=True)
class _LaneView:
    id: str
    name: str
    summary: str
    entries: list[_Line]


@dataclass(frozen=True)
class _Asked:
    """What the address asks for."""

    day: date
    location_id: UUID | None
    provider_id: UUID | None

    def address(self, day: date) -> str:
        query: dict[str, object] = {"dia": day}
        if self.location_id:
            query["sede"] = self.location_id
        if self.provider_id:
            query["profesional"] = self.provider_id
        return f"/agenda?{urlencode(query)}"


def _asked(reader: Reader, values: dict[str, str]) -> _Asked:
    day = parse_day(values.get("dia", "")) or reader.fmt.today(clock.now())
    return _Asked(
        min(max(day, FIRST_DAY), LAST_DAY),
        parse_key(values.get("sede", "")),
        parse_key(values.get("profesional", "")),
    )


async def people_for(
    connection: Connection, principal: Principal, location_id: UUID | None = None
) -> list[Provider]:
    """Whose agenda this reader sees: a provider's login its own, the others everybody's."""
    if principal.own_agenda_only:
        if principal.provider_id is None:
            return []
        return [await providers.get_provider(connection, principal.provider_id)]
    return await providers.list_providers(connection, location_id=location_id)


@router.get("/agenda")
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    asked = _asked(reader, dict(request.query_params))
    return await _page(request, reader, asked, Form.empty())


async def _page(
    request: Request, reader: Reader, asked: _Asked, form: Form, problem: str = ""
) -> Response:
    who = actor(request, reader.principal)
    async with reader.database.connection() as connection:
        places = await list_locations(connection)
        location_id = asked.location_id if asked.location_id in {p.id for p in places} else None
        people = await people_for(connection, reader.principal, location_id)
        shown = [person for person in people if person.id == asked.provider_id] or people
        scope = Scope(asked.day, shown, places, location_id)
        found = await gather(connection, reader, who, scope) if shown else Day(asked.day, [], None)
        alerts = await _alerts(connection, reader, found)
    today = reader.fmt.today(clock.now())
    notice = NOTICES.get(request.query_params.get("hecho", ""))
    if not form.values:
        form = Form.empty(bloqueo_dia=asked.day)
    return page(
        request,
        reader,
        "staff/agenda.html",
        409 if problem else 422 if form.problems else 200,
        day=asked.day,
        is_today=asked.day == today,
        holiday=found.holiday,
        lanes=[_lane(reader, lane, alerts) for lane in found.lanes],
        locations=places,
        location_id=location_id,
        providers=people,
        provider_id=asked.provider_id,
        previous=asked.address(max(asked.day - timedelta(days=1), FIRST_DAY)),
        next=asked.address(min(asked.day + timedelta(days=1), LAST_DAY)),
        today_address=asked.address(today),
        here=asked.address(asked.day),
        blockable=[(person.id, person.name) for person in people],
        form=form,
        problem=problem,
        notice=reader.t(notice) if notice else "",
    )


async def _alerts(connection: Connection, reader: Reader, day: Day) -> set[str]:
    """Bookings whose patient has an alert (an allergy, say), for professionals; not which one."""
    if "treatment-plan-service" not in reader.app.services or reader.principal.provider_id is None:
        return set()
    shown = [UUID(e.booking.id) for lane in day.lanes for e in lane.entries if e.booking]
    return {str(key) for key in await bookings_with_alerts(connection, shown)}


def _lane(reader: Reader, lane: Lane, alerts: set[str]) -> _LaneView:
    booked = [e for e in lane.entries if e.booking and e.booking.status != "cancelled"]
    summary = reader.t.count("agenda.count", len(booked))
    return _LaneView(lane.id, lane.name, summary, [_line(reader, e, alerts) for e in lane.entries])


def _line(reader: Reader, entry: Entry, alerts: set[str]) -> _Line:
    hour = reader.fmt.hour
    base = (entry.kind, hour(entry.start), hour(entry.end), entry.minutes)
    booked = entry.booking
    if booked is None:
        return _Line(*base, entry.label, entry.remove)
    return _Line(
        *base,
        "",
        "",
        id=booked.id,
        status=booked.status,
        client=booked.client,
        service=booked.service,
        note=booked.note,
        version=booked.version,
        moves=QUICK_MOVES.get(booked.status, ()),
        alert=booked.id in alerts,
    )


@router.post("/agenda/bloqueo")
async def block(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Takes a stretch of one provider's day out of what can be booked."""
    form = await submitted(request)
    provider_id, day = form.key("bloqueo_profesional"), form.day("bloqueo_dia")
    start, end = form.clock("desde"), form.clock("hasta")
    reason = form.text("razon", most=120, required=False)
    if start and end and end <= start:
        form.refuse("hasta", "error.order")
    back = safe_path(form.raw("volver")) or "/agenda"
    asked = _asked(reader, {"dia": form.raw("bloqueo_dia")})
    if not form.ok or provider_id is None or day is None or start is None or end is None:
        return await _page(request, reader, asked, form)
    zone = reader.app.zone
    draft = TimeOffDraft(
        starts_at=datetime.combine(day, start, zone),
        ends_at=datetime.combine(day, end, zone),
        reason=reason,
    )
    try:
        async with reader.database.transaction() as connection:
            await providers.add_provider_time_off(
                connection, actor(request, reader.principal), provider_id, draft
            )
    except AppError as error:
        return await _page(request, reader, asked, form, explain(reader, error))
    return see(_with(back, "bloqueado"))


@router.post("/agenda/bloqueo/{provider_id}/{time_off_id}/quitar")
async def unblock(
    request: Request, provider_id: UUID, time_off_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    day = parse_day(form.raw("dia"))
    async with reader.database.transaction() as connection:
        await providers.remove_provider_time_off(
            connection, actor(request, reader.principal), provider_id, time_off_id
        )
    return see(_with(f"/agenda?dia={day}" if day else "/agenda", "liberado"))


def _with(address: str, done: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}hecho={done}"
