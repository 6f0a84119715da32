"""The agenda: one's own days for a provider, everybody's for reception and the managers.

Three views of the same: `dia` (columns of time, one per provider), `semana` (one provider's days as
columns of time, or a table of everybody's) and `lista` (a day as lists).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.agenda.service import Days
from barberpro_app.calendar_sync import repository as calendars
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
from barberpro_app.web import grid, language
from barberpro_app.web.booking_view import actor
from barberpro_app.web.day_of import Day, Scope, gather
from barberpro_app.web.forms import Form, parse_day, parse_key
from barberpro_app.web.lanes import QUICK_MOVES, Entry, Lane
from barberpro_app.web.opening_card import progress
from barberpro_app.web.problems import explain
from barberpro_app.web.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:read"))])
NOTICES = {
    "guardado": "agenda.saved",
    "bloqueado": "agenda.blocked",
    "liberado": "agenda.unblocked",
    "agendado": "booking.created",
    "cancelado": "booking.cancelled",
    "movido": "manage.moved",
}
VIEWS = {"dia": 1, "semana": 7, "lista": 1}
VIEW_COOKIE = "agenda"
#: The calendar ends somewhere; so does paging through it.
FIRST_DAY, LAST_DAY = date(2001, 1, 1), date(2099, 12, 24)
#: Bookings of one person's day that the table of a week names; the rest is one tap away.
NAMED = 5


@dataclass(frozen=True)
class _Line:
    """One line of the page; times are texts of the local clock."""

    kind: str
    start: str
    until: str
    minutes: int
    label: str
    remove: str
    tone: str = ""
    id: str = ""
    status: str = ""
    client: str = ""
    service: str = ""
    note: bool = False
    version: int = 0
    moves: tuple[str, ...] = ()
    alert: bool = False
    movable: bool = False
    client_id: str = ""
    clash: bool = False


@dataclass(frozen=True)
class _LaneView:
    id: str
    name: str
    summary: str
    entries: list[_Line]


@dataclass(frozen=True)
class _Cell:
    """One person's day in the table of a week."""

    address: str
    list_address: str
    work: str
    named: list[_Line]
    more: int
    away: str


@dataclass(frozen=True)
class _Marks:
    """Bookings that need a look: of a patient with an alert, or in conflict with a calendar outside."""

    alerts: set[str]
    clashes: set[str]


@dataclass(frozen=True)
class _Asked:
    """What the address asks for; `day` is the first of the days."""

    view: str
    day: date
    location_id: UUID | None
    provider_id: UUID | None

    def address(self, day: date, view: str = "", provider: object = None) -> str:
        query: dict[str, object] = {"vista": view or self.view, "dia": day}
        if self.location_id:
            query["sede"] = self.location_id
        if provider or self.provider_id:
            query["profesional"] = provider or self.provider_id
        return f"/agenda?{urlencode(query)}"

    def step(self, by: int) -> str:
        wanted = self.day + timedelta(days=by * VIEWS[self.view])
        return self.address(min(max(wanted, FIRST_DAY), LAST_DAY))


