"""A client pays: the deposit of a hold, or what is due of a booking, by the signed link.

The page to pay at is the provider's; it is a link here, not the answer to a form, for a form may lead
to this site alone (CSP `form-action`).
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.booking.schemas import Booking
from barberpro_app.kit.errors import AppError, ConflictError, NotFoundError, PolicyError
from barberpro_app.kit.ratelimit import Limit, RateLimiter, network_of
from barberpro_app.kit.requests import RequestInfo
from barberpro_app.payment.endpoints import receipt_answer
from barberpro_app.payment.schemas import BookingMoney
from barberpro_app.visit import service as visits
from barberpro_app.web.parts import money as pages
from barberpro_app.web.parts import offer
from barberpro_app.web.parts.booking_view import booking_of, holder, reading, view
from barberpro_app.web.site.forms import parse_key
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
LOOKS = Limit("payment-looks", 60, 600)
PAYABLE = ("held", "confirmed", "arrived", "completed")


async def _booking(
    request: Request, reader: Reader, token: str
) -> tuple[Booking, BookingMoney, str]:
    """The booking of the link with its money and address. Raises `NotFoundError`."""
    booking_id = booking_of(request, token)
    async with reader.database.connection() as connection:
        booking = await visits.sitting(connection, reading(request), booking_id)
        money = await pages.money_of(connection, request, reader, booking_id)
        address = await offer.address_of(connection, booking.location.id)
    if booking.client is None or money is None:
        raise NotFoundError
    return booking, money, address


@router.get("/reserva/{token}/pagar")
async def show(
    request: Request,
    token: str,
    abrir: str = "",
    esperando: str = "",
    reader: Reader = Depends(reader_of),
) -> Response:
    """What is due, until when, and how to pay."""
    booking, money, _ = await _booking(request, reader, token)
    if booking.status not in PAYABLE or not money.due_centavos:
        return see(f"/reserva/{token}")
    problem: AppError | None = None
    if abrir and money.online and _open(money) is None:
        problem = await _try_open(request, reader, booking)
    return await _page(request, reader, token, waiting=bool(esperando), problem=problem)


async def _try_open(request: Request, reader: Reader, booking: Booking) -> AppError | None:
    try:
        return await pages.open_page(request, reader, holder(request, booking), booking.id)
    except (ConflictError, PolicyError) as error:
        return error


@router.post("/reserva/{token}/pagar")
async def open_checkout(
    request: Request, token: str, reader: Reader = Depends(reader_of)
) -> Response:
    """Opens the provider's page, and shows the link to it."""
    await submitted(request)
    booking, _, _ = await _booking(request, reader, token)
    problem = await _try_open(request, reader, booking)
    return await _page(request, reader, token, problem=problem)


def _open(money: BookingMoney) -> str | None:
    """The address of the provider's page that is open for what is due."""
    due = money.deposit_due_centavos or money.due_centavos
    return next(
        (
            item.checkout_url
            for item in money.payments
            if item.state == "pending" and item.amount_centavos == due and item.checkout_url
        ),
        None,
    )


async def _page(
    request: Request,
    reader: Reader,
    token: str,
    *,
    waiting: bool = False,
    problem: AppError | None = None,
) -> Response:
    booking, money, address = await _booking(request, reader, token)
    brand = reader.app.brand
    contact = ", ".join(part for part in (brand.contact_phone, brand.contact_email) if part)
    return page(
        request,
        reader,
        "money/pay.html",
        problem.status if problem else 200,
        booking=view(request, reader, booking, address),
        token=token,
        money=money,
        due=money.deposit_due_centavos or money.due_centavos,
        checkout=_open(money),
        waiting=waiting,
        contact=contact or brand.name,
        problem=explain(reader, problem) if problem else "",
    )


@router.get("/reserva/{token}/pago")
async def back(request: Request, token: str, reader: Reader = Depends(reader_of)) -> Response:
    """Back from the provider: the payment is read from its API, whatever the address says."""
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(LOOKS, network_of(RequestInfo.of(request.scope).client_ip))
    booking, money, _ = await _booking(request, reader, token)
    await pages.look_up(request, reader, money)
    booking, money, _ = await _booking(request, reader, token)
    if booking.status == "held":
        return see(f"/reserva/{token}/pagar?esperando=1")
    if booking.status == "confirmed" and money.deposit_centavos:
        return see(f"/reservar/listo/{token}")
    return see(f"/reserva/{token}")


@router.get("/reserva/{token}/recibo/{payment_id}")
async def receipt(
    request: Request, token: str, payment_id: str, reader: Reader = Depends(reader_of)
) -> Response:
    """The receipt of one of the booking's payments."""
    _, money, _ = await _booking(request, reader, token)
    wanted = parse_key(payment_id)
    found = next((item for item in money.payments if item.id == wanted), None)
    if found is None:
        raise NotFoundError
    return receipt_answer(request, found)


@router.get("/pagos/vuelta")
async def thanks(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Back from a payment that a program of the business had opened."""
    return page(request, reader, "money/thanks.html")
