"""Payments against a double of Mercado Pago: deposits, late and double money, refunds, the books."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from mercado_pago import TOKEN, MercadoPagoDouble, Seller
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, client, staff

from barberpro_app.audit.trail import Actor
from barberpro_app.booking import errors as booking_errors
from barberpro_app.booking import jobs as booking_jobs
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import (
    Booking,
    BookRequest,
    CancelRequest,
    ConfirmRequest,
    Contact,
    HoldRequest,
    StatusRequest,
)
from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.kit.idempotency import idempotency_key
from barberpro_app.ledger import service as ledger
from barberpro_app.payment import errors, jobs, service
from barberpro_app.payment.mercado_pago import MercadoPago
from barberpro_app.payment.online import OnlinePayments, PaymentDesk
from barberpro_app.payment.provider import ProviderError
from barberpro_app.payment.receipt import render
from barberpro_app.payment.schemas import (
    ByHand,
    CheckoutRequest,
    Payment,
    PaymentSearch,
    RefundRequest,
)
from barberpro_app.pricing import service as pricing
from barberpro_app.pricing.schemas import DepositRuleDraft
from barberpro_app.settings import Secrets, Settings

ANA = Contact(name="Ana Paz", email="ana@pay.example", locale="es-AR")
PRICE, DEPOSIT = 1_500_000, 450_000
BACK = "https://shop.localhost:8443/pagos/vuelta"


@dataclass
class Till:
    """A shop that asks for a deposit of 30 %, with its desk and the seller's account."""

    shop: Shop
    desk: PaymentDesk
    seller: Seller

    async def hold(self, clock: str = "10:00", provider: int = 0) -> Booking:
        request = HoldRequest(
            service_id=self.shop.services["cut"],
            location_id=self.shop.location,
            provider_id=self.shop.providers[provider],
            starts_at=self.shop.at(clock),
        )
        async with self.desk.database.connection() as connection:
            return await bookings.hold(connection, self.shop.app, ANONYMOUS_ACTOR, request)

    async def checkout(self, booking: Booking, what: str = "deposit") -> Payment:
        request = CheckoutRequest.model_validate({"what": what, "client": ANA.model_dump()})
        async with self.desk.database.connection() as connection:
            known = (await bookings.get(connection, staff(), booking.id)).client
        actor = client(known.id) if known else ANONYMOUS_ACTOR
        return await service.open_checkout(self.desk, actor, booking.id, request, BACK)

    async def status(self, booking: Booking) -> str:
        async with self.desk.database.connection() as connection:
            return (await bookings.get(connection, staff(), booking.id)).status

    async def set_status(self, booking: Booking, status: str) -> None:
        request = StatusRequest.model_validate({"status": status, "override_reason": "test"})
        async with self.desk.database.connection() as connection:
            await bookings.set_status(connection, staff(), booking.id, request)

    async def payment(self, payment_id: UUID) -> Payment:
        async with self.desk.database.connection() as connection:
            return await service.get(connection, payment_id)

    async def balances(self) -> dict[str, int]:
        """Every account that is not at zero; the books must balance."""
        async with self.desk.database.connection() as connection:
            found = await ledger.trial_balance(connection)
        assert all(value == 0 for value in found.difference.values())
        return {item.code: item.balance for item in found.items if item.balance}

    def preference_of(self, payment: Payment) -> str:
        return next(
            key for key, value in self.seller.preferences.items()
            if value["external_reference"] == str(payment.id)
        )  # fmt: skip

    def lapse(self) -> None:
        """Everything that is held is past its time."""
        self.shop.rows(
            "UPDATE booking SET hold_expires_at = now() - interval '1 s' WHERE status = 'held'"
        )
        self.shop.rows(
            "UPDATE occupancy SET expires_at = now() - interval '1 s' WHERE expires_at IS NOT NULL"
        )

    async def refunds(self) -> None:
        """The worker's turn at refunds, however long it waited."""
        self.shop.rows("UPDATE refund SET next_attempt_at = now()")
        await jobs.refunds(self.desk)


Story = Callable[[Till], Awaitable[None]]


