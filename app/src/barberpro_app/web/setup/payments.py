"""The owner's payments: what came in, giving it back, and whether the books balance."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.edge import key_of
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.ledger import service as ledger
from barberpro_app.payment import service as payments
from barberpro_app.payment.endpoints import receipt_answer
from barberpro_app.payment.schemas import Payment, PaymentSearch, RefundRequest
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.parts.money import desk_for
from barberpro_app.web.setup.common import (
    ListPage,
    Row,
    list_panel,
    panel,
)
from barberpro_app.web.site.forms import Form, parse_key
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:write"))])
HOME = "/ajustes/pagos"


@router.get(HOME)
async def every(
    request: Request, despues: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    t = reader.t
    query = PaymentSearch(after=parse_key(despues), limit=50)
    async with reader.database.connection() as connection:
        found = await payments.search(connection, actor(request, reader.principal), query)
    connected = desk_for(request, reader).online.enabled
    what = ListPage(
        t("money.title"),
        (t("money.when"), t("money.amount"), t("money.method"), t.word("Client"),
         t("money.state"), t("money.refunded")),
        [_row(reader, item) for item in found.items],
        lead=t("money.online_on") if connected else t("money.online_off"),
        add=f"{HOME}/balance",
        add_label=t("money.books"),
        adds=False,
        more=f"{HOME}?despues={found.next}" if found.next else "",
    )  # fmt: skip
    return list_panel(request, reader, what)


def _row(reader: Reader, item: Payment) -> Row:
    t, money = reader.t, reader.fmt.money
    back = money(item.refunded_centavos) if item.refunded_centavos else "–"
    if item.refunding_centavos:
        back = f"{t('money.refunding')} {money(item.refunding_centavos)}"
    if item.refund_failed:
        back = t("money.refund_failed")
    return Row(
        (
            reader.fmt.stamp(item.paid_at or item.created_at),
            money(item.amount_centavos),
            t(f"money.method.{item.method}"),
            item.client_name or "–",
            t(f"money.state.{item.state}"),
            back,
        ),
        f"{HOME}/{item.id}",
    )


@router.get(f"{HOME}/balance")
async def balance(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        found = await ledger.trial_balance(connection)
    balanced = all(value == 0 for value in found.difference.values())
    return panel(
        request, reader, "books", reader.t("money.books"), accounts=found.items, balanced=balanced,
        back=HOME,
    )  # fmt: skip


def _page(
    request: Request, reader: Reader, item: Payment, form: Form, error: AppError | None = None
) -> Response:
    money = reader.fmt.money
    heading = f"{money(item.amount_centavos)} · {reader.t(f'money.method.{item.method}')}"
    return panel(
        request, reader, "payment", heading, form=form, error=error, item=item, back=HOME,
        labels={"importe": reader.t("money.amount"), "motivo": reader.t("money.reason")},
    )  # fmt: skip


@router.get(HOME + "/{payment_id}")
async def show(request: Request, payment_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        item = await payments.get(connection, payment_id)
    # what the form shows tells a second sending from a second refund of as much
    form = Form.empty(version=f"{item.refunded_centavos}-{item.refunding_centavos}")
    return _page(request, reader, item, form)


@router.post(HOME + "/{payment_id}/recibo")
async def receipt(
    request: Request, payment_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    await submitted(request)
    async with reader.database.connection() as connection:
        item = await payments.get(connection, payment_id)
    return receipt_answer(request, item)


@router.post(HOME + "/{payment_id}")
async def refund(
    request: Request, payment_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """Gives back the amount, or all that is left."""
    form = await submitted(request)
    amount = form.centavos("importe") if form.raw("importe").strip() else None
    reason = form.text("motivo", most=200, required=False)
    async with reader.database.connection() as connection:
        item = await payments.get(connection, payment_id)
    if amount == 0:
        form.refuse("importe", "error.money")
    if not form.ok:
        return _page(request, reader, item, form)
    asked = RefundRequest(amount_centavos=amount, reason=reason)
    stamp = f"{payment_id}-{form.text('version', most=60, required=False)}"
    key = key_of(reader.principal, stamp, f"refund {payment_id}", asked)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await payments.refund(connection, who, payment_id, asked, key)
    except AppError as error:
        return _page(request, reader, item, form, error)
    return see(f"{HOME}?hecho=1")
