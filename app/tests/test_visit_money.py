"""One payment for a visit: its deposits by line, refunds by line, and the books balance throughout."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from mercado_pago import TOKEN, MercadoPagoDouble, Seller
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, client, staff
from support_visits import book, check_invariants, hold, lines

from barberpro_app.booking import errors as booking_errors
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import CancelRequest, ConfirmRequest, Contact, StatusRequest
from barberpro_app.ledger import service as ledger
from barberpro_app.membership import service as passes
from barberpro_app.membership.schemas import PlanDraft, Redemption, Sale
from barberpro_app.payment import errors, jobs, service
from barberpro_app.payment.mercado_pago import MercadoPago
from barberpro_app.payment.online import OnlinePayments, PaymentDesk
from barberpro_app.payment.schemas import ByHand, CheckoutRequest, Payment, RefundRequest
from barberpro_app.pricing import service as pricing
from barberpro_app.pricing.schemas import DepositRuleDraft
from barberpro_app.settings import Secrets, Settings
from barberpro_app.visit import service as visits
from barberpro_app.visit.schemas import Visit

ANA = Contact(name="Ana Paz", email="ana@pay.example", locale="es-AR")
CUT, SOLO = 1_500_000, 900_000
BACK = "https://shop.localhost:8443/pagos/vuelta"


@dataclass
class Desk:
    """A shop that asks for a deposit of 30 %, and the seller's account."""

    shop: Shop
    desk: PaymentDesk
    seller: Seller

    async def hold(self, clock: str = "10:00") -> Visit:
        async with self.desk.database.connection() as connection:
            return await hold(
                connection, self.shop, self.shop.at(clock), lines(self.shop, "cut", "solo")
            )

    async def checkout(self, visit: Visit, line: int = 0) -> Payment:
        request = CheckoutRequest.model_validate({"client": ANA.model_dump()})
        booking = visit.lines[line].id
        return await service.open_checkout(self.desk, ANONYMOUS_ACTOR, booking, request, BACK)

    async def pay(self, payment: Payment) -> str:
        key = next(
            key for key, value in self.seller.preferences.items()
            if value["external_reference"] == str(payment.id)
        )  # fmt: skip
        paid = str(self.seller.pay(key))
        return str(await service.take_in(self.desk, paid))

    async def visit(self, visit: Visit) -> Visit:
        async with self.desk.database.connection() as connection:
            return await visits.get(connection, staff(), visit.visit_id)

    async def balances(self) -> dict[str, int]:
        """Every account that is not at zero; the books must balance."""
        async with self.desk.database.connection() as connection:
            found = await ledger.trial_balance(connection)
        assert all(value == 0 for value in found.difference.values())
        return {item.code: item.balance for item in found.items if item.balance}

    async def refunds(self) -> None:
        self.shop.rows("UPDATE refund SET next_attempt_at = now()")
        await jobs.refunds(self.desk)

    async def cancel(self, visit: Visit, line: int) -> None:
        async with self.desk.database.connection() as connection:
            await bookings.cancel(
                connection, self.shop.app, staff(), visit.lines[line].id, CancelRequest()
            )


Story = Callable[[Desk], Awaitable[None]]


@pytest.fixture
def tell(shop: Shop, tmp_path: Path) -> Callable[[Story], None]:
    def run(story: Story) -> None:
        async def inside() -> None:
            with MercadoPagoDouble() as double:
                async with shop.database(4) as database:
                    async with database.transaction() as connection:
                        rule = DepositRuleDraft(kind="percent", percent=30)
                        await pricing.add_deposit_rule(connection, SYSTEM_ACTOR, rule)
                    settings = Settings(app=shop.app, secrets=Secrets(tmp_path))
                    online = OnlinePayments(settings, MercadoPago(TOKEN, double.address))
                    await story(Desk(shop, PaymentDesk(database, shop.app, online), double.seller))

        asyncio.run(inside())
        check_invariants(shop)

    return run


