"""The withdrawal button that the law wants on the first page (Disposición 954/2025)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.kit.ratelimit import Limit, RateLimiter, network_of
from barberpro_app.kit.requests import RequestInfo
from barberpro_app.web.booking_view import actor
from barberpro_app.web.rendering import Reader, page, reader_of, see, submitted
from barberpro_app.withdrawal import service
from barberpro_app.withdrawal.service import WithdrawalDraft

router = APIRouter(include_in_schema=False)
WITHDRAWALS = Limit("withdrawals-network", 10, 3600)


@router.get("/arrepentimiento")
async def ask(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return page(request, reader, "legal/regret.html")


@router.post("/arrepentimiento")
async def receive(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    draft = WithdrawalDraft(
        name=form.text("nombre", most=120),
        email=form.email("email"),
        booking_code=form.text("codigo", most=20, required=False).upper(),
        detail=form.text("detalle", most=1000, required=False, lines=True),
        locale=reader.locale,
    )
    if not form.ok:
        return page(request, reader, "legal/regret.html", 422, form=form)
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(WITHDRAWALS, network_of(RequestInfo.of(request.scope).client_ip))
    async with reader.database.transaction() as connection:
        code = await service.receive(
            connection, actor(request, reader.principal), draft, reader.app.brand.contact_email
        )
    return see(f"/arrepentimiento/{code}")


@router.get("/arrepentimiento/{code}")
async def received(request: Request, code: str, reader: Reader = Depends(reader_of)) -> Response:
    """Shows the code that was given; it says nothing of the request itself."""
    shown = code if len(code) == 10 and code.isascii() and code.isalnum() else ""
    return page(request, reader, "legal/regret_done.html", code=shown)