@pytest.fixture
def tell(shop: Shop, tmp_path: Path) -> Callable[[Story], None]:
    """Runs a story at a till."""

    def run(story: Story) -> None:
        async def inside() -> None:
            with MercadoPagoDouble() as double:
                async with shop.database(8) as database:
                    async with database.transaction() as connection:
                        rule = DepositRuleDraft(kind="percent", percent=30)
                        await pricing.add_deposit_rule(connection, SYSTEM_ACTOR, rule)
                    settings = Settings(app=shop.app, secrets=Secrets(tmp_path))
                    online = OnlinePayments(settings, MercadoPago(TOKEN, double.address))
                    desk = PaymentDesk(database, shop.app, online)
                    await story(Till(shop, desk, double.seller))

        asyncio.run(inside())

    return run


def test_a_deposit_is_paid_online_and_confirms(tell: Callable[[Story], None]) -> None:
    async def story(till: Till) -> None:
        held = await till.hold()
        async with till.desk.database.connection() as connection:
            with pytest.raises(booking_errors.DepositRequiredError):
                await bookings.confirm(
                    connection, till.shop.app, ANONYMOUS_ACTOR, held.id, ConfirmRequest(client=ANA)
                )
        payment = await till.checkout(held)
        assert payment.amount_centavos == DEPOSIT
        assert (await till.checkout(held)).id == payment.id
        assert len(till.seller.preferences) == 1
        wish = till.seller.preferences[till.preference_of(payment)]
        assert wish["items"][0]["unit_price"] == 4500.0
        assert {"id": "ticket"} in wish["payment_methods"]["excluded_payment_types"]
        assert "notification_url" not in wish  # nobody can reach a .localhost address
        until = datetime.fromisoformat(wish["expiration_date_to"])
        assert payment.expires_at is not None
        assert abs(until - payment.expires_at) < timedelta(milliseconds=1)
        async with till.desk.database.connection() as connection:
            kept = await bookings.get(connection, staff(), held.id)
        assert kept.hold_expires_at is not None
        assert until < kept.hold_expires_at <= datetime.now(UTC) + timedelta(minutes=31)
        paid = till.seller.pay(till.preference_of(payment), fee=180.5)
        assert await service.take_in(till.desk, paid) == "allocated"
        assert await till.status(held) == "confirmed"
        assert await till.balances() == {
            "mercado-pago": DEPOSIT - 18_050,
            "fees": 18_050,
            "deposits": -DEPOSIT,
        }
        done = await till.payment(payment.id)
        assert (done.state, done.receipt_number) == ("approved", 1)
        assert till.shop.rows("SELECT kind FROM message") == [("booking_confirmed",)]
        document = render(till.shop.app, replace_name(done, 'Łucja <b> "Ñandú" 日'))
        assert document.startswith(b"%PDF")

    tell(story)


def replace_name(payment: Payment, name: str) -> Payment:
    return payment.model_copy(update={"client_name": name, "reference": "x" * 100})


def test_what_is_said_twice_and_in_the_wrong_order_counts_once(
    tell: Callable[[Story], None],
) -> None:
    async def story(till: Till) -> None:
        held = await till.hold()
        payment = await till.checkout(held)
        paid = till.seller.pay(till.preference_of(payment), status="in_process")
        assert await service.take_in(till.desk, paid) == "in_process"
        assert await till.status(held) == "held"
        early = await till.desk.online.provider.payment(paid)
        till.seller.change(paid, status="approved")
        middle = await till.desk.online.provider.payment(paid)
        assert early is not None
        assert middle is not None
        for found in (middle, middle, early, middle):
            await service.apply(till.desk, found)
        assert await till.balances() == {"mercado-pago": DEPOSIT, "deposits": -DEPOSIT}
        till.seller.change(paid, transaction_amount_refunded=1000)
        part = await till.desk.online.provider.payment(paid)
        till.seller.change(paid, transaction_amount_refunded=4500, status="refunded")
        whole = await till.desk.online.provider.payment(paid)
        assert part is not None
        assert whole is not None
        for found in (whole, part, middle, whole, early):
            await service.apply(till.desk, found)
        assert await till.balances() == {}
        assert (await till.payment(payment.id)).refunded_centavos == DEPOSIT
        stranger = replace(middle, reference="somebody else's", id="1")
        assert await service.apply(till.desk, stranger) == "not_ours"

    tell(story)


