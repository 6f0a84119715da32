"""Money that comes after the owner changed a rule, and the name that a payer typed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from mercado_pago import TOKEN, MercadoPagoDouble
from support_invariants import violations
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, client, staff
from support_visits import hold, lines

from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import BookRequest, Contact, HoldRequest
from barberpro_app.loyalty import service as loyalty
from barberpro_app.loyalty.schemas import RuleDraft, StampDraft
from barberpro_app.payment import jobs, service
from barberpro_app.payment.mercado_pago import MercadoPago
from barberpro_app.payment.online import OnlinePayments, PaymentDesk
from barberpro_app.payment.schemas import CheckoutRequest
from barberpro_app.pricing import service as pricing
from barberpro_app.pricing.schemas import DepositRuleDraft
from barberpro_app.settings import Secrets, Settings

Story = Callable[[PaymentDesk, MercadoPagoDouble], Awaitable[None]]
BACK = "https://shop.localhost:8443/pagos/vuelta"
ANA = Contact(name="Ana María", email="ana@rules.example", phone="+54 11 5555 0001")


@pytest.fixture
def tell(shop: Shop, tmp_path: Path) -> Callable[[Story], None]:
    def run(story: Story) -> None:
        async def inside() -> None:
            with MercadoPagoDouble() as double:
                async with shop.database(4) as database:
                    settings = Settings(app=shop.app, secrets=Secrets(tmp_path))
                    online = OnlinePayments(settings, MercadoPago(TOKEN, double.address))
                    await story(PaymentDesk(database, shop.app, online), double)

        asyncio.run(inside())
        assert violations(shop.rows, after_worker=False) == []

    return run


async def ask(desk: PaymentDesk, percent: int) -> None:
    async with desk.database.transaction() as connection:
        rule = DepositRuleDraft(kind="percent", percent=percent)
        await pricing.add_deposit_rule(connection, SYSTEM_ACTOR, rule)


async def paid(desk: PaymentDesk, double: MercadoPagoDouble) -> str | None:
    (preference,) = double.seller.preferences
    return await service.take_in(desk, double.seller.pay(preference))


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("kind", ["visit", "booking"])
def test_a_deposit_is_the_one_asked_for_though_the_owner_raises_it_meanwhile(
    shop: Shop, tell: Callable[[Story], None], kind: str, asks: bool
) -> None:
    if asks:
        shop.rows("INSERT INTO approval_rule (applies, deposit) VALUES ('always', 'before')")

    async def story(desk: PaymentDesk, double: MercadoPagoDouble) -> None:
        await ask(desk, 30)
        async with desk.database.connection() as connection:
            if kind == "visit":
                wanted = lines(shop, "cut", "solo")
                key = (await hold(connection, shop, shop.at("10:00"), wanted)).lines[0].id
            else:
                wish = HoldRequest(service_id=shop.services["cut"], location_id=shop.location,
                                   starts_at=shop.at("10:00"))  # fmt: skip
                key = (await bookings.hold(connection, shop.app, ANONYMOUS_ACTOR, wish)).id
        await service.open_checkout(desk, ANONYMOUS_ACTOR, key, CheckoutRequest(client=ANA), BACK)
        await ask(desk, 80)
        assert await paid(desk, double) == "allocated"
        async with desk.database.connection() as connection:
            found = await bookings.get(connection, staff(), key)
        assert found.status == ("requested" if asks else "confirmed")

    tell(story)


@pytest.mark.parametrize("kind", ["visit", "booking"])
def test_who_paid_keeps_the_name_and_telephone_that_they_typed(
    shop: Shop, tell: Callable[[Story], None], kind: str
) -> None:
    """As who booked without a deposit does: what is on file is of somebody who came before."""
    shop.rows("INSERT INTO client (name, email) VALUES ('Ana', %s)", ANA.email)

    async def story(desk: PaymentDesk, double: MercadoPagoDouble) -> None:
        await ask(desk, 30)
        async with desk.database.connection() as connection:
            if kind == "visit":
                wanted = lines(shop, "cut", "solo")
                key = (await hold(connection, shop, shop.at("10:00"), wanted)).lines[0].id
            else:
                wish = HoldRequest(service_id=shop.services["cut"], location_id=shop.location,
                                   starts_at=shop.at("10:00"))  # fmt: skip
                key = (await bookings.hold(connection, shop.app, ANONYMOUS_ACTOR, wish)).id
        await service.open_checkout(desk, ANONYMOUS_ACTOR, key, CheckoutRequest(client=ANA), BACK)
        await paid(desk, double)
        async with desk.database.connection() as connection:
            found = (await bookings.get(connection, staff(), key)).client
        assert found is not None
        assert (found.name, found.phone) == (ANA.name, ANA.phone)

    tell(story)


@pytest.mark.parametrize("percent", [50, 100])
def test_a_reward_while_the_page_to_pay_is_open_gives_the_money_back(
    shop: Shop, tell: Callable[[Story], None], percent: int
) -> None:
    """What was paid is more than is owed by then: all of it goes back, the client is told, and what is
    still owed can be paid."""

    async def story(desk: PaymentDesk, double: MercadoPagoDouble) -> None:
        async with desk.database.connection() as connection:
            wish = BookRequest(service_id=shop.services["cut"], location_id=shop.location,
                               starts_at=shop.at("10:00"), client=ANA)  # fmt: skip
            booking = await bookings.book(connection, shop.app, staff(), wish)
        assert booking.client is not None
        whole = CheckoutRequest(what="all")
        own = client(booking.client.id)
        await service.open_checkout(desk, own, booking.id, whole, BACK)
        async with desk.database.transaction() as connection:
            draft = RuleDraft(name="Card", stamps=2, percent=percent)
            rule = (await loyalty.add_rule(connection, SYSTEM_ACTOR, draft)).id
            for _ in range(2):
                stamp = StampDraft(rule_id=rule, reason="gift")
                await loyalty.give(connection, shop.app, staff(), booking.client.id, stamp)
            await loyalty.redeem(connection, staff(), rule, booking.id)
        assert await paid(desk, double) == "surplus"
        await jobs.refunds(desk)
        (payment,) = double.seller.payments.values()
        assert payment["status"] == "refunded"
        assert shop.rows("SELECT state, kind FROM refund") == [("done", "surplus")]
        assert shop.rows("SELECT 1 FROM ledger_line WHERE account NOT LIKE 'points%%'"
                         " GROUP BY account HAVING sum(amount) <> 0") == []  # fmt: skip
        told = shop.rows("SELECT recipient FROM message WHERE kind = 'payment_surplus'")
        assert told == [(ANA.email,)]
        if percent == 100:
            return
        await service.open_checkout(desk, own, booking.id, whole, BACK)
        rest = next(key for key in reversed(double.seller.preferences))
        assert await service.take_in(desk, double.seller.pay(rest)) == "allocated"

    tell(story)
