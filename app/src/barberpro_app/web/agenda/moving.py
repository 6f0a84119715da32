"""Moving a booking to another time or person: a form, and the same for who drags it in the agenda."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from barberpro_app.agenda import service as agenda
from barberpro_app.agenda.service import Move, OutsideRulesError
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.service import safe_path
from barberpro_app.kit.errors import AppError
from barberpro_app.web.parts.booking_view import actor, view
from barberpro_app.web.parts.team import people_for
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:write"))])
#: What the agenda's script calls itself: it gets words, not a page.
DRAGGED = "move"


def dragged(request: Request) -> bool:
    return request.headers.get("x-fragment") == DRAGGED


@router.get("/agenda/reserva/{booking_id}/mover")
async def ask(
    request: Request, booking_id: UUID, volver: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    async with reader.database.connection() as connection:
        booking = await bookings.get(connection, actor(request, reader.principal), booking_id)
    if booking.status != "confirmed":
        return see(f"/agenda/reserva/{booking_id}")
    local = reader.fmt.local(booking.starts_at)
    form = Form.empty(
        dia=local.date(),
        hora=f"{local:%H:%M}",
        profesional=booking.provider.id,
        version=booking.version,
        volver=safe_path(volver),
    )
    return await _page(request, reader, booking, form)


async def _page(
    request: Request,
    reader: Reader,
    booking: Booking,
    form: Form,
    problem: str = "",
    again: bool = False,
) -> Response:
    async with reader.database.connection() as connection:
        people = await people_for(connection, reader.principal)
    return page(
        request,
        reader,
        "staff/move.html",
        409 if problem else 422 if form.problems else 200,
        booking=view(request, reader, booking),
        client=booking.client.name if booking.client else reader.t("agenda.nobody"),
        people=[(person.id, person.name) for person in people],
        form=form,
        problem=problem,
        again=again,
        back=safe_path(form.raw("volver")) or f"/agenda/reserva/{booking.id}",
    )


@router.post("/agenda/reserva/{booking_id}/mover")
async def move(request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    """204 for who drags; a refusal says why, and whether it can be done all the same."""
    form = await submitted(request)
    day, hour = form.day("dia"), form.clock("hora")
    provider_id = form.key("profesional", required=False)
    if not form.ok or day is None or hour is None:
        return await _refused(request, reader, booking_id, form)
    asked = Move(
        reader.fmt.instant(day, hour), provider_id, form.version(), regardless=form.flag("forzar")
    )
    who = actor(request, reader.principal)
    try:
        async with reader.database.connection() as connection:
            reason = reader.t("booking.moved_by_team")
            await agenda.move(connection, reader.app, who, booking_id, asked, reason)
    except OutsideRulesError as error:
        key = f"mover.rule.{error.problem}"
        text = reader.t(key if reader.t.has(key) else "mover.rule.closed")
        return await _refused(request, reader, booking_id, form, text, again=True)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await _refused(request, reader, booking_id, form, explain(reader, error))
    if dragged(request):
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    return see(_moved(form, booking_id))


def _moved(form: Form, booking_id: UUID) -> str:
    back = safe_path(form.raw("volver"))
    if not back.startswith("/agenda?"):
        return f"/agenda/reserva/{booking_id}?hecho=cambiado"
    return f"{back}&hecho=movido"


async def _refused(
    request: Request,
    reader: Reader,
    booking_id: UUID,
    form: Form,
    problem: str = "",
    *,
    again: bool = False,
) -> Response:
    if dragged(request):
        text = problem or reader.t("error.summary")
        return JSONResponse(
            {"text": text, "force": again},
            409 if problem else 422,
            headers={"Cache-Control": "no-store"},
        )
    async with reader.database.connection() as connection:
        booking = await bookings.get(connection, actor(request, reader.principal), booking_id)
    if problem and not again:
        # what was changed meanwhile is what the next try starts from
        form.values["version"] = [str(booking.version)]
    return await _page(request, reader, booking, form, problem, again)
