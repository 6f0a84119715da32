"""Money under pressure: the same notices many times at once, late money, refunds and cancellations in
parallel, and any order of operations. Afterwards nothing is lost and the books balance."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mercado_pago import TOKEN, MercadoPagoDouble
from support_shop import ANONYMOUS_ACTOR, Shop, staff

from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import (
    Booking,
    CancelRequest,
    Contact,
    HoldRequest,
    StatusRequest,
)
from barberpro_app.kit.errors import AppError
from barberpro_app.ledger import service as ledger
from barberpro_app.payment import jobs, service
from barberpro_app.payment.mercado_pago import MercadoPago
from barberpro_app.payment.online import OnlinePayments, PaymentDesk
from barberpro_app.payment.schemas import ByHand, CheckoutRequest, Payment, RefundRequest
from barberpro_app.settings import Secrets, Settings

CLOCKS = ["09:00", "09:45", "10:30", "11:15", "14:00", "14:45", "15:30", "16:15"]
BACK = "https://shop.localhost:8443/pagos/vuelta"


def desk_of(shop: Shop, folder: Path, address: str, database: object) -> PaymentDesk:
    online = OnlinePayments(
        Settings(app=shop.app, secrets=Secrets(folder)), MercadoPago(TOKEN, address)
    )
    return PaymentDesk(database, shop.app, online)  # type: ignore[arg-type]


async def held(desk: PaymentDesk, shop: Shop, clock: str, provider: int) -> Booking:
    request = HoldRequest(
        service_id=shop.services["cut"],
        location_id=shop.location,
        provider_id=shop.providers[provider],
        starts_at=shop.at(clock),
    )
    async with desk.database.connection() as connection:
        return await bookings.hold(connection, shop.app, ANONYMOUS_ACTOR, request)


async def opened(desk: PaymentDesk, booking: Booking, number: int) -> Payment:
    contact = Contact(name=f"C {number}", email=f"c{number}@race.example")
    asked = CheckoutRequest(client=contact)
    return await service.open_checkout(desk, ANONYMOUS_ACTOR, booking.id, asked, BACK)


async def quietly(doing: Awaitable[object]) -> None:
    """A refusal is an answer; a fault of the server is not."""
    try:
        await doing
    except AppError as error:
        if error.status >= 500 and error.code != "provider_unavailable":
            raise


def check(shop: Shop, double: MercadoPagoDouble) -> None:
    """What must hold whatever happened: the books against each other and against the provider."""
    assert shop.rows("SELECT sum(amount) FROM ledger_line") == [(0,)]
    ((books,),) = shop.rows(
        "SELECT coalesce(sum(amount), 0)::bigint FROM ledger_line WHERE account = 'mercado-pago'"
    )
    there = sum(
        round((p["transaction_amount"] - p["transaction_amount_refunded"]) * 100)
        for p in double.seller.payments.values()
    )
    assert books == there
    wrong_paid = (
        "SELECT booking_id FROM booking_account a WHERE a.paid <> coalesce((SELECT sum("
        "p.received_centavos - p.refunded_centavos) FROM payment p WHERE p.booking_id ="
        " a.booking_id), 0)"
    )
    wrong_clients = (
        "SELECT client_id FROM (SELECT client_id, sum(paid - gross + adjusted) AS net"
        " FROM booking_account GROUP BY 1) a LEFT JOIN (SELECT client_id, -sum(amount) AS net FROM"
        " ledger_line WHERE account IN ('deposits', 'receivable') GROUP BY 1) l USING (client_id)"
        " WHERE coalesce(l.net, 0) - a.net <> coalesce((SELECT sum(m.received_centavos -"
        " m.reversed_centavos) FROM mercado_pago_payment m JOIN payment p ON p.id = m.payment_id"
        " WHERE p.client_id = a.client_id AND NOT m.allocated), 0)"
    )
    unpaid = (
        "SELECT b.id FROM booking b WHERE b.status = 'confirmed' AND b.source = 'anonymous' AND"
        " booking_paid(b.id) + coalesce((SELECT sum(p.refunded_centavos) FROM payment p WHERE"
        " p.booking_id = b.id), 0) < b.deposit_centavos"
    )
    for query in (wrong_paid, wrong_clients, unpaid):
        assert shop.rows(query) == []
    numbers = shop.rows("SELECT receipt_number FROM payment WHERE receipt_number IS NOT NULL")
    assert sorted(numbers) == [(n + 1,) for n in range(len(numbers))]


def preference_of(double: MercadoPagoDouble, payment: Payment) -> str:
    return next(
        key for key, value in double.seller.preferences.items()
        if value["external_reference"] == str(payment.id)
    )  # fmt: skip


def lapse(shop: Shop, booking: Booking) -> None:
    """The time of this hold is over."""
    for statement in (
        "UPDATE booking SET hold_expires_at = now() - interval '1 s' WHERE id = %s"
        " AND status = 'held'",
        "UPDATE occupancy SET expires_at = now() - interval '1 s' WHERE booking_id = %s"
        " AND expires_at IS NOT NULL",
    ):
        shop.rows(statement, booking.id)


async def refund_part(desk: PaymentDesk, payment: Payment) -> None:
    async with desk.database.transaction() as connection:
        asked = RefundRequest(amount_centavos=100_000)
        await service.refund(connection, staff("owner"), payment.id, asked)


async def call_off(desk: PaymentDesk, booking: Booking) -> None:
    async with desk.database.transaction() as connection:
        asked = CancelRequest(override_reason="test")
        await bookings.cancel(connection, desk.app, staff(), booking.id, asked)


def everything(
    desk: PaymentDesk, shop: Shop, pairs: list[tuple[Booking, Payment]], paid: list[str],
    draw: random.Random,
) -> list[Awaitable[object]]:  # fmt: skip
    """What happens at once: each notice four times, refunds twice, others who want the same times."""
    doing: list[Awaitable[object]] = [service.take_in(desk, number) for number in paid * 4]
    for booking, payment in pairs:
        doing += [refund_part(desk, payment) for _ in range(2)]
        doing += [jobs.refunds(desk), jobs.notices(desk)]
        doing.append(held(desk, shop, CLOCKS[draw.randrange(8)], draw.randrange(3)))
        if draw.random() < 0.4:
            doing.append(call_off(desk, booking))
    draw.shuffle(doing)
    return doing


@pytest.mark.parametrize("seed", [1, 2])
def test_duplicates_late_money_and_refunds_at_once(shop: Shop, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)

    async def story(double: MercadoPagoDouble) -> None:
        async with shop.database(16) as database:
            desk = desk_of(shop, tmp_path, double.address, database)
            shop.rows(
                "INSERT INTO deposit_rule (applies, kind, percent) VALUES ('always', 'percent', 30)"
            )
            pairs, paid = [], []
            for number, clock in enumerate(CLOCKS):
                booking = await held(desk, shop, clock, number % 3)
                pairs.append((booking, await opened(desk, booking, number)))
                preference = preference_of(double, pairs[-1][1])
                paid += [double.seller.pay(preference) for _ in range(2 - number % 2)]
                if number % 3 == 0:
                    lapse(shop, booking)
            double.seller.misbehave(*(draw.choice(["ok", "ok", "ok", "lost"]) for _ in range(30)))
            await asyncio.gather(
                *(tolerant(one) for one in everything(desk, shop, pairs, paid, draw))
            )
            double.seller.faults.clear()
            for number in paid:
                await service.take_in(desk, number)
            for _ in range(3):
                shop.rows("UPDATE refund SET next_attempt_at = now()")
                await jobs.refunds(desk)
            assert shop.rows("SELECT count(*) FROM mercado_pago_payment") == [(len(paid),)]

    with MercadoPagoDouble() as double:
        asyncio.run(story(double))
        check(shop, double)
    assert shop.rows("SELECT DISTINCT state FROM refund") == [("done",)]
    assert shop.rows(
        "SELECT count(*) FROM mercado_pago_payment WHERE NOT allocated"
        " AND reversed_centavos < received_centavos"
    ) == [(0,)]
    ((back,),) = shop.rows("SELECT count(*) FROM refund WHERE kind IN ('surplus', 'late')")
    assert isinstance(back, int)
    assert back >= 4


async def tolerant(doing: Awaitable[object]) -> None:
    """As `quietly`; the provider's faults are what the worker is for."""
    try:
        await quietly(doing)
    except service.ProviderError:
        return


steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["pay", "again", "reject", "cash", "refund", "whole", "cancel", "complete", "no_show",
             "back", "lapse", "expire", "worker", "chargeback"]
        ),
        st.integers(0, 1),
        st.integers(1, 1_500_000),
    ),
    max_size=12,
)  # fmt: skip


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
def test_any_order_of_operations_balances(
    shop: Shop, tmp_path: Path, steps: list[tuple[str, int, int]]
) -> None:
    async def story(double: MercadoPagoDouble) -> None:
        async with shop.database(4) as database:
            desk = desk_of(shop, tmp_path, double.address, database)
            shop.rows("UPDATE occupancy SET active = false, expires_at = NULL")
            shop.rows("DELETE FROM deposit_rule")
            shop.rows(
                "INSERT INTO deposit_rule (applies, kind, percent) VALUES ('always', 'percent', 30)"
            )
            pairs = []
            for number in range(2):
                booking = await held(desk, shop, CLOCKS[number], 0)
                pairs.append((booking, await opened(desk, booking, number)))
            for name, which, amount in steps:
                await quietly(act(desk, shop, double, pairs[which], name, amount))
            shop.rows("UPDATE refund SET next_attempt_at = now()")
            await jobs.refunds(desk)
            async with database.connection() as connection:
                books = await ledger.trial_balance(connection)
            assert all(value == 0 for value in books.difference.values())

    with MercadoPagoDouble() as double:
        asyncio.run(story(double))


