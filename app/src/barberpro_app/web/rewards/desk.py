"""The front desk spends a full card on a booking, or gives a stamp and says why."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.booking import service as bookings
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError, NotAllowedError, NotFoundError
from barberpro_app.loyalty import service
from barberpro_app.loyalty.schemas import StampDraft
from barberpro_app.web.agenda.booking import booking_page
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:write"))])


async def _client_of(
    connection: Connection, request: Request, reader: Reader, booking_id: UUID
) -> UUID:
    """Whose card it is. Raises `NotAllowedError` for who sees the own agenda alone."""
    if reader.principal.own_agenda_only:
        raise NotAllowedError
    booking = await bookings.get(connection, actor(request, reader.principal), booking_id)
    if booking.client is None:
        raise NotFoundError
    return booking.client.id


@router.post("/agenda/reserva/{booking_id}/premio")
async def redeem(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """The same form sent twice spends one card: a booking has at most one reward."""
    form = await submitted(request)
    rule = form.key("regla")
    if rule is None:
        raise NotFoundError
    try:
        async with reader.database.transaction() as connection:
            await _client_of(connection, request, reader, booking_id)
            await service.redeem(connection, actor(request, reader.principal), rule, booking_id)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await booking_page(request, reader, booking_id, form, problem=explain(reader, error))
    return see(f"/agenda/reserva/{booking_id}?hecho=premio")


@router.post("/agenda/reserva/{booking_id}/sello")
async def give(request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    rule, reason = form.key("regla_sello"), form.text("motivo_sello", most=200)
    if reason and len(reason) < 3:
        form.refuse("motivo_sello", "rewards.say_why")
    if rule is None or not form.ok:
        return await booking_page(request, reader, booking_id, form)
    draft = StampDraft(rule_id=rule, reason=reason)
    async with reader.database.transaction() as connection:
        client = await _client_of(connection, request, reader, booking_id)
        who = actor(request, reader.principal)
        await service.give(connection, reader.app, who, client, draft)
    return see(f"/agenda/reserva/{booking_id}?hecho=sello")


@router.post("/agenda/reserva/{booking_id}/sello/{stamp_id}/quitar")
async def take_back(
    request: Request, booking_id: UUID, stamp_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """A stamp that was given by mistake."""
    form = await submitted(request)
    try:
        async with reader.database.transaction() as connection:
            client = await _client_of(connection, request, reader, booking_id)
            who = actor(request, reader.principal)
            await service.take_back(connection, who, client, stamp_id)
    except AppError as error:
        if error.status != 409:
            raise
        return await booking_page(request, reader, booking_id, form, problem=explain(reader, error))
    return see(f"/agenda/reserva/{booking_id}?hecho=sello_quitado")
