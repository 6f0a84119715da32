"""The JSON API of payments."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    ClientOrScope,
    IdempotencyHeader,
    actor_of,
    answer,
    configuration_of,
    database_of,
    key_of,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.payment import service
from barberpro_app.payment.desk import desk_of
from barberpro_app.payment.schemas import (
    BookingMoney,
    ByHand,
    CheckoutRequest,
    Payment,
    PaymentPage,
    PaymentSearch,
    RefundRequest,
)

router = APIRouter(prefix=API, tags=["money"])
Reader = Annotated[Principal, Depends(ClientOrScope("bookings:read"))]
Payer = Annotated[Principal, Depends(ClientOrScope("bookings:write"))]
Desk = Annotated[Principal, Depends(require_scope("bookings:write"))]
Owner = Annotated[Principal, Depends(require_scope("settings:write"))]
PDF: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}}}
RECEIPT = "barberpro_app.payment.receipt"


@router.get("/bookings/{booking_id}/money", response_model=BookingMoney, responses=READING)
async def booking_money(request: Request, principal: Reader, booking_id: UUID) -> Response:
    """Price, deposit and payments of a booking or hold."""
    desk = desk_of(request)
    async with desk.database.connection() as connection:
        found = await service.booking_money(
            connection,
            desk.app,
            actor_of(request, principal),
            booking_id,
            online=desk.online.enabled,
        )
    return answer(found)


@router.post(
    "/bookings/{booking_id}/payments",
    status_code=201,
    response_model=Payment,
    responses=WRITING,
)
async def record_by_hand(
    request: Request, principal: Desk, booking_id: UUID, body: ByHand, key: IdempotencyHeader = None
) -> Response:
    """Record cash or a transfer; a hold is confirmed once its deposit is there."""
    stored = key_of(principal, key, f"pay {booking_id}", body)
    async with database_of(request).transaction() as connection:
        made = await service.record_by_hand(
            connection,
            configuration_of(request),
            actor_of(request, principal),
            booking_id,
            body,
            stored,
        )
    return answer(made, 201)


@router.post("/bookings/{booking_id}/checkout", response_model=Payment, responses=WRITING)
async def checkout(
    request: Request, principal: Payer, booking_id: UUID, body: CheckoutRequest
) -> Response:
    """The address of the provider's page to pay at; the same one as long as it is open."""
    desk = desk_of(request)
    back = f"{desk.app.public_url.rstrip('/')}/pagos/vuelta"
    made = await service.open_checkout(desk, actor_of(request, principal), booking_id, body, back)
    return answer(made)


@router.get("/payments", response_model=PaymentPage, responses=READING)
async def search(
    request: Request, principal: Reader, query: Annotated[PaymentSearch, Query()]
) -> Response:
    """Payments, newest first; a client gets the own ones."""
    async with database_of(request).connection() as connection:
        return answer(await service.search(connection, actor_of(request, principal), query))


@router.get("/payments/{payment_id}", response_model=Payment, responses=READING)
async def get(request: Request, principal: Reader, payment_id: UUID) -> Response:
    """One payment."""
    async with database_of(request).connection() as connection:
        return answer(await service.get_for(connection, actor_of(request, principal), payment_id))


@router.post(
    "/payments/{payment_id}/refunds", status_code=201, response_model=Payment, responses=WRITING
)
async def refund(
    request: Request,
    principal: Owner,
    payment_id: UUID,
    body: RefundRequest,
    key: IdempotencyHeader = None,
) -> Response:
    """Give money back, in part or all; online payments by the worker within seconds."""
    stored = key_of(principal, key, f"refund {payment_id}", body)
    async with database_of(request).transaction() as connection:
        made = await service.refund(
            connection, actor_of(request, principal), payment_id, body, stored
        )
    return answer(made, 201)


@router.get("/payments/{payment_id}/receipt.pdf", responses={**PDF, **READING})
async def receipt(request: Request, principal: Reader, payment_id: UUID) -> Response:
    """The receipt of a payment that was received, as PDF; it is not an invoice."""
    async with database_of(request).connection() as connection:
        payment = await service.get_for(connection, actor_of(request, principal), payment_id)
    return receipt_answer(request, payment)


def receipt_answer(request: Request, payment: Payment) -> Response:
    """The PDF; its library is loaded with the first receipt."""
    if payment.receipt_number is None:
        raise NotFoundError
    document: bytes = import_module(RECEIPT).render(configuration_of(request), payment)
    name = f"recibo-{payment.receipt_number:08d}.pdf"
    headers = {
        "Content-Disposition": f'inline; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return Response(document, media_type="application/pdf", headers=headers)