async def act(
    desk: PaymentDesk,
    shop: Shop,
    double: MercadoPagoDouble,
    pair: tuple[Booking, Payment],
    name: str,
    amount: int,
) -> None:
    """One step of a story about one booking and its payment."""
    booking, payment = pair
    seller = double.seller
    mine = [p for p in seller.payments.values() if p["external_reference"] == str(payment.id)]
    if name in ("pay", "reject"):
        status = "approved" if name == "pay" else "rejected"
        await service.take_in(desk, seller.pay(preference_of(double, payment), status))
    elif name in ("again", "chargeback") and mine:
        if name == "chargeback" and mine[-1]["status"] == "approved":
            seller.change(str(mine[-1]["id"]), status="charged_back")
        await service.take_in(desk, str(mine[-1]["id"]))
    elif name in ("lapse", "expire"):
        lapse(shop, booking)
        shop.rows("SELECT expire_hold(%s) WHERE %s", booking.id, name == "expire")
    elif name == "worker":
        shop.rows("UPDATE refund SET next_attempt_at = now()")
        await jobs.refunds(desk)
    else:
        await by_staff(desk, booking, payment, name, amount)


async def by_staff(
    desk: PaymentDesk, booking: Booking, payment: Payment, name: str, amount: int
) -> None:
    """A step of the desk's."""
    async with desk.database.transaction() as connection:
        if name == "cash":
            asked = ByHand(method="cash", amount_centavos=amount)
            await service.record_by_hand(connection, desk.app, staff(), booking.id, asked)
        elif name in ("refund", "whole"):
            wish = RefundRequest(amount_centavos=amount if name == "refund" else None)
            await service.refund(connection, staff("owner"), payment.id, wish)
        elif name == "cancel":
            why = CancelRequest(override_reason="test")
            await bookings.cancel(connection, desk.app, staff(), booking.id, why)
        elif name in ("complete", "no_show", "back"):
            status = {"complete": "completed", "back": "confirmed"}.get(name, name)
            change = StatusRequest.model_validate({"status": status, "override_reason": "t"})
            await bookings.set_status(connection, staff(), booking.id, change)
