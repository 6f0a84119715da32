"""The agenda: one's own days for a provider, everybody's for reception and the managers.

Three views of the same: `dia` (columns of time, one per provider), `semana` (one provider's days as
columns of time, or a table of everybody's) and `lista` (a day as lists).
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.agenda.service import Days
from barberpro_app.calendar_sync import repository as calendars
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.service import safe_path
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError
from barberpro_app.location.service import list_locations
from barberpro_app.provider import service as providers
from barberpro_app.provider.schemas import TimeOffDraft
from barberpro_app.treatment_plan.repository import bookings_with_alerts
from barberpro_app.web.agenda.view import VIEWS, Asked, Marks, board_of
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.parts.day_of import Day, Scope, gather
from barberpro_app.web.parts.opening_card import progress
from barberpro_app.web.parts.team import FIRST_DAY, LAST_DAY, people_for
from barberpro_app.web.site import language
from barberpro_app.web.site.forms import Form, parse_day, parse_key
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:read"))])
NOTICES = {
    "guardado": "agenda.saved",
    "bloqueado": "agenda.blocked",
    "liberado": "agenda.unblocked",
    "agendado": "booking.created",
    "cancelado": "booking.cancelled",
    "movido": "manage.moved",
}
VIEW_COOKIE = "agenda"


def _asked(request: Request, reader: Reader, values: dict[str, str]) -> Asked:
    view = values.get("vista", "")
    if view not in VIEWS:
        view = request.cookies.get(VIEW_COOKIE, "")
    view = view if view in VIEWS else "dia"
    day = parse_day(values.get("dia", "")) or reader.fmt.today(clock.now())
    day = min(max(day, FIRST_DAY), LAST_DAY)
    if view == "semana":
        day -= timedelta(days=day.weekday())
    return Asked(
        view, day, parse_key(values.get("sede", "")), parse_key(values.get("profesional", ""))
    )


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
    request: Request, reader: Reader, asked: Asked, form: Form, problem: str = ""
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
        marks = Marks(
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
        **board_of(reader, asked, found, marks),
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