def test_late_money_takes_the_time_again_if_it_is_free(tell: Callable[[Story], None]) -> None:
    async def story(till: Till) -> None:
        lapsed, expired = await till.hold("10:00"), await till.hold("11:00")
        payments = [await till.checkout(booking) for booking in (lapsed, expired)]
        till.lapse()
        till.shop.rows("SELECT expire_hold(%s)", expired.id)
        assert await till.status(expired) == "expired"
        for payment in payments:
            paid = till.seller.pay(till.preference_of(payment), late=True)
            assert await service.take_in(till.desk, paid) == "allocated"
        assert await till.status(lapsed) == "confirmed"
        assert await till.status(expired) == "confirmed"
        assert till.shop.rows("SELECT active, expires_at FROM occupancy") == [(True, None)] * 2

    tell(story)


def test_late_money_goes_back_if_the_time_is_gone(tell: Callable[[Story], None]) -> None:
    async def story(till: Till) -> None:
        held = await till.hold()
        payment = await till.checkout(held)
        till.lapse()
        async with till.desk.database.connection() as connection:
            other = BookRequest(
                service_id=till.shop.services["cut"], location_id=till.shop.location,
                provider_id=till.shop.providers[0], starts_at=till.shop.at("10:00"),
                client=Contact(name="Beto"),
            )  # fmt: skip
            await bookings.book(connection, till.shop.app, staff(), other)
        paid = till.seller.pay(till.preference_of(payment), late=True)
        assert await service.take_in(till.desk, paid) == "late"
        assert await till.balances() == {"mercado-pago": DEPOSIT, "deposits": -DEPOSIT}
        till.seller.misbehave("lost", "500", "429")
        for _ in range(4):
            await till.refunds()
        assert till.seller.refunded(paid) == 4500.0
        assert till.shop.rows("SELECT state, kind FROM refund") == [("done", "late")]
        assert await till.balances() == {}
        assert await till.status(held) == "expired"
        assert (await till.payment(payment.id)).state == "pending"
        assert till.shop.rows("SELECT kind, payload->>'centavos' FROM message") == [
            ("payment_refunded", str(DEPOSIT))
        ]

    tell(story)


@pytest.mark.parametrize(
    ("second", "word"),
    [({}, "surplus"), ({"amount": 4500.01}, "mismatch"), ({"currency": "USD"}, "mismatch")],
)
def test_money_twice_or_of_another_amount_goes_back(
    tell: Callable[[Story], None], second: dict[str, object], word: str
) -> None:
    async def story(till: Till) -> None:
        held = await till.hold()
        payment = await till.checkout(held)
        preference = till.preference_of(payment)
        first = till.seller.pay(preference)
        other = till.seller.pay(preference, **second)  # type: ignore[arg-type]
        assert await service.take_in(till.desk, first) == "allocated"
        assert await service.take_in(till.desk, other) == word
        await till.refunds()
        assert till.seller.payments[other]["status"] == "refunded"
        assert till.seller.payments[first]["status"] == "approved"
        assert await till.balances() == {"mercado-pago": DEPOSIT, "deposits": -DEPOSIT}
        assert await till.status(held) == "confirmed"

    tell(story)


def test_without_a_notice_the_worker_asks(tell: Callable[[Story], None]) -> None:
    async def story(till: Till) -> None:
        held = await till.hold()
        payment = await till.checkout(held)
        till.seller.pay(till.preference_of(payment), status="rejected")
        till.seller.pay(till.preference_of(payment))
        assert await jobs.work(till.desk) == 0
        till.shop.rows("UPDATE payment SET next_check_at = now()")
        till.seller.misbehave("500")
        await jobs.work(till.desk)
        assert await till.status(held) == "held"
        till.shop.rows("UPDATE payment SET next_check_at = now()")
        await jobs.work(till.desk)
        assert await till.status(held) == "confirmed"
        other = await till.hold("12:00")
        unpaid = await till.checkout(other)
        till.shop.rows(
            "UPDATE payment SET expires_at = now() - interval '1 hour' WHERE id = %s", unpaid.id
        )
        await jobs.work(till.desk)
        assert (await till.payment(unpaid.id)).state == "expired"

    tell(story)


