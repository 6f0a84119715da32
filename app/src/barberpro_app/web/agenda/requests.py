"""What waits for a yes: the requests of all days, and the answer to one."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.approval import service
from barberpro_app.approval.schemas import Decision
from barberpro_app.booking import service as bookings
from barberpro_app.booking.service import BookingQuery
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.service import safe_path
from barberpro_app.kit.errors import AppError
from barberpro_app.visit import service as visits
from barberpro_app.web.agenda.booking import booking_page
from barberpro_app.web.parts.booking_view import actor, view
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:write"))])
HOME = "/agenda/pedidos"
LISTED = 200


@router.get(HOME)
async def every(request: Request, hecho: str = "", reader: Reader = Depends(reader_of)) -> Response:
    """Those that have to be answered first come first; of a visit one line."""
    who = actor(request, reader.principal)
    query = BookingQuery(statuses=("requested",), limit=LISTED)
    async with reader.database.connection() as connection:
        found = (await bookings.search(connection, who, query)).items
        shown = {item.visit_id or item.id: item for item in reversed(found)}
        items = [
            await visits.sitting(connection, who, item.id)
            if not reader.principal.own_agenda_only
            else item
            for item in shown.values()
        ]
    items.sort(key=lambda item: item.hold_expires_at or item.starts_at)
    return page(
        request,
        reader,
        "staff/requests.html",
        items=[(view(request, reader, item), item.client) for item in items],
        notice=reader.t("approval.answered") if hecho else "",
    )


@router.post("/agenda/reserva/{booking_id}/respuesta")
async def answer(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    yes = form.raw("respuesta") == "si"
    reason = form.text("motivo_no", most=200, required=False)
    if not yes and not reason and form.ok:
        form.refuse("motivo_no", "error.required")
    if not form.ok:
        return await booking_page(request, reader, booking_id, form)
    decision = Decision(decision="approve" if yes else "decline", reason=reason)
    try:
        async with reader.database.connection() as connection:
            who = actor(request, reader.principal)
            await service.decide(connection, reader.app, who, booking_id, decision)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await booking_page(
            request, reader, booking_id, Form.empty(), problem=explain(reader, error)
        )
    back = safe_path(form.raw("volver")) or f"/agenda/reserva/{booking_id}"
    return see(f"{back}?hecho=guardado")
