"""Bookings that wait for a yes: asked for, answered, paid before or after, lapsed; alone and in visits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support_race import race
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, client, staff
from support_visits import book, check_invariants, hold, lines

from barberpro_app.approval import service as approval
from barberpro_app.approval.schemas import ApprovalRuleDraft, Decision
from barberpro_app.booking import errors
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import (
    Booking,
    BookRequest,
    CancelRequest,
    ConfirmRequest,
    Contact,
    HoldRequest,
    RescheduleRequest,
    StatusRequest,
)
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError, StaleVersionError
from barberpro_app.ledger import service as ledger
from barberpro_app.payment import service as payments
from barberpro_app.payment.schemas import ByHand
from barberpro_app.pricing import service as pricing
from barberpro_app.pricing.schemas import DepositRuleDraft
from barberpro_app.visit import service as visits

ANA = ConfirmRequest(client=Contact(name="Ana Paz", email="ana@ask.example"))
YES, NO = Decision(decision="approve"), Decision(decision="decline", reason="Ese día no abrimos")
Story = Callable[[Connection], Awaitable[None]]


@pytest.fixture
def tell(shop: Shop) -> Callable[[Story], None]:
    def run(story: Story) -> None:
        async def inside() -> None:
            async with shop.connection() as connection:
                await story(connection)

        asyncio.run(inside())
        check_invariants(shop)

    return run


async def rule(connection: Connection, **values: Any) -> None:
    async with connection.transaction():
        await approval.add_rule(connection, staff("manager"), ApprovalRuleDraft(**values))


async def deposit(connection: Connection) -> None:
    async with connection.transaction():
        draft = DepositRuleDraft(kind="percent", percent=30)
        await pricing.add_deposit_rule(connection, SYSTEM_ACTOR, draft)


async def held(connection: Connection, shop: Shop, clock: str = "10:00", who: int = 0) -> Booking:
    request = HoldRequest(
        service_id=shop.services["cut"],
        location_id=shop.location,
        provider_id=shop.providers[who],
        starts_at=shop.at(clock),
    )
    return await bookings.hold(connection, shop.app, ANONYMOUS_ACTOR, request)


async def asked(connection: Connection, shop: Shop, clock: str = "10:00") -> Booking:
    kept = await held(connection, shop, clock)
    return await bookings.confirm(connection, shop.app, ANONYMOUS_ACTOR, kept.id, ANA)


def kinds(shop: Shop) -> list[object]:
    return [row[0] for row in shop.rows("SELECT kind FROM message ORDER BY id")]


def lapse(shop: Shop) -> None:
    shop.rows("UPDATE booking SET hold_expires_at = now() - interval '1 s'"
              " WHERE hold_expires_at IS NOT NULL")  # fmt: skip
    shop.rows("UPDATE occupancy SET expires_at = now() - interval '1 s'"
              " WHERE expires_at IS NOT NULL")  # fmt: skip


def test_a_request_takes_its_time_and_is_approved(
    shop: Shop, tell: Callable[[Story], None]
) -> None:
    async def story(connection: Connection) -> None:
        await rule(connection, answer_hours=5)
        request = await asked(connection, shop)
        assert request.status == "requested"
        assert request.hold_expires_at is not None
        with pytest.raises(errors.SlotTakenError):
            await held(connection, shop)
        wish = StatusRequest(status="confirmed")
        move = RescheduleRequest(starts_at=shop.at("15:00"))
        mine = client(request.client.id)
        other = staff("provider", shop.providers[1])
        late = Decision(decision="approve", version=request.version + 1)
        with pytest.raises(errors.NotChangeableError):
            await bookings.set_status(connection, staff(), request.id, wish)
        with pytest.raises(errors.NotChangeableError):
            await bookings.reschedule(connection, shop.app, staff(), request.id, move)
        with pytest.raises(NotAllowedError):
            await approval.decide(connection, shop.app, mine, request.id, YES)
        with pytest.raises(NotFoundError):
            await approval.decide(connection, shop.app, other, request.id, YES)
        with pytest.raises(StaleVersionError):
            await approval.decide(connection, shop.app, staff(), request.id, late)
        done = await approval.decide(connection, shop.app, staff(), request.id, YES)
        assert (done.status, done.hold_expires_at) == ("confirmed", None)
        with pytest.raises(errors.NotRequestedError):
            await approval.decide(connection, shop.app, staff(), request.id, NO)
        # what the team books does not wait
        direct = await book(
            connection, shop, shop.at("15:00"), lines(shop, "cut", "solo"), staff(), "eva@ask.ar"
        )
        assert direct.status == "confirmed"

    tell(story)
    assert kinds(shop) == ["booking_requested", "booking_confirmed", "booking_confirmed"]


def test_a_no_frees_the_time_and_says_why(shop: Shop, tell: Callable[[Story], None]) -> None:
    async def story(connection: Connection) -> None:
        await rule(connection, service_id=shop.services["cut"])
        request = await asked(connection, shop)
        done = await approval.decide(connection, shop.app, staff(), request.id, NO)
        assert (done.status, done.cancel_reason) == ("cancelled", NO.reason)
        await held(connection, shop)

    tell(story)
    assert kinds(shop) == ["booking_requested", "booking_declined"]


def test_taking_a_declined_request_back_is_a_yes(shop: Shop, tell: Callable[[Story], None]) -> None:
    async def story(connection: Connection) -> None:
        await rule(connection)
        request = await asked(connection, shop)
        await approval.decide(connection, shop.app, staff(), request.id, NO)
        back = StatusRequest(status="confirmed")
        again = await bookings.set_status(connection, staff(), request.id, back)
        assert again.status == "confirmed"

    tell(story)
    assert shop.rows("SELECT approved_at IS NOT NULL FROM booking") == [(True,)]


def test_the_client_withdraws_a_request(shop: Shop, tell: Callable[[Story], None]) -> None:
    async def story(connection: Connection) -> None:
        await rule(connection)
        request = await asked(connection, shop)
        mine = client(request.client.id)
        gone = await bookings.cancel(connection, shop.app, mine, request.id, CancelRequest())
        assert gone.status == "cancelled"
        with pytest.raises(errors.NotRequestedError):
            await approval.decide(connection, shop.app, staff(), request.id, YES)

    tell(story)


@pytest.mark.parametrize("visit", [False, True])
def test_what_nobody_answers_lapses_and_is_told_once(
    shop: Shop, tell: Callable[[Story], None], visit: bool
) -> None:
    async def story(connection: Connection) -> None:
        await rule(connection)
        if visit:
            kept = await hold(connection, shop, shop.at("10:00"), lines(shop, "cut", "solo"))
            request: Booking = await visits.confirm(
                connection, shop.app, ANONYMOUS_ACTOR, kept.visit_id, ANA
            )
        else:
            request = await asked(connection, shop)
        lapse(shop)
        with pytest.raises(errors.RequestLapsedError):
            await approval.decide(connection, shop.app, staff(), request.id, YES)
        await held(connection, shop)
        shop.rows("SELECT expire_holds(100)")
        found = await bookings.get(connection, staff(), request.id)
        assert found.status == "expired"

    tell(story)
    assert kinds(shop) == ["booking_requested", "booking_lapsed"]


def test_rules_by_service_and_by_who_asks(shop: Shop, tell: Callable[[Story], None]) -> None:
    async def story(connection: Connection) -> None:
        await rule(connection, applies="new_client", service_id=shop.services["solo"])
        await rule(connection, applies="no_shows", no_shows=1)
        first = await asked(connection, shop)
        assert first.status == "confirmed"
        shop.rows("UPDATE booking SET status = 'no_show', starts_at = now() - interval '2 hours',"
                  " ends_at = now() - interval '1 hour'")  # fmt: skip
        again = await asked(connection, shop, "12:00")
        assert again.status == "requested"
        with pytest.raises(NotFoundError):
            await rule(connection, service_id=shop.location)

    tell(story)


def test_a_client_s_direct_booking_asks_too(shop: Shop, tell: Callable[[Story], None]) -> None:
    async def story(connection: Connection) -> None:
        known = await asked(connection, shop)
        await rule(connection)
        await deposit(connection)
        mine = client(known.client.id)
        request = BookRequest(
            service_id=shop.services["cut"], location_id=shop.location, starts_at=shop.at("15:00")
        )
        one = await bookings.book(connection, shop.app, mine, request)
        assert one.status == "requested"
        two = await book(connection, shop, shop.at("16:00"), lines(shop, "solo", "solo"), mine)
        assert [line.status for line in two.lines] == ["requested"] * 2

    tell(story)


@pytest.mark.parametrize("visit", [False, True])
@pytest.mark.parametrize("when", ["before", "after"])
def test_deposits_before_and_after_the_yes(
    shop: Shop, tell: Callable[[Story], None], when: str, visit: bool
) -> None:
    async def story(connection: Connection) -> None:
        await rule(connection, deposit=when, pay_hours=3)
        await deposit(connection)
        if visit:
            kept: Booking = await hold(
                connection, shop, shop.at("10:00"), lines(shop, "cut", "solo")
            )
        else:
            kept = await held(connection, shop)
        due = kept.price_centavos * 3 // 10
        by_hand = ByHand(method="cash", amount_centavos=due, client=ANA.client)
        if when == "before":
            with pytest.raises(errors.DepositRequiredError):
                await bookings.confirm(connection, shop.app, ANONYMOUS_ACTOR, kept.id, ANA)
            await payments.record_by_hand(connection, shop.app, staff(), kept.id, by_hand)
        else:
            await bookings.confirm(connection, shop.app, ANONYMOUS_ACTOR, kept.id, ANA)
        request = await visits.sitting(connection, staff(), kept.id)
        assert request.status == "requested"
        answered = await approval.decide(connection, shop.app, staff(), kept.id, YES)
        if when == "after":
            assert answered.status == "held"
            assert answered.hold_expires_at is not None
            await payments.record_by_hand(connection, shop.app, staff(), kept.id, by_hand)
        done = await visits.sitting(connection, staff(), kept.id)
        assert done.status == "confirmed"
        books = await ledger.trial_balance(connection)
        assert all(value == 0 for value in books.difference.values())
        assert next(i.balance for i in books.items if i.code == "deposits") == -due

    tell(story)
    pay = ["booking_pay"] if when == "after" else []
    assert kinds(shop) == ["booking_requested", *pay, "booking_confirmed"]


def test_an_approved_hold_that_is_not_paid_lapses(
    shop: Shop, tell: Callable[[Story], None]
) -> None:
    async def story(connection: Connection) -> None:
        await rule(connection)
        await deposit(connection)
        request = await asked(connection, shop)
        await approval.decide(connection, shop.app, staff(), request.id, YES)
        lapse(shop)
        shop.rows("SELECT expire_holds(100)")

    tell(story)
    assert kinds(shop) == ["booking_requested", "booking_pay", "booking_lapsed"]


def test_one_answer_counts(shop: Shop) -> None:
    """Approved, declined, withdrawn and lapsed at once: one of them happened, and one message."""

    async def storm() -> list[BaseException]:
        async with shop.database(12) as database:
            async with database.connection() as connection:
                await rule(connection)
                request = await asked(connection, shop)

            async def attempt(number: int) -> Booking:
                async with database.connection() as connection:
                    if number % 3 == 2:
                        mine = client(request.client.id)
                        return await bookings.cancel(
                            connection, shop.app, mine, request.id,
                            CancelRequest(version=request.version),
                        )  # fmt: skip
                    decision = YES if number % 3 else NO
                    return await approval.decide(
                        connection, shop.app, staff(), request.id, decision
                    )

            return (await race([attempt] * 12))[1]

    lost = asyncio.run(storm())
    assert {type(error) for error in lost} <= {errors.NotRequestedError, StaleVersionError}
    assert len(kinds(shop)) == 2
    check_invariants(shop)