@pytest.mark.parametrize("fault", ["500", "429", "garbage"])
def test_a_provider_that_fails_loses_nothing(tell: Callable[[Story], None], fault: str) -> None:
    async def story(till: Till) -> None:
        held = await till.hold()
        till.seller.misbehave(fault)
        with pytest.raises(errors.ProviderUnavailableError):
            await till.checkout(held)
        payment = await till.checkout(held)
        assert payment.checkout_url is not None
        assert payment.checkout_url.startswith("https://")
        paid = till.seller.pay(till.preference_of(payment))
        till.seller.misbehave(fault)
        with pytest.raises(ProviderError):
            await service.take_in(till.desk, paid)
        assert await service.take_in(till.desk, "123") is None
        assert await service.take_in(till.desk, paid) == "allocated"

    tell(story)


def test_a_lost_answer_pays_back_once_and_a_refusal_is_told(tell: Callable[[Story], None]) -> None:
    async def story(till: Till) -> None:
        held = await till.hold()
        payment = await till.checkout(held)
        paid = till.seller.pay(till.preference_of(payment))
        await service.take_in(till.desk, paid)
        async with till.desk.database.connection() as connection:
            asked = await service.refund(
                connection, staff("owner"), payment.id, RefundRequest(amount_centavos=100_000)
            )
            assert asked.refunding_centavos == 100_000
            with pytest.raises(errors.MoreThanPaidError):
                await service.refund(
                    connection, staff("owner"), payment.id, RefundRequest(amount_centavos=350_001)
                )
            with pytest.raises(NotAllowedError):
                await service.refund(connection, client(UUID(int=1)), payment.id, RefundRequest())
        till.seller.misbehave("lost", "500")
        await till.refunds()
        assert till.seller.refunded(paid) == 1000.0
        await till.refunds()
        assert till.seller.refunded(paid) == 1000.0
        assert await till.balances() == {"mercado-pago": 350_000, "deposits": -350_000}
        till.seller.payments[paid]["status"] = "in_mediation"
        async with till.desk.database.connection() as connection:
            await service.refund(connection, staff("owner"), payment.id, RefundRequest())
        await till.refunds()
        assert (await till.payment(payment.id)).refund_failed
        till.seller.change(paid, status="charged_back")
        await service.take_in(till.desk, paid)
        assert await till.balances() == {}

    tell(story)


def test_reception_takes_cash_for_the_deposit_and_for_the_rest(
    tell: Callable[[Story], None],
) -> None:
    async def story(till: Till) -> None:
        held = await till.hold()
        app = till.shop.app
        key = idempotency_key("staff:7", "once", "pay", {})
        async with till.desk.database.connection() as connection:
            cash = ByHand(method="cash", amount_centavos=DEPOSIT - 1, client=ANA)
            with pytest.raises(NotAllowedError):
                await service.record_by_hand(connection, app, ANONYMOUS_ACTOR, held.id, cash)
            await service.record_by_hand(connection, app, staff(), held.id, cash, key)
            again = await service.record_by_hand(connection, app, staff(), held.id, cash, key)
            assert again.receipt_number == 1
            assert await till.status(held) == "held"
            rest = ByHand(method="transfer", amount_centavos=1, reference="CBU 1")
            await service.record_by_hand(connection, app, staff(), held.id, rest)
            assert await till.status(held) == "confirmed"
            await till.set_status(held, "completed")
            assert await till.balances() == {
                "cash": DEPOSIT - 1,
                "bank": 1,
                "receivable": PRICE - DEPOSIT,
                "revenue": -PRICE,
            }
            much = ByHand(method="cash", amount_centavos=PRICE)
            with pytest.raises(errors.MoreThanDueError):
                await service.record_by_hand(connection, app, staff(), held.id, much)
            all_of_it = ByHand(method="cash", amount_centavos=PRICE - DEPOSIT)
            last = await service.record_by_hand(connection, app, staff(), held.id, all_of_it)
            assert await till.balances() == {"cash": PRICE - 1, "bank": 1, "revenue": -PRICE}
            await service.refund(
                connection, staff("owner"), last.id, RefundRequest(amount_centavos=500)
            )
            assert await till.balances() == {
                "cash": PRICE - 501, "bank": 1, "refunds": 500, "revenue": -PRICE,
            }  # fmt: skip
            money = await service.booking_money(connection, app, staff(), held.id, online=True)
            assert (money.paid_centavos, len(money.payments)) == (PRICE - 500, 3)
            page = await service.search(connection, staff(), PaymentSearch(limit=2))
            assert [item.receipt_number for item in page.items] == [3, 2]
            assert page.next is not None

    tell(story)


