"""Reception records cash and transfers of a booking, and gives receipts."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.edge import key_of
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.payment import service as payments
from barberpro_app.payment.endpoints import receipt_answer
from barberpro_app.payment.schemas import ByHand
from barberpro_app.web.agenda.booking import booking_page
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:write"))])
METHODS = ("cash", "transfer")


@router.post("/agenda/reserva/{booking_id}/pago")
async def record(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """A payment by hand. The form's key makes a second sending of the same form harmless."""
    form = await submitted(request)
    method = form.choice("medio", METHODS)
    amount = form.centavos("importe")
    reference = form.text("referencia", most=100, required=False)
    if form.ok and not amount:
        form.refuse("importe", "error.money")
    if not form.ok:
        return await booking_page(request, reader, booking_id, form)
    asked = ByHand.model_validate(
        {"method": method, "amount_centavos": amount, "reference": reference}
    )
    key = key_of(reader.principal, form.text("clave", most=120) or None, f"pay {booking_id}", asked)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await payments.record_by_hand(connection, reader.app, who, booking_id, asked, key)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await booking_page(request, reader, booking_id, form, problem=explain(reader, error))
    return see(f"/agenda/reserva/{booking_id}?hecho=cobrado")


@router.get("/agenda/reserva/{booking_id}/recibo/{payment_id}")
async def receipt(
    request: Request, booking_id: UUID, payment_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """The receipt of a payment, for who may see its booking."""
    who = actor(request, reader.principal)
    async with reader.database.connection() as connection:
        payment = await payments.get_for(connection, who, payment_id)
    return receipt_answer(request, payment)
