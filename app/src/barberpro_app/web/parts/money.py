"""What pages show of money: where a booking stands, and paying online between two pages."""

from __future__ import annotations

import asyncio
from uuid import UUID

from starlette.requests import Request

from barberpro_app.audit.trail import Actor
from barberpro_app.booking.schemas import Contact
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError
from barberpro_app.kit.logging import get_logger
from barberpro_app.payment import service as payments
from barberpro_app.payment.errors import NotSetUpError, ProviderUnavailableError
from barberpro_app.payment.online import OnlinePayments, PaymentDesk
from barberpro_app.payment.provider import ProviderError
from barberpro_app.payment.schemas import BookingMoney, CheckoutRequest
from barberpro_app.pricing import service as pricing
from barberpro_app.pricing.schemas import Quote
from barberpro_app.web.parts.booking_view import links_of, reading
from barberpro_app.web.site.rendering import Reader

#: A visitor waits no longer for the provider.
SECONDS = 8.0
log = get_logger(__name__)


def enabled(reader: Reader) -> bool:
    """Whether this business keeps payments at all."""
    return "payment" in reader.app.services


def desk_for(request: Request, reader: Reader) -> PaymentDesk:
    online: OnlinePayments = request.app.state.online_payments
    return PaymentDesk(reader.database, reader.app, online)


async def quote(connection: Connection, reader: Reader, booking_id: UUID) -> Quote | None:
    """What a hold was quoted; None where payments are not kept."""
    if not enabled(reader):
        return None
    return await pricing.quote_of_booking(connection, reader.app, booking_id)


async def money_of(
    connection: Connection, request: Request, reader: Reader, booking_id: UUID
) -> BookingMoney | None:
    """Where a booking stands, for a page that may show it; None where payments are not kept."""
    if not enabled(reader):
        return None
    online = desk_for(request, reader).online.enabled
    return await payments.booking_money(
        connection, reader.app, reading(request), booking_id, online=online
    )


async def begin_deposit(
    request: Request,
    reader: Reader,
    who: Actor,
    booking_id: UUID,
    contact: Contact | None,
    note: str,
) -> str:
    """Keeps a hold for who pays its deposit; the address of the page to pay at. Raises as
    `payment.service.keep_for_payment`."""
    asked = CheckoutRequest(client=contact, note=note)
    token = links_of(request).token(booking_id)
    desk = desk_for(request, reader)
    async with reader.database.transaction() as connection:
        await payments.keep_for_payment(connection, who, booking_id, asked)
    return f"/reserva/{token}/pagar" + ("?abrir=1" if desk.online.enabled else "")


async def open_page(
    request: Request, reader: Reader, who: Actor, booking_id: UUID
) -> AppError | None:
    """Opens the provider's page for what is due; the error that kept it from that."""
    token = links_of(request).token(booking_id)
    back = f"{reader.app.public_url.rstrip('/')}/reserva/{token}/pago"
    try:
        await payments.open_checkout(
            desk_for(request, reader), who, booking_id, CheckoutRequest(), back
        )
    except (NotSetUpError, ProviderUnavailableError) as error:
        return error
    return None


async def look_up(request: Request, reader: Reader, money: BookingMoney) -> None:
    """Asks the provider about what is open; what cannot be known now is left to the worker."""
    desk = desk_for(request, reader)
    waiting = [
        item.id
        for item in money.payments
        if item.method == "mercado_pago" and item.state != "approved"
    ]
    if not desk.online.enabled or not waiting:
        return
    try:
        async with asyncio.timeout(SECONDS):
            for payment_id in waiting[:3]:
                await payments.look_up(desk, payment_id)
    except (ProviderError, TimeoutError) as error:
        log.warning("provider_error", integration="mercado-pago", error=type(error).__name__)
