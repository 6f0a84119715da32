"""Classes as the team sees them: a day's classes, who is in one and who came, moving and cancelling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking, Status, StatusRequest
from barberpro_app.group_session import service
from barberpro_app.group_session.schemas import (
    GroupSession,
    SessionCancel,
    SessionPatch,
    SessionSearch,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit import clock
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.parts.team import FIRST_DAY, LAST_DAY, people_for
from barberpro_app.web.site.forms import Form, parse_day, parse_key
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:read"))])
HOME = "/agenda/clases"
NOTICES = {
    "anotado": "classes.noted",
    "cambiada": "classes.changed",
    "cancelada": "classes.cancelled_done",
}
#: Seats are taken by these; the others are shown nowhere in a list of who comes.
IN_CLASS: tuple[Status, ...] = ("held", "confirmed", "arrived", "completed", "no_show")


@dataclass(frozen=True)
class _Line:
    """One class of the day."""

    address: str
    state: str
    start: str
    until: str
    name: str
    provider: str
    place: str
    taken: int
    capacity: int


@dataclass(frozen=True)
class _Person:
    """One booking in a class; `moves` are the statuses that a button sets."""

    address: str
    client: str
    status: str
    seats: int
    note: str
    key: str
    version: int
    moves: tuple[str, ...]


@router.get(HOME)
async def day(request: Request, dia: str = "", reader: Reader = Depends(reader_of)) -> Response:
    """The classes of a day: a provider's login sees the own ones."""
    today = reader.fmt.today(clock.now())
    shown = min(max(parse_day(dia) or today, FIRST_DAY), LAST_DAY)
    async with reader.database.connection() as connection:
        own = reader.principal.own_agenda_only
        provider_id = (reader.principal.provider_id or UUID(int=0)) if own else None
        query = SessionSearch(first=shown, days=1, provider_id=provider_id)
        found = (await service.search(connection, query)).items
    step = timedelta(days=1)
    return page(
        request,
        reader,
        "classes/day.html",
        day=shown,
        is_today=shown == today,
        lines=[_line(reader, item) for item in found],
        previous=f"{HOME}?dia={max(shown - step, FIRST_DAY)}",
        next=f"{HOME}?dia={min(shown + step, LAST_DAY)}",
        today_address=HOME,
    )


def _line(reader: Reader, item: GroupSession) -> _Line:
    return _Line(
        address=f"{HOME}/{item.id}",
        state=item.state,
        start=reader.fmt.hour(item.starts_at, item.zone),
        until=reader.fmt.hour(item.ends_at, item.zone),
        name=in_language(item.service.name, reader.locale, reader.app.locale),
        provider=item.provider.name,
        place=item.place,
        taken=item.capacity - item.free,
        capacity=item.capacity,
    )


