"""Where the team lands: what comes now and next, how the day goes, and what waits for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.kit import clock
from barberpro_app.today import service
from barberpro_app.today.service import Coming, Wait
from barberpro_app.web.parts.booking_view import in_language
from barberpro_app.web.parts.lanes import QUICK_MOVES
from barberpro_app.web.parts.opening_card import progress
from barberpro_app.web.parts.team import HOME
from barberpro_app.web.site.rendering import Reader, page, reader_of

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:read"))])
_PLACES = {
    "requests": "/agenda/pedidos",
    "walk_ins": "/agenda/fila",
    "conflicts": "/calendarios#choques",
    "data_requests": "/ajustes/datos-personales",
    "withdrawals": "/ajustes/arrepentimientos",
    "messages": "/ajustes/mensajes",
    "licences": "/matriculas",
    "photos": "/trabajos",
    "waiting_list": "/agenda/espera",
}
#: Of these the moment is a deadline to show; of what is over, the first day.
_DEADLINES = {"requests", "data_requests"}
#: Of these it is when the first one starts: the day where it is done, and how the day is said.
_ON_A_DAY = {"unclosed": "today.since", "deposits": "today.first_on"}


@dataclass(frozen=True)
class _Line:
    """One booking or group; `start` and `until` are texts of the local clock."""

    id: str
    address: str
    day: date
    start: str
    until: str
    who: str
    what: str
    provider: str
    status: str
    version: int
    moves: tuple[str, ...]
    now: bool
    client: str
    client_id: str = ""


@dataclass(frozen=True)
class _Task:
    """What waits, in words, and where it is done."""

    text: str
    hint: str
    address: str


@router.get(HOME)
async def show(request: Request, hecho: str = "", reader: Reader = Depends(reader_of)) -> Response:
    since = request.app.state.live.hub.position  # before anything is read
    now, principal = clock.now(), reader.principal
    async with reader.database.connection() as connection:
        board = await service.look(connection, principal, reader.app.services, now, reader.app.zone)
        opening = await progress(connection, reader)
    today = reader.fmt.today(now)
    lines = [_line(reader, item, now) for item in board.coming]
    return page(
        request,
        reader,
        "staff/today.html",
        today=today,
        last=today + timedelta(days=service.AHEAD.days),
        since=since,
        count=board.count,
        lines=lines,
        tasks=[_task(reader, item) for item in board.waits],
        opening=opening,
        own=str(principal.provider_id or "") if principal.own_agenda_only else "",
        can_write=principal.has_scope("bookings:write"),
        notice=reader.t("agenda.saved") if hecho else "",
    )


def _line(reader: Reader, item: Coming, now: datetime) -> _Line:
    name = in_language(item.service, reader.locale, reader.app.locale)
    day = reader.fmt.local(item.starts_at, item.zone).date()
    group = item.status == "session"
    address = f"/agenda/reserva/{item.id}"
    if group:
        classes = "class-management-service" in reader.app.services
        address = f"/agenda/clases/{item.id}" if classes else f"/agenda?vista=lista&dia={day}"
    seats = reader.t("agenda.seats", n=item.seats, most=item.capacity) if group else ""
    who = name if group else item.client or reader.t("agenda.nobody")
    return _Line(
        id=str(item.id),
        address=address,
        day=day,
        start=reader.fmt.hour(item.starts_at, item.zone),
        until=reader.fmt.hour(item.ends_at, item.zone),
        who=who,
        what=" \u00b7 ".join(part for part in (seats or name, *item.resources) if part),
        provider="" if reader.principal.own_agenda_only else item.provider,
        status=item.status,
        version=item.version,
        # what is still far away is not said to have come
        moves=QUICK_MOVES.get(item.status, ()) if day == reader.fmt.today(now) else (),
        now=item.starts_at <= now,
        client=who,
        client_id=str(item.client_id or ""),
    )


def _task(reader: Reader, item: Wait) -> _Task:
    address, hint = _PLACES.get(item.kind, ""), ""
    if item.moment is not None and item.kind in _DEADLINES:
        hint = reader.t("today.due", moment=reader.fmt.moment(item.moment))
    if item.moment is not None and item.kind in _ON_A_DAY:
        day = reader.fmt.local(item.moment).date()
        address = f"/agenda?vista=lista&dia={day}"
        hint = reader.t(_ON_A_DAY[item.kind], day=reader.fmt.short_day(day))
    return _Task(reader.t.count(f"today.{item.kind}", item.number), hint, address)
