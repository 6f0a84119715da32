"""Credits bought ahead: sold, taken, earned, given back, expired, refunded; never negative, never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mercado_pago import TOKEN, MercadoPagoDouble
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, client, staff

from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import BookRequest, CancelRequest, HoldRequest, StatusRequest
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import AppError, NotAllowedError, NotFoundError
from barberpro_app.kit.idempotency import idempotency_key
from barberpro_app.ledger import service as ledger
from barberpro_app.membership import jobs, service
from barberpro_app.membership.errors import NoCreditError
from barberpro_app.membership.schemas import Plan, PlanDraft, Redemption, Sale
from barberpro_app.payment import jobs as payment_jobs
from barberpro_app.payment import service as payments
from barberpro_app.payment.errors import MoreThanPaidError
from barberpro_app.payment.mercado_pago import MercadoPago
from barberpro_app.payment.online import OnlinePayments, PaymentDesk
from barberpro_app.payment.schemas import RefundRequest
from barberpro_app.settings import Secrets, Settings

CLOCKS = ["09:00", "09:45", "10:30", "11:15", "14:00", "14:45", "15:30", "16:15"]
PRICE = 1_000_000


@dataclass
class Gym:
    """A shop with a client and a plan of three credits."""

    shop: Shop
    database: Database
    client: UUID

    async def plan(self, connection: Connection, **values: object) -> Plan:
        fields = {"name": "Tres", "credits": 3, "days": 30, "price_centavos": PRICE, **values}
        return await service.add_plan(connection, SYSTEM_ACTOR, PlanDraft.model_validate(fields))

    async def sell(self, connection: Connection, plan: Plan, **values: object) -> UUID:
        fields = {"plan_id": plan.id, "client_id": self.client, "method": "cash", **values}
        sale = Sale.model_validate(fields)
        return (await service.sell(connection, self.shop.app, staff(), sale)).id

    async def book(self, connection: Connection, number: int, service_name: str = "cut") -> UUID:
        asked = BookRequest(
            service_id=self.shop.services[service_name], location_id=self.shop.location,
            starts_at=self.shop.at(CLOCKS[number]), client_id=self.client,
            provider_id=self.shop.providers[0],
        )  # fmt: skip
        return (await bookings.book(connection, self.shop.app, staff(), asked)).id

    async def redeem(self, connection: Connection, booking: UUID) -> int:
        used = await service.redeem(connection, self.shop.app, staff(), booking, Redemption())
        return used.left

    async def status(self, connection: Connection, booking: UUID, status: str) -> None:
        if status == "no_show":
            self.shop.rows(
                "UPDATE booking SET starts_at = now() - interval '1 h' WHERE id = %s", booking
            )
        if status == "cancelled":
            why = CancelRequest(override_reason="test")
            await bookings.cancel(connection, self.shop.app, staff(), booking, why)
        else:
            change = StatusRequest.model_validate({"status": status, "override_reason": "t"})
            await bookings.set_status(connection, staff(), booking, change)

    def left(self) -> int:
        ((left,),) = self.shop.rows(
            "SELECT coalesce(sum(credits - taken) FILTER (WHERE state = 'open'), 0) FROM pass_period"
        )
        assert isinstance(left, int)
        return left

    async def balances(self, connection: Connection) -> dict[str, int]:
        found = await ledger.trial_balance(connection)
        assert all(value == 0 for value in found.difference.values())
        return {item.code: item.balance for item in found.items if item.balance}


Story = Callable[[Gym, Connection], Awaitable[None]]


def tell(shop: Shop, story: Story) -> None:
    async def inside() -> None:
        async with shop.database(4) as database, database.connection() as connection:
            ((key,),) = shop.rows(
                "INSERT INTO client (name, email) VALUES ('Ana', 'a@gym.example') RETURNING id"
            )
            assert isinstance(key, UUID)
            await story(Gym(shop, database, key), connection)

    asyncio.run(inside())


def test_credits_pay_bookings_and_are_earned_to_the_centavo(shop: Shop) -> None:
    async def story(gym: Gym, connection: Connection) -> None:
        plan = await gym.plan(connection)
        await gym.sell(connection, plan)
        assert await gym.balances(connection) == {"cash": PRICE, "packages": -PRICE}
        made = [await gym.book(connection, number) for number in range(4)]
        assert [await gym.redeem(connection, booking) for booking in made[:3]] == [2, 1, 0]
        assert await gym.redeem(connection, made[0]) == 0  # asking again takes no second one
        with pytest.raises(NoCreditError):
            await gym.redeem(connection, made[3])
        earned = [0]
        for booking, status in zip(made[:3], ("completed", "no_show", "completed"), strict=True):
            await gym.status(connection, booking, status)
            earned.append(-(await gym.balances(connection))["revenue"])
        assert earned == [0, 333_333, 666_666, 1_000_000]
        await gym.status(connection, made[0], "confirmed")
        assert (await gym.balances(connection))["packages"] == 666_666 - PRICE
        await gym.status(connection, made[0], "completed")
        assert await gym.balances(connection) == {"cash": PRICE, "revenue": -PRICE}

    tell(shop, story)


def test_a_credit_comes_back_in_time_and_confirms_a_hold(shop: Shop) -> None:
    async def story(gym: Gym, connection: Connection) -> None:
        shop.rows(
            "INSERT INTO deposit_rule (applies, kind, percent) VALUES ('always', 'percent', 50)"
        )
        await gym.sell(connection, await gym.plan(connection))
        asked = HoldRequest(
            service_id=shop.services["cut"], location_id=shop.location, starts_at=shop.at("10:00")
        )
        held = await bookings.hold(connection, shop.app, ANONYMOUS_ACTOR, asked)
        with pytest.raises(AppError):
            await service.redeem(connection, shop.app, ANONYMOUS_ACTOR, held.id, Redemption())
        await service.redeem(connection, shop.app, client(gym.client), held.id, Redemption())
        booked = await bookings.get(connection, staff(), held.id)
        assert booked.status == "confirmed"
        assert gym.left() == 2
        with pytest.raises(NotFoundError):
            await service.redeem(connection, shop.app, client(UUID(int=1)), held.id, Redemption())
        await bookings.cancel(connection, shop.app, client(gym.client), held.id, CancelRequest())
        assert gym.left() == 3
        assert await gym.balances(connection) == {"cash": PRICE, "packages": -PRICE}

    tell(shop, story)


def test_what_a_credit_does_not_pay(shop: Shop) -> None:
    async def story(gym: Gym, connection: Connection) -> None:
        plan = await gym.plan(connection, services=[shop.services["solo"]], days=20)
        await gym.sell(connection, plan)
        cut, solo = await gym.book(connection, 0), await gym.book(connection, 1, "solo")
        with pytest.raises(NoCreditError):
            await gym.redeem(connection, cut)
        assert await gym.redeem(connection, solo) == 2
        with pytest.raises(NotFoundError):
            await gym.plan(connection, services=[UUID(int=3)])
        sale = Sale(plan_id=plan.id, method="cash")
        with pytest.raises(NotAllowedError):
            await service.sell(connection, shop.app, client(gym.client), sale)
        with pytest.raises(NotFoundError):
            await gym.sell(connection, plan, client_id=UUID(int=9))
        with pytest.raises(NotAllowedError):
            await service.passes(connection, ANONYMOUS_ACTOR, gym.client)
        assert await service.passes(connection, client(UUID(int=1)), gym.client) == []

    tell(shop, story)


def test_what_is_not_used_expires_and_a_membership_goes_on(shop: Shop) -> None:
    async def story(gym: Gym, connection: Connection) -> None:
        plan = await gym.plan(connection, kind="membership", days=30)
        await gym.sell(connection, plan)
        (first,) = await service.passes(connection, staff(), gym.client)
        await gym.sell(connection, plan, pass_id=first.id)
        (both,) = await service.passes(connection, staff(), gym.client)
        assert (both.left, both.coming) == (3, 3)
        made = await gym.book(connection, 0)
        await gym.redeem(connection, made)
        shop.rows(
            "UPDATE pass_period SET starts_at = starts_at - interval '31 days',"
            " ends_at = ends_at - interval '31 days'"
        )
        assert await jobs.run(gym.database) == 0  # a credit that is taken keeps its period open
        await gym.status(connection, made, "completed")
        assert await jobs.run(gym.database) == 1
        assert await jobs.run(gym.database) == 0
        assert await gym.balances(connection) == {
            "cash": 2 * PRICE, "packages": -PRICE, "revenue": -333_333,
            "packages-expired": -(PRICE - 333_333),
        }  # fmt: skip
        (now,) = await service.passes(connection, staff(), gym.client)
        assert (now.left, now.coming) == (3, 0)
        assert isinstance(now.ends_at, datetime)

    tell(shop, story)


def test_a_refund_takes_what_was_not_taken(shop: Shop) -> None:
    async def story(gym: Gym, connection: Connection) -> None:
        plan = await gym.plan(connection)
        payment = await gym.sell(connection, plan)
        made = await gym.book(connection, 0)
        await gym.redeem(connection, made)
        with pytest.raises(MoreThanPaidError):
            await payments.refund(
                connection, staff("owner"), payment, RefundRequest(amount_centavos=666_668)
            )
        await payments.refund(connection, staff("owner"), payment, RefundRequest())
        assert gym.left() == 0
        assert await gym.balances(connection) == {"cash": 333_333, "packages": -333_333}
        await gym.status(connection, made, "completed")
        assert await gym.balances(connection) == {"cash": 333_333, "revenue": -333_333}
        whole = await gym.sell(connection, plan)
        await payments.refund(
            connection, staff("owner"), whole, RefundRequest(amount_centavos=900_000)
        )
        assert (await gym.balances(connection))["packages-expired"] == -100_000
        assert gym.left() == 0

    tell(shop, story)


def test_bought_online_once_and_gone_with_a_chargeback(shop: Shop, tmp_path: Path) -> None:
    async def story(gym: Gym, connection: Connection) -> None:
        with MercadoPagoDouble() as double:
            provider = MercadoPago(TOKEN, double.address)
            online = OnlinePayments(Settings(app=shop.app, secrets=Secrets(tmp_path)), provider)
            desk = PaymentDesk(gym.database, shop.app, online)
            plan = await gym.plan(connection)
            sale = Sale(plan_id=plan.id, method="mercado_pago")
            key = idempotency_key("client:1", "k", "sell", {})
            buyer = client(gym.client)
            bought = [
                await service.sell_online(desk, buyer, sale, "https://shop.localhost/", key)
                for _ in range(2)
            ]
            assert bought[0].id == bought[1].id
            assert gym.left() == 0
            paid = double.seller.pay(next(iter(double.seller.preferences)))
            for _ in range(2):
                assert await payments.take_in(desk, paid) in ("allocated", "approved")
            assert gym.left() == 3
            double.seller.change(paid, status="charged_back")
            await payments.take_in(desk, paid)
            await payment_jobs.refunds(desk)
            assert gym.left() == 0
            assert await gym.balances(connection) == {}

    tell(shop, story)


steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["sell", "redeem", "completed", "no_show", "confirmed", "cancelled", "refund", "expire"]
        ),
        st.integers(0, 3),
    ),
    max_size=16,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps, price=st.integers(1, 10**7), credits_=st.integers(1, 4))
def test_credits_are_never_negative_and_never_lost(
    shop: Shop, steps: list[tuple[str, int]], price: int, credits_: int
) -> None:
    async def story(gym: Gym, connection: Connection) -> None:
        plan = await gym.plan(connection, credits=credits_, price_centavos=price)
        made = [await gym.book(connection, number) for number in range(4)]
        sold = [await gym.sell(connection, plan)]
        for name, which in steps:
            try:
                if name == "sell":
                    sold.append(await gym.sell(connection, plan))
                elif name == "redeem":
                    await gym.redeem(connection, made[which])
                elif name == "refund":
                    await payments.refund(
                        connection, staff("owner"), sold[which % len(sold)], RefundRequest()
                    )
                elif name == "expire":
                    await expire_one(gym)
                else:
                    await gym.status(connection, made[which], name)
            except AppError as error:
                assert error.status < 500  # noqa: PT017
            books = await gym.balances(connection)
            ((owed,),) = shop.rows(
                "SELECT coalesce(sum(price_centavos - earned_centavos), 0)::bigint FROM pass_period"
            )
            assert -books.get("packages", 0) == owed
            assert shop.rows(
                "SELECT p.id FROM pass_period p WHERE taken <> (SELECT count(*) FROM pass_use u"
                " WHERE u.period_id = p.id AND u.state <> 'returned')"
            ) == []  # fmt: skip

    shop.rows("UPDATE occupancy SET active = false")
    shop.rows("UPDATE client SET email = NULL")
    tell(shop, story)


async def expire_one(gym: Gym) -> None:
    gym.shop.rows(
        "UPDATE pass_period SET starts_at = now() - interval '9 days',"
        " ends_at = now() - interval '1 s' WHERE id = (SELECT min(id::text)::uuid FROM pass_period"
        " WHERE state = 'open')"
    )
    await jobs.run(gym.database)