@router.get(HOME + "/{session_id}")
async def show(
    request: Request, session_id: UUID, hecho: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    notice = NOTICES.get(hecho)
    return await _page(request, reader, session_id, notice=reader.t(notice) if notice else "")


async def _page(
    request: Request,
    reader: Reader,
    session_id: UUID,
    *,
    form: Form | None = None,
    problem: str = "",
    notice: str = "",
) -> Response:
    async with reader.database.connection() as connection:
        session = await service.get(connection, session_id)
        if reader.principal.own_agenda_only and session.provider.id != reader.principal.provider_id:
            raise NotFoundError
        query = bookings.BookingQuery(session_id=session_id, statuses=IN_CLASS, limit=200)
        found = await bookings.search(connection, actor(request, reader.principal), query)
        people = await people_for(connection, reader.principal, session.location.id)
    started = session.starts_at <= clock.now()
    roll = [_person(item, started) for item in found.items]
    return page(
        request,
        reader,
        "classes/roll.html",
        409 if problem else 422 if form is not None and form.problems else 200,
        session=session,
        line=_line(reader, session),
        day=reader.fmt.local(session.starts_at, session.zone).date(),
        roll=sorted(roll, key=lambda person: person.client.casefold()),
        waiting=sum(person.status in {"confirmed", "arrived"} for person in roll),
        started=started,
        changeable=session.state == "scheduled",
        may_write=reader.principal.has_scope("bookings:write"),
        providers=[(person.id, person.name) for person in people],
        form=form or _filled(reader, session),
        notice=notice,
        problem=problem,
        here=f"{HOME}/{session_id}",
    )


def _person(item: Booking, started: bool) -> _Person:
    """Before it starts one arrives; then one was there or was not."""
    moves: tuple[str, ...] = ()
    if item.status in {"confirmed", "arrived"}:
        moves = ("completed", "no_show") if started else ("arrived",)
        moves = tuple(move for move in moves if move != item.status)
    elif item.status in {"completed", "no_show"}:
        moves = ("no_show",) if item.status == "completed" else ("completed",)
    return _Person(
        address=f"/agenda/reserva/{item.id}",
        client=item.client.name if item.client else "",
        status=item.status,
        seats=item.seats,
        note=item.note,
        key=str(item.id),
        version=item.version,
        moves=moves,
    )


def _filled(reader: Reader, session: GroupSession) -> Form:
    local = reader.fmt.local(session.starts_at, session.zone)
    return Form.empty(
        dia=local.date(),
        hora=local.strftime("%H:%M"),
        profesional=session.provider.id,
        cupo=session.capacity,
        sala=session.place,
        version=session.version,
    )


WRITING = [Depends(require_scope("bookings:write"))]


@router.post(HOME + "/{session_id}/lista", dependencies=WRITING)
async def note(request: Request, session_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    """Who came: one by one, or all who are left. "Fue otra persona" is one click more: the status of
    somebody who was noted wrongly is set back first."""
    form = await submitted(request)
    who = actor(request, reader.principal)
    key, wanted = parse_key(form.raw("reserva")), form.raw("estado")
    try:
        async with reader.database.transaction() as connection:
            await _own_session(reader, await service.get(connection, session_id))
            if form.raw("todos"):
                query = bookings.BookingQuery(
                    session_id=session_id, statuses=("confirmed", "arrived"), limit=200
                )
                for item in (await bookings.search(connection, who, query)).items:
                    done = StatusRequest(status="completed", version=item.version)
                    await bookings.set_status(connection, who, item.id, done)
            elif key is not None and wanted in {"arrived", "completed", "no_show"}:
                booking = await bookings.get(connection, who, key)
                if booking.session_id != session_id:
                    raise NotFoundError
                version = form.version()
                if booking.status in {"completed", "no_show"}:
                    back = StatusRequest(status="confirmed", version=version)
                    version = (await bookings.set_status(connection, who, key, back)).version
                change = StatusRequest.model_validate({"status": wanted, "version": version})
                await bookings.set_status(connection, who, key, change)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await _page(request, reader, session_id, problem=explain(reader, error))
    return see(f"{HOME}/{session_id}?hecho=anotado")


async def _own_session(reader: Reader, session: GroupSession) -> None:
    if reader.principal.own_agenda_only and session.provider.id != reader.principal.provider_id:
        raise NotFoundError


@router.post(HOME + "/{session_id}/cambiar", dependencies=WRITING)
async def change(
    request: Request, session_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """Another time, instructor, number of seats or room; who is booked moves along and is told."""
    form = await submitted(request)
    wanted_day, hour = form.day("dia"), form.clock("hora")
    provider_id = form.key("profesional")
    capacity = form.integer("cupo", least=1, most=500)
    place = form.text("sala", most=80, required=False)
    if not form.ok or wanted_day is None or hour is None:
        return await _page(request, reader, session_id, form=form)
    async with reader.database.connection() as connection:
        session = await service.get(connection, session_id)
    local = reader.fmt.local(session.starts_at, session.zone)
    moved: date = wanted_day
    starts_at = datetime.combine(moved, hour, local.tzinfo)
    same = starts_at == session.starts_at and provider_id == session.provider.id
    patch = SessionPatch(
        version=form.version() or 1,
        starts_at=None if same else starts_at,
        provider_id=None if same else provider_id,
        capacity=capacity,
        place=place,
    )
    try:
        async with reader.database.connection() as connection:
            who = actor(request, reader.principal)
            await service.change(connection, reader.app, who, session_id, patch)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        problem = explain(reader, error)
        return await _page(request, reader, session_id, form=form, problem=problem)
    return see(f"{HOME}/{session_id}?hecho=cambiada")


@router.post(HOME + "/{session_id}/cancelar", dependencies=WRITING)
async def cancel(
    request: Request, session_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """Cancels the class; everybody in it is told."""
    form = await submitted(request)
    reason = form.text("motivo", most=200)
    if not form.ok:
        return await _page(request, reader, session_id, form=form)
    wanted = SessionCancel(reason=reason, version=form.version())
    try:
        async with reader.database.connection() as connection:
            who = actor(request, reader.principal)
            await service.cancel(connection, reader.app, who, session_id, wanted)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await _page(request, reader, session_id, problem=explain(reader, error))
    return see(f"{HOME}/{session_id}?hecho=cancelada")