def test_a_missed_booking_keeps_its_deposit_and_a_cancelled_one_gives_it_back(
    tell: Callable[[Story], None],
) -> None:
    async def story(till: Till) -> None:
        missed, cancelled = await till.hold("10:00"), await till.hold("11:00")
        paid = []
        for booking in (missed, cancelled):
            payment = await till.checkout(booking)
            paid.append(till.seller.pay(till.preference_of(payment)))
            await service.take_in(till.desk, paid[-1])
        till.shop.rows(
            "UPDATE booking SET starts_at = now() - interval '2 hours', ends_at = now()"
            " - interval '1 hour' WHERE id = %s", missed.id,
        )  # fmt: skip
        await till.set_status(missed, "no_show")
        assert (await till.balances())["deposits-kept"] == -DEPOSIT
        await till.set_status(missed, "completed")
        assert (await till.balances())["receivable"] == PRICE - DEPOSIT
        await till.set_status(missed, "no_show")
        async with till.desk.database.connection() as connection:
            booking = await bookings.get(connection, staff(), cancelled.id)
            assert booking.client is not None
            await bookings.cancel(
                connection, till.shop.app, client(booking.client.id), cancelled.id, CancelRequest()
            )
        await till.refunds()
        assert till.seller.refunded(paid[0]) == 0
        assert till.seller.refunded(paid[1]) == 4500.0
        assert await till.balances() == {"mercado-pago": DEPOSIT, "deposits-kept": -DEPOSIT}

    tell(story)


def test_the_books_outlive_a_client_who_is_removed(tell: Callable[[Story], None]) -> None:
    async def story(till: Till) -> None:
        held = await till.hold()
        payment = await till.checkout(held)
        paid = till.seller.pay(till.preference_of(payment))
        await service.take_in(till.desk, paid)
        before = await till.balances()
        till.shop.rows("SELECT remove_test_data('pay.example')")
        assert till.shop.rows("SELECT count(*) FROM client") == [(0,)]
        assert await till.balances() == before
        async with till.desk.database.connection() as connection:
            await service.refund(connection, staff("owner"), payment.id, RefundRequest())
        await till.refunds()
        assert till.seller.refunded(paid) == 4500.0
        assert (await till.balances()).get("mercado-pago", 0) == 0

    tell(story)


def test_nobody_sees_or_pays_what_is_not_theirs(tell: Callable[[Story], None]) -> None:
    async def story(till: Till) -> None:
        held = await till.hold()
        payment = await till.checkout(held)
        app = till.shop.app
        stranger = client(UUID(int=99))
        provider = staff("provider", till.shop.providers[1])
        asked = CheckoutRequest()
        async with till.desk.database.connection() as connection:
            who: Actor
            for who in (stranger, ANONYMOUS_ACTOR, provider):
                with pytest.raises(NotFoundError):
                    await service.get_for(connection, who, payment.id)
                with pytest.raises(NotFoundError):
                    await service.booking_money(connection, app, who, held.id, online=True)
                with pytest.raises(NotFoundError):
                    await service.begin(connection, app, who, held.id, asked)
            for who in (ANONYMOUS_ACTOR, provider):
                with pytest.raises(NotAllowedError):
                    await service.search(connection, who, PaymentSearch())
            assert (await service.search(connection, stranger, PaymentSearch())).items == []
        await booking_jobs.expire_holds(till.desk.database)

    tell(story)
