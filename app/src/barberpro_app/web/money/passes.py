"""Packages on pages: a client sees and buys them, reception sells them and pays a booking with one."""

from __future__ import annotations

import secrets
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.booking import service as bookings
from barberpro_app.edge import key_of
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.membership import service
from barberpro_app.membership.schemas import Pass, Redemption, Sale
from barberpro_app.payment.schemas import Payment
from barberpro_app.web.agenda.booking import booking_page
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.parts.money import desk_for
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted
from barberpro_app.withdrawal import service as withdrawal

router = APIRouter(include_in_schema=False)
STAFF = [Depends(require_scope("bookings:write"))]
HOME = "/mis-abonos"


@router.get(HOME)
async def mine(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    if reader.principal.kind != "client":
        return see(f"/entrar?volver={HOME}")
    return await _page(request, reader)


async def _page(
    request: Request,
    reader: Reader,
    *,
    opened: Payment | None = None,
    problem: AppError | None = None,
) -> Response:
    async with reader.database.connection() as connection:
        passes = await service.passes(connection, actor(request, reader.principal), None)
        plans = await service.plans(connection)
    online = desk_for(request, reader).online.enabled
    return page(
        request,
        reader,
        "money/passes.html",
        problem.status if problem else 200,
        passes=passes,
        plans=[plan for plan in plans if plan.online] if online else [],
        opened=opened,
        problem=explain(reader, problem) if problem else "",
    )


@router.post(HOME)
async def buy(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    """Opens the provider's page, and shows the link to it."""
    if reader.principal.kind != "client":
        return see(f"/entrar?volver={HOME}")
    form = await submitted(request)
    plan_id, pass_id = form.key("plan"), form.key("abono", required=False)
    if not form.ok:
        raise NotFoundError
    sale = Sale.model_validate({"plan_id": plan_id, "pass_id": pass_id, "method": "mercado_pago"})
    back = f"{reader.app.public_url.rstrip('/')}{HOME}"
    try:
        opened = await service.sell_online(
            desk_for(request, reader), actor(request, reader.principal), sale, back
        )
    except AppError as error:
        return await _page(request, reader, problem=error)
    return await _page(request, reader, opened=opened)


async def _own_membership(request: Request, reader: Reader, pass_id: UUID) -> Pass:
    """Raises `NotFoundError`."""
    async with reader.database.connection() as connection:
        found = await service.passes(connection, actor(request, reader.principal), None)
    item = next((item for item in found if item.id == pass_id), None)
    if item is None or item.kind != "membership":
        raise NotFoundError
    return item


@router.get(HOME + "/{pass_id}/baja")
async def ask_to_end(
    request: Request, pass_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """Says what ending the membership means, with one button."""
    if reader.principal.kind != "client":
        return see(f"/entrar?volver={HOME}")
    item = await _own_membership(request, reader, pass_id)
    return page(request, reader, "money/end.html", item=item)


@router.post(HOME + "/{pass_id}/baja")
async def end(request: Request, pass_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    """Ends it at once, and shows the code that the law asks for."""
    if reader.principal.kind != "client":
        return see(f"/entrar?volver={HOME}")
    await submitted(request)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        code = await withdrawal.end_membership(connection, reader.app, who, pass_id, reader.locale)
    return see(f"/baja/{code}")


@router.post("/agenda/reserva/{booking_id}/credito", dependencies=STAFF)
async def redeem(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """Pays a booking with a credit of its client."""
    await submitted(request)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.redeem(connection, reader.app, who, booking_id, Redemption())
    except AppError as error:
        return await _refused(request, reader, booking_id, error)
    return see(f"/agenda/reserva/{booking_id}?hecho=credito")


@router.get("/agenda/reserva/{booking_id}/abono", dependencies=STAFF)
async def choose(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """What can be sold to a booking's client."""
    async with reader.database.connection() as connection:
        booking = await bookings.get(connection, actor(request, reader.principal), booking_id)
        plans = await service.plans(connection)
    if booking.client is None:
        raise NotFoundError
    return page(
        request, reader, "money/sell.html", client=booking.client, booking_id=booking_id,
        plans=plans, once=secrets.token_hex(16),
    )  # fmt: skip


@router.post("/agenda/reserva/{booking_id}/abono", dependencies=STAFF)
async def sell(request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    """Sells a plan to a booking's client; the form's key makes a second sending harmless."""
    form = await submitted(request)
    plan_id, method = form.key("plan"), form.choice("medio", ("cash", "transfer"))
    if not form.ok:
        return see(f"/agenda/reserva/{booking_id}/abono")
    who = actor(request, reader.principal)
    try:
        async with reader.database.transaction() as connection:
            booking = await bookings.get(connection, who, booking_id)
            client_id = booking.client.id if booking.client else None
            sale = Sale.model_validate(
                {"plan_id": plan_id, "client_id": client_id, "method": method}
            )
            stamp = form.text("clave", most=120, required=False) or None
            key = key_of(reader.principal, stamp, f"sell {booking_id}", sale)
            await service.sell(connection, reader.app, who, sale, key)
    except AppError as error:
        return await _refused(request, reader, booking_id, error)
    return see(f"/agenda/reserva/{booking_id}?hecho=abono")


async def _refused(request: Request, reader: Reader, booking_id: UUID, error: AppError) -> Response:
    if error.status not in (404, 409, 422):
        raise error
    text = explain(reader, error)
    return await booking_page(request, reader, booking_id, Form.empty(), problem=text)
