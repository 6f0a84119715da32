"""The two buttons that the law wants on the first page: withdrawing, and ending a service
(Disposición 954/2025). Neither asks for an account."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.kit.ratelimit import Limit, RateLimiter, network_of
from barberpro_app.kit.requests import RequestInfo
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted
from barberpro_app.withdrawal import service
from barberpro_app.withdrawal.service import Kind, WithdrawalDraft

router = APIRouter(include_in_schema=False)
WITHDRAWALS = Limit("withdrawals-network", 10, 3600)


KINDS: dict[str, Kind] = {"/arrepentimiento": "regret", "/baja": "cancellation"}


@router.get("/arrepentimiento")
@router.get("/baja")
async def ask(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    return _page(request, reader, KINDS[request.url.path])


def _page(request: Request, reader: Reader, kind: Kind, form: Form | None = None) -> Response:
    return page(
        request, reader, "legal/regret.html", 422 if form else 200, kind=kind,
        memberships=kind == "cancellation" and "payment" in reader.app.services,
        form=form or Form.empty(),
    )  # fmt: skip


@router.post("/arrepentimiento")
@router.post("/baja")
async def receive(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    path = request.url.path
    kind = KINDS[path]
    form = await submitted(request)
    draft = WithdrawalDraft(
        name=form.text("nombre", most=120),
        email=form.email("email"),
        booking_code=form.text("codigo", most=20, required=False).upper(),
        detail=form.text("detalle", most=1000, required=False, lines=True),
        locale=reader.locale,
        kind=kind,
    )
    if not form.ok:
        return _page(request, reader, kind, form)
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(WITHDRAWALS, network_of(RequestInfo.of(request.scope).client_ip))
    async with reader.database.transaction() as connection:
        code = await service.receive(
            connection, actor(request, reader.principal), draft, reader.app.brand.contact_email
        )
    return see(f"{path}/{code}")


@router.get("/arrepentimiento/{code}")
@router.get("/baja/{code}")
async def received(request: Request, code: str, reader: Reader = Depends(reader_of)) -> Response:
    """Shows the code that was given; it says nothing of the request itself."""
    shown = code if len(code) == 10 and code.isascii() and code.isalnum() else ""
    kind: Kind = "regret" if request.url.path.startswith("/arrepentimiento") else "cancellation"
    return page(request, reader, "legal/regret_done.html", code=shown, kind=kind)
