"""A booking that is repeated: asked for, and looked at before it is made."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.kit.routes import add_routes
from barberpro_app.series import service
from barberpro_app.series.schemas import Series, SeriesDraft
from barberpro_app.web.parts.booking_view import view
from barberpro_app.web.series.seat import CLIENT, TEAM, Seat, lines_of, may_come, seat_of
from barberpro_app.web.site.forms import Form, parse_day
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
team = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:write"))])
WEEKS = (1, 2, 3, 4, 6, 8)
ENDS = ("veces", "dia", "nunca")
MOST_TIMES = 200


@router.get(CLIENT + "/repetir")
@team.get(TEAM + "/repetir")
async def ask(
    request: Request, reader: Reader = Depends(reader_of), seat: Seat = Depends(seat_of)
) -> Response:
    return await _ask(request, reader, seat, Form.empty())


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


@router.post(CLIENT + "/repetir")
@team.post(TEAM + "/repetir")
async def repeat(
    request: Request, reader: Reader = Depends(reader_of), seat: Seat = Depends(seat_of)
) -> Response:
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
        lines=lines_of(request, reader, seat, found),
        more=found.more,
        later=may_come(found),
        made=sum(part.booking_id is not None for part in found.parts),
        fields=_kept(form, found),
    )


def _kept(form: Form, found: Series) -> list[tuple[str, str]]:
    """What the form said, and every conflict that was shown."""
    names = ("cada", "termina", "veces", "ultimo", "cerrado", "abono")
    fields = [(name, form.raw(name)) for name in names if form.raw(name)]
    return fields + [("saltear", str(part.planned_on)) for part in found.parts if part.problem]


add_routes(router, [team])