def _asked(request: Request, reader: Reader, values: dict[str, str]) -> _Asked:
    view = values.get("vista", "")
    if view not in VIEWS:
        view = request.cookies.get(VIEW_COOKIE, "")
    view = view if view in VIEWS else "dia"
    day = parse_day(values.get("dia", "")) or reader.fmt.today(clock.now())
    day = min(max(day, FIRST_DAY), LAST_DAY)
    if view == "semana":
        day -= timedelta(days=day.weekday())
    return _Asked(
        view, day, parse_key(values.get("sede", "")), parse_key(values.get("profesional", ""))
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
    asked = _asked(request, reader, dict(request.query_params))
    answer = await _page(request, reader, asked, Form.empty())
    if request.query_params.get("vista") == asked.view:
        answer.set_cookie(
            VIEW_COOKIE, asked.view, max_age=language.YEAR_SECONDS, path="/agenda",
            secure=True, httponly=True, samesite="lax",
        )  # fmt: skip
    return answer


async def _page(
    request: Request, reader: Reader, asked: _Asked, form: Form, problem: str = ""
) -> Response:
    since = request.app.state.live.hub.position  # before anything is read
    who = actor(request, reader.principal)
    days = Days(asked.day, VIEWS[asked.view], reader.app.zone)
    async with reader.database.connection() as connection:
        places = await list_locations(connection)
        location_id = asked.location_id if asked.location_id in {p.id for p in places} else None
        people = await people_for(connection, reader.principal, location_id)
        shown = [person for person in people if person.id == asked.provider_id] or people
        scope = Scope(days, shown, places, location_id)
        found = await gather(connection, reader, who, scope)
        marks = _Marks(
            await _alerts(connection, reader, found),
            await _clashes(connection, reader, days, [person.id for person in shown]),
        )
        opening = await progress(connection, reader)
    today = reader.fmt.today(clock.now())
    notice = NOTICES.get(request.query_params.get("hecho", ""))
    if not form.values:
        form = Form.empty(bloqueo_dia=asked.day)
    return page(
        request,
        reader,
        "staff/agenda.html",
        409 if problem else 422 if form.problems else 200,
        **_board(reader, asked, found, marks),
        clashes=len(marks.clashes),
        opening=opening,
        asked=asked,
        days=days,
        since=since,
        is_today=days.first <= today <= days.last,
        holiday=found[0].holiday,
        locations=places,
        location_id=location_id,
        providers=people,
        provider_id=asked.provider_id if len(shown) < len(people) else None,
        today=today,
        can_write=reader.principal.has_scope("bookings:write"),
        blockable=[(person.id, person.name) for person in people],
        form=form,
        problem=problem,
        notice=reader.t(notice) if notice else "",
    )


def _board(reader: Reader, asked: _Asked, found: list[Day], marks: _Marks) -> dict[str, object]:
    """What the view's own part of the page shows; `kind` names the part."""
    lanes = found[0].lanes
    if not lanes:
        return {"kind": "nobody"}
    if asked.view == "lista":
        return {"kind": "list", "lanes": [_lane(reader, lane, marks) for lane in lanes]}
    if asked.view == "semana" and len(lanes) > 1:
        table = [
            (lane, [_cell(reader, asked, day, day.lanes[n], marks) for day in found])
            for n, lane in enumerate(lanes)
        ]
        return {"kind": "week", "table": table, "found": found}
    columns = [(day.day, lane) for day in found for lane in day.lanes]
    board = grid.board(columns, reader.app.zone, clock.now())
    lines = {
        id(block): _line(reader, block.entry, marks)
        for column in board.columns
        for block in column.blocks
    }
    return {
        "kind": "grid",
        "board": board,
        "line_of": lambda block: lines[id(block)],
        "holidays": {day.day: day.holiday for day in found if day.holiday},
        "count_of": lambda lane: _summary(reader, lane),
    }


def _cell(reader: Reader, asked: _Asked, day: Day, lane: Lane, marks: _Marks) -> _Cell:
    booked = [
        e
        for e in lane.entries
        if e.kind == "session"
        or (e.booking and e.booking.status != "cancelled" and not e.booking.in_session)
    ]
    off = [e.label for e in lane.entries if e.kind == "off" and e.tone != "break"]
    hour = reader.fmt.hour
    return _Cell(
        address=asked.address(day.day, "dia", lane.id),
        list_address=asked.address(day.day, "lista", lane.id),
        work=", ".join(f"{hour(span.start)}\u2013{hour(span.end)}" for span in lane.work),
        named=[_line(reader, entry, marks) for entry in booked[:NAMED]],
        more=len(booked[NAMED:]),
        away=", ".join(dict.fromkeys(off)),
    )


async def _alerts(connection: Connection, reader: Reader, days: list[Day]) -> set[str]:
    """Bookings whose patient has an alert (an allergy, say), for professionals; not which one."""
    if "treatment-plan-service" not in reader.app.services or reader.principal.provider_id is None:
        return set()
    entries = (e for day in days for lane in day.lanes for e in lane.entries)
    shown = [UUID(e.booking.id) for e in entries if e.booking]
    return {str(key) for key in await bookings_with_alerts(connection, shown)}


async def _clashes(
    connection: Connection, reader: Reader, days: Days, people: list[UUID]
) -> set[str]:
    """Bookings and sessions of these days that calendars outside disagree about."""
    if "calendar-sync" not in reader.app.services:
        return set()
    zone = reader.app.zone
    start = datetime.combine(days.first, time(), zone)
    end = datetime.combine(days.last + timedelta(days=1), time(), zone)
    rows = await calendars.clashing(connection, people, start, end)
    return {str(row["booking_id"]) for row in rows}


def _summary(reader: Reader, lane: Lane) -> str:
    booked = [e for e in lane.entries if e.booking and e.booking.status != "cancelled"]
    return reader.t.count("agenda.count", len(booked))


def _lane(reader: Reader, lane: Lane, marks: _Marks) -> _LaneView:
    lines = [_line(reader, entry, marks) for entry in lane.entries]
    return _LaneView(lane.id, lane.name, _summary(reader, lane), lines)


def _line(reader: Reader, entry: Entry, marks: _Marks) -> _Line:
    hour = reader.fmt.hour
    base = (entry.kind, hour(entry.start), hour(entry.end), entry.minutes)
    booked = entry.booking
    if booked is None:
        return _Line(*base, entry.label, entry.remove, entry.tone)
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
        alert=booked.id in marks.alerts,
        clash=booked.id in marks.clashes,
        movable=booked.status == "confirmed" and not booked.in_session,
        client_id=booked.client_id,
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
    asked = _asked(request, reader, {"dia": form.raw("bloqueo_dia")})
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
