"""A booking that is repeated: asked for, looked at before it is made, moved and ended. The same pages for
the client, by the signed link, and for the team."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.audit.trail import Actor
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.series import service
from barberpro_app.series.schemas import Series, SeriesDraft, SeriesEnd, SeriesMove, SeriesPart
from barberpro_app.web import choosing, offer, picker
from barberpro_app.web.booking_view import actor, booking_of, holder, links_of, reading, view
from barberpro_app.web.choosing import Wish
from barberpro_app.web.forms import Form, parse_day
from barberpro_app.web.problems import explain
from barberpro_app.web.rendering import Reader, page, reader_of, say, see, submitted
from barberpro_app.web.texts import problem as said

router = APIRouter(include_in_schema=False)
team = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:write"))])
WEEKS = (1, 2, 3, 4, 6, 8)
ENDS = ("veces", "dia", "nunca")
MOST_TIMES = 200
NOTICES = {"hecho": "series.made", "cambio": "series.moved", "fin": "series.ended"}


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


async def _client(request: Request, reader: Reader, token: str) -> Seat:
    async with reader.database.connection() as connection:
        booking = await bookings.get(connection, reading(request), booking_of(request, token))
    if booking.client is None:
        raise NotFoundError
    return Seat(booking, holder(request, booking), f"/reserva/{token}", staff=False)


async def _team(request: Request, reader: Reader, booking_id: UUID) -> Seat:
    who = actor(request, reader.principal)
    async with reader.database.connection() as connection:
        booking = await bookings.get(connection, who, booking_id)
    return Seat(booking, who, f"/agenda/reserva/{booking_id}", staff=True)


@dataclass(frozen=True)
class _Line:
    """A planned day as the page shows it."""

    day: date
    starts_at: datetime | None
    status: str
    problem: str
    address: str
    moved: bool


def _line(request: Request, reader: Reader, seat: Seat, part: SeriesPart, zone: str) -> _Line:
    address = ""
    if part.booking_id is not None and part.status not in (None, "expired"):
        token = links_of(request).token(part.booking_id)
        address = f"/agenda/reserva/{part.booking_id}" if seat.staff else f"/reserva/{token}"
    moved = False
    if part.starts_at is not None:
        moved = reader.fmt.local(part.starts_at, zone).date() != part.planned_on
    why = _why(reader, part.problem) if part.problem else ""
    return _Line(part.planned_on, part.starts_at, part.status or "", why, address, moved)


def _why(reader: Reader, problem: str) -> str:
    key = f"series.problem.{problem}"
    return reader.t(key if reader.t.has(key) else "series.problem.other")


def _lines(request: Request, reader: Reader, seat: Seat, found: Series) -> list[_Line]:
    return [_line(request, reader, seat, part, found.zone) for part in found.parts]


async def _ask(
    request: Request, reader: Reader, seat: Seat, form: Form, error: AppError | None = None
) -> Response:
    booking = seat.booking
    async with reader.database.connection() as connection:
        client = booking.client
        credits_left = client is not None and await service.has_credits(connection, client.id)
        series_id = await service.series_of(connection, booking.id)
    if series_id is not None:
        return see(f"{seat.home}/serie")
    if booking.status not in ("confirmed", "arrived"):
        return see(seat.home)
    return page(
        request,
        reader,
        "series/ask.html",
        error.status if error else 422 if form.problems else 200,
        seat=seat,
        booking=view(request, reader, booking),
        form=form if form.values else Form.empty(cada=1, termina="veces", veces=8),
        weeks=[(n, reader.t.count("series.weeks", n)) for n in WEEKS],
        ends=[(name, reader.t(f"series.end.{name}")) for name in ENDS],
        credits=credits_left,
        problem=explain(reader, error) if error else "",
    )


def _draft(form: Form) -> SeriesDraft | None:
    """What the form asks for; None with the problems noted in it."""
    weeks = form.integer("cada", least=1, most=26)
    end = form.choice("termina", ENDS)
    times = form.integer("veces", least=2, most=MOST_TIMES) if end == "veces" else None
    until = form.day("ultimo") if end == "dia" else None
    closed = form.choice("cerrado", ("skip", "next_day"))
    if not form.ok:
        return None
    return SeriesDraft.model_validate(
        {
            "every_weeks": weeks,
            "count": times,
            "until": until,
            "on_closed": closed,
            "use_credits": form.flag("abono"),
            "skip": [day for day in map(parse_day, form.several("saltear")) if day],
        }
    )


async def _repeat(request: Request, reader: Reader, seat: Seat) -> Response:
    """First what it would be; then, with what was seen accepted, it is made."""
    form = await submitted(request)
    draft = _draft(form)
    if draft is None:
        return await _ask(request, reader, seat, form)
    confirmed = form.flag("confirmar")
    try:
        async with reader.database.connection() as connection:
            make = service.create if confirmed else service.preview
            found = await make(connection, reader.app, seat.who, seat.booking.id, draft)
    except AppError as error:
        if error.status not in (404, 409, 422):
            raise
        return await _ask(request, reader, seat, form, error)
    if confirmed:
        return see(f"{seat.home}/serie?hecho=hecho")
    return page(
        request,
        reader,
        "series/preview.html",
        seat=seat,
        booking=view(request, reader, seat.booking),
        lines=_lines(request, reader, seat, found),
        more=found.more,
        made=sum(part.booking_id is not None for part in found.parts),
        fields=_kept(form, found),
    )


def _kept(form: Form, found: Series) -> list[tuple[str, str]]:
    """What the form said, and every conflict that was shown."""
    names = ("cada", "termina", "veces", "ultimo", "cerrado", "abono")
    fields = [(name, form.raw(name)) for name in names if form.raw(name)]
    return fields + [("saltear", str(part.planned_on)) for part in found.parts if part.problem]


async def _series(request: Request, reader: Reader, seat: Seat) -> Series:
    async with reader.database.connection() as connection:
        series_id = await service.series_of(connection, seat.booking.id)
        if series_id is None:
            raise NotFoundError
        return await service.get(connection, seat.who, series_id)


async def _show(
    request: Request, reader: Reader, seat: Seat, error: AppError | None = None
) -> Response:
    found = await _series(request, reader, seat)
    notice = NOTICES.get(request.query_params.get("hecho", ""))
    rule = reader.t(
        "series.rule",
        what=reader.t.count("series.weeks", found.every_weeks),
        day=reader.fmt.weekday_name(found.weekday),
        hour=reader.fmt.hour(_clock(found, seat.booking), found.zone),
    )
    return page(
        request,
        reader,
        "series/show.html",
        error.status if error else 200,
        seat=seat,
        series=found,
        booking=view(request, reader, seat.booking),
        rule=rule,
        lines=_lines(request, reader, seat, found),
        notice=reader.t(notice) if notice else "",
        problem=explain(reader, error) if error else "",
    )


def _clock(found: Series, booking: Booking) -> datetime:
    hour = time(found.minute // 60, found.minute % 60)
    zone = ZoneInfo(found.zone)
    return datetime.combine(booking.starts_at.astimezone(zone).date(), hour, zone)


async def _end(request: Request, reader: Reader, seat: Seat) -> Response:
    form = await submitted(request)
    scope = form.choice("alcance", ("end", "following", "all"))
    if not form.ok:
        return see(f"{seat.home}/serie")
    found = await _series(request, reader, seat)
    reason = form.text("motivo", most=200, required=False)[:200]
    what = SeriesEnd.model_validate(
        {
            "scope": scope,
            "booking_id": seat.booking.id,
            "reason": reason,
            "version": form.version(),
            "override_reason": reader.t("booking.moved_by_team") if seat.staff else None,
        }
    )
    try:
        async with reader.database.connection() as connection:
            await service.end(connection, reader.app, seat.who, found.id, what)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await _show(request, reader, seat, error)
    return see(f"{seat.home}/serie?hecho=fin")


async def _choose(
    request: Request, reader: Reader, seat: Seat, day: date | None, problem: str = ""
) -> Response:
    booking, here = seat.booking, f"{seat.home}/serie/cambiar"
    if booking.status != "confirmed":
        return see(f"{seat.home}/serie")
    found = await _series(request, reader, seat)
    async with reader.database.connection() as connection:
        policies = await offer.policies(connection, reader)
        picked = await choosing.pick(
            connection,
            reader,
            Wish(booking.service.id, booking.location.id, booking.provider.id),
            choosing.bounds_of(policies, booking.zone),
            day,
            lambda day: f"{here}?dia={day}",
        )
    return page(
        request,
        reader,
        "series/move.html",
        409 if problem else 200,
        seat=seat,
        booking=view(request, reader, booking),
        view=picked,
        action=here,
        fields=[("version", found.version)],
        problem=problem,
    )


async def _move(request: Request, reader: Reader, seat: Seat) -> Response:
    """As `_repeat`: shows what stays where it is before anything is moved."""
    form = await submitted(request)
    starts_at = picker.parse_instant(form.raw("inicio"))
    if starts_at is None:
        return await _choose(request, reader, seat, None, say(reader, said("error.slot")))
    found = await _series(request, reader, seat)
    confirmed = form.flag("confirmar")
    values: dict[str, Any] = {
        "booking_id": seat.booking.id,
        "starts_at": starts_at.isoformat(),
        "version": form.version(),
        "keep": [day for day in map(parse_day, form.several("dejar")) if day],
        "override_reason": reader.t("booking.moved_by_team") if seat.staff else None,
    }
    try:
        async with reader.database.connection() as connection:
            move = service.move if confirmed else service.preview_move
            asked = SeriesMove.model_validate(values)
            moved = await move(connection, reader.app, seat.who, found.id, asked)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        day = reader.fmt.local(starts_at).date()
        return await _choose(request, reader, seat, day, explain(reader, error))
    if confirmed:
        return see(f"{seat.home}/serie?hecho=cambio")
    kept = {item.booking_id for item in moved.kept}
    parts = [part for part in moved.parts if part.status == "confirmed"]
    coming = [part for part in parts if part.starts_at and part.starts_at >= starts_at]
    return page(
        request,
        reader,
        "series/move_preview.html",
        seat=seat,
        booking=view(request, reader, seat.booking),
        lines=_lines(
            request,
            reader,
            seat,
            moved.model_copy(
                update={"parts": [part for part in coming if part.booking_id not in kept]}
            ),
        ),
        kept=[(item.day, _why(reader, item.problem)) for item in moved.kept],
        fields=[
            ("inicio", picker.instant_value(starts_at)),
            ("version", str(found.version)),
            *(("dejar", str(item.day)) for item in moved.kept),
        ],
    )


@router.get("/reserva/{token}/repetir")
async def ask(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    return await _ask(request, reader, await _client(request, reader, token), Form.empty())


@router.post("/reserva/{token}/repetir")
async def repeat(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    return await _repeat(request, reader, await _client(request, reader, token))


@router.get("/reserva/{token}/serie")
async def show(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    return await _show(request, reader, await _client(request, reader, token))


@router.post("/reserva/{token}/serie/terminar")
async def end(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    return await _end(request, reader, await _client(request, reader, token))


@router.get("/reserva/{token}/serie/cambiar")
async def choose(
    request: Request, token: str, dia: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    seat = await _client(request, reader, token)
    return await _choose(request, reader, seat, parse_day(dia))


@router.post("/reserva/{token}/serie/cambiar")
async def move(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    return await _move(request, reader, await _client(request, reader, token))


HOME = "/agenda/reserva/{booking_id}"


@team.get(HOME + "/repetir")
async def team_ask(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    return await _ask(request, reader, await _team(request, reader, booking_id), Form.empty())


@team.post(HOME + "/repetir")
async def team_repeat(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    return await _repeat(request, reader, await _team(request, reader, booking_id))


@team.get(HOME + "/serie")
async def team_show(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    return await _show(request, reader, await _team(request, reader, booking_id))


@team.post(HOME + "/serie/terminar")
async def team_end(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    return await _end(request, reader, await _team(request, reader, booking_id))


@team.get(HOME + "/serie/cambiar")
async def team_choose(
    request: Request, booking_id: UUID, dia: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    seat = await _team(request, reader, booking_id)
    return await _choose(request, reader, seat, parse_day(dia))


@team.post(HOME + "/serie/cambiar")
async def team_move(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    return await _move(request, reader, await _team(request, reader, booking_id))


router.include_router(team)