def test_one_payment_confirms_the_visit(tell: Callable[[Story], None]) -> None:
    async def story(desk: Desk) -> None:
        held = await desk.hold()
        async with desk.desk.database.connection() as connection:
            with pytest.raises(booking_errors.DepositRequiredError):
                await visits.confirm(
                    connection,
                    desk.shop.app,
                    ANONYMOUS_ACTOR,
                    held.visit_id,
                    ConfirmRequest(client=ANA),
                )
        payment = await desk.checkout(held, line=1)
        assert payment.amount_centavos == (CUT + SOLO) * 3 // 10
        await desk.pay(payment)
        done = await desk.visit(held)
        assert [line.status for line in done.lines] == ["confirmed"] * 2
        books = await desk.balances()
        assert books["deposits"] == -(CUT + SOLO) * 3 // 10
        assert desk.shop.rows(
            "SELECT received_centavos FROM payment_share ORDER BY received_centavos"
        ) == [(SOLO * 3 // 10,), (CUT * 3 // 10,)]
        async with desk.desk.database.connection() as connection:
            for line in done.lines:
                money = await service.booking_money(
                    connection, desk.shop.app, staff(), line.id, online=True
                )
                assert money.paid_centavos == payment.amount_centavos
                assert money.due_centavos == (CUT + SOLO) * 7 // 10
                assert [item.id for item in money.payments] == [payment.id]

    tell(story)


def test_a_cancelled_line_gets_its_own_share_back(tell: Callable[[Story], None]) -> None:
    async def story(desk: Desk) -> None:
        held = await desk.hold()
        payment = await desk.checkout(held)
        await desk.pay(payment)
        await desk.cancel(held, 0)
        await desk.refunds()
        assert desk.shop.rows("SELECT amount_centavos, state FROM refund") == [
            (CUT * 3 // 10, "done")
        ]
        assert (await desk.balances())["deposits"] == -SOLO * 3 // 10
        # taken back and cancelled again it owes nothing that another line paid
        async with desk.desk.database.connection() as connection:
            asked = StatusRequest.model_validate({"status": "confirmed", "override_reason": "x"})
            await bookings.set_status(connection, staff(), held.lines[0].id, asked)
        await desk.cancel(held, 0)
        await desk.cancel(held, 1)
        await desk.refunds()
        assert desk.shop.rows("SELECT sum(amount_centavos) FROM refund") == [
            ((CUT + SOLO) * 3 // 10,)
        ]
        assert "deposits" not in await desk.balances()

    tell(story)


def test_one_line_missed_and_the_other_done(tell: Callable[[Story], None]) -> None:
    async def story(desk: Desk) -> None:
        held = await desk.hold()
        await desk.pay(await desk.checkout(held))
        desk.shop.rows("UPDATE booking SET starts_at = now() - interval '2 hours', ends_at = now()")
        async with desk.desk.database.connection() as connection:
            for line, status in zip(held.lines, ("no_show", "completed"), strict=True):
                asked = StatusRequest.model_validate({"status": status})
                await bookings.set_status(connection, staff(), line.id, asked)
            books = await desk.balances()
            assert books["deposits-kept"] == -CUT * 3 // 10
            assert books["revenue"] == -SOLO
            assert books["receivable"] == SOLO * 7 // 10
            # the rest in cash, and a little more than is due is refused
            by_hand = ByHand(method="cash", amount_centavos=SOLO * 7 // 10)
            await service.record_by_hand(
                connection, desk.shop.app, staff(), held.lines[1].id, by_hand
            )
        books = await desk.balances()
        assert "receivable" not in books

    tell(story)


def test_cash_at_the_desk_pays_in_the_order_of_the_visit(tell: Callable[[Story], None]) -> None:
    async def story(desk: Desk) -> None:
        held = await desk.hold()
        line = held.lines[1].id
        async with desk.desk.database.connection() as connection:
            part = ByHand(method="cash", amount_centavos=CUT * 3 // 10, client=ANA)
            first = await service.record_by_hand(connection, desk.shop.app, staff(), line, part)
            assert (await desk.visit(held)).status == "held"
            with pytest.raises(errors.MoreThanDueError):
                await service.record_by_hand(
                    connection,
                    desk.shop.app,
                    staff(),
                    line,
                    ByHand(method="cash", amount_centavos=CUT + SOLO),
                )
            rest = ByHand(method="cash", amount_centavos=SOLO * 3 // 10)
            await service.record_by_hand(connection, desk.shop.app, staff(), line, rest)
            assert (await desk.visit(held)).status == "confirmed"
            back = RefundRequest(amount_centavos=1000, reason="x")
            await service.refund(connection, staff("manager"), first.id, back)
        assert (await desk.balances())["deposits"] == -(CUT + SOLO) * 3 // 10 + 1000

    tell(story)


def test_late_money_takes_the_whole_visit_again_or_goes_back(
    tell: Callable[[Story], None],
) -> None:
    async def story(desk: Desk) -> None:
        for taken in (False, True):
            held = await desk.hold("15:00" if taken else "10:00")
            payment = await desk.checkout(held)
            desk.shop.rows(
                "UPDATE booking SET hold_expires_at = now() - interval '1 s' WHERE status = 'held'"
            )
            desk.shop.rows(
                "UPDATE occupancy SET expires_at = now() - interval '1 s'"
                " WHERE expires_at IS NOT NULL"
            )
            if taken:
                async with desk.desk.database.connection() as connection:
                    wanted = lines(desk.shop, "solo")
                    await book(connection, desk.shop, desk.shop.at("15:30"), wanted, SYSTEM_ACTOR)
            await desk.pay(payment)
            now = await desk.visit(held)
            expected = {"held", "expired"} if taken else {"confirmed"}
            assert {line.status for line in now.lines} <= expected
            await desk.refunds()
        assert (await desk.balances())["deposits"] == -(CUT + SOLO) * 3 // 10

    tell(story)


def test_a_package_pays_one_line_and_money_the_other(tell: Callable[[Story], None]) -> None:
    async def story(desk: Desk) -> None:
        held = await desk.hold()
        shop = desk.shop
        async with desk.desk.database.transaction() as connection:
            plan = await passes.add_plan(
                connection,
                SYSTEM_ACTOR,
                PlanDraft(
                    name="Abono",
                    kind="package",
                    credits=4,
                    days=90,
                    price_centavos=4_000_000,
                    services=(shop.services["cut"],),
                ),
            )
        payment = await desk.checkout(held)
        who = (await desk.visit(held)).client
        async with desk.desk.database.connection() as connection:
            sale = Sale(plan_id=plan.id, client_id=who.id, method="cash")
            await passes.sell(connection, shop.app, staff(), sale)
            await passes.redeem(
                connection, shop.app, client(who.id), held.lines[0].id, Redemption()
            )
            assert (await desk.visit(held)).status == "held"
            # what is left is the deposit of the other line
            left = await service.begin(
                connection, shop.app, client(who.id), held.lines[0].id, CheckoutRequest()
            )
            assert left.amount_centavos == SOLO * 3 // 10
            assert left.id != payment.id
            by_hand = ByHand(method="transfer", amount_centavos=SOLO * 3 // 10)
            await service.record_by_hand(connection, shop.app, staff(), held.lines[0].id, by_hand)
        assert (await desk.visit(held)).status == "confirmed"
        books = await desk.balances()
        assert books["deposits"] == -SOLO * 3 // 10
        assert books["packages"] == -4_000_000

    tell(story)
