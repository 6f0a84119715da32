"""Random sequences over visits with chairs, deposits, approval and money: nothing overlaps, nothing is
half a visit, nothing is confirmed without its yes, and the books balance."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_shop import SYSTEM_ACTOR, Shop, staff
from support_visits import VIOLATIONS, hold, lines

from barberpro_app.approval import service as approval
from barberpro_app.approval.schemas import ApprovalRuleDraft, Decision
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import (
    Booking,
    CancelRequest,
    ConfirmRequest,
    Contact,
    RescheduleRequest,
    StatusRequest,
)
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError
from barberpro_app.ledger import service as ledger
from barberpro_app.payment import service as payments
from barberpro_app.payment.schemas import ByHand, RefundRequest
from barberpro_app.pricing import service as pricing
from barberpro_app.pricing.schemas import DepositRuleDraft
from barberpro_app.visit import service as visits
from barberpro_app.visit.schemas import Visit, VisitMoveRequest

ANA = Contact(name="Ana Paz", email="ana@any.example")
CLOCKS = ["09:00", "09:30", "10:00", "10:30", "12:00", "14:00", "14:30"]
MOVES = ("hold",) * 3 + ("confirm",) * 5 + ("answer",) * 4 + ("pay",) * 3 + (
    "refund", "move_line", "move", "cancel_line", "cancel", "lapse", "expire", "status", "status",
    "retire",
)  # fmt: skip


@dataclass
class World:
    """One day of the shop, and what was made on it."""

    shop: Shop
    connection: Connection
    data: st.DataObject
    known: list[Booking] = field(default_factory=list)

    def line(self) -> Booking:
        """One booking of what is known."""
        found = self.data.draw(st.sampled_from(self.known[-3:]))
        return self.data.draw(st.sampled_from(found.lines if isinstance(found, Visit) else [found]))

    async def hold(self) -> None:
        clock = self.data.draw(st.sampled_from(CLOCKS))
        wanted = self.data.draw(st.sampled_from([("cut", "solo"), ("cut",), ("cut", "cut", "cut")]))
        self.known.append(
            await hold(self.connection, self.shop, self.shop.at(clock), lines(self.shop, *wanted))
        )

    async def confirm(self) -> None:
        request = ConfirmRequest(client=ANA)
        await bookings.confirm(
            self.connection, self.shop.app, SYSTEM_ACTOR, self.line().id, request
        )

    async def answer(self) -> None:
        decision = self.data.draw(st.sampled_from(["approve", "approve", "decline"]))
        wish = Decision.model_validate({"decision": decision})
        await approval.decide(self.connection, self.shop.app, staff(), self.line().id, wish)

    async def pay(self) -> None:
        amount = self.data.draw(st.sampled_from([1, 270_000, 450_000, 720_000, 2_400_000]))
        by_hand = ByHand(method="cash", amount_centavos=amount, client=ANA)
        await payments.record_by_hand(
            self.connection, self.shop.app, staff(), self.line().id, by_hand
        )

    async def refund(self) -> None:
        query = "SELECT id FROM payment ORDER BY id DESC LIMIT 3"
        found = await (await self.connection.execute(query)).fetchall()
        amount = self.data.draw(st.sampled_from([None, 1, 100_000]))
        if found:
            key = found[self.data.draw(st.integers(0, len(found) - 1))]["id"]
            request = RefundRequest(amount_centavos=amount)
            await payments.refund(self.connection, staff("manager"), key, request)

    async def move_line(self) -> None:
        start = self.shop.at(self.data.draw(st.sampled_from(CLOCKS)))
        request = RescheduleRequest(starts_at=start, override_reason="moved")
        await bookings.reschedule(self.connection, self.shop.app, staff(), self.line().id, request)

    async def move(self) -> None:
        start = self.shop.at(self.data.draw(st.sampled_from(CLOCKS)))
        visit = self.line().visit_id
        assert visit is not None
        request = VisitMoveRequest(starts_at=start)
        await visits.reschedule(self.connection, self.shop.app, staff(), visit, request)

    async def cancel_line(self) -> None:
        await bookings.cancel(
            self.connection, self.shop.app, staff(), self.line().id, CancelRequest()
        )

    async def cancel(self) -> None:
        await visits.cancel_sitting(
            self.connection, self.shop.app, staff(), self.line().id, CancelRequest()
        )

    async def lapse(self) -> None:
        await self.connection.execute(
            "WITH b AS (UPDATE booking SET hold_expires_at = now() - interval '1 s'"
            " WHERE hold_expires_at IS NOT NULL RETURNING id) UPDATE occupancy o"
            " SET expires_at = now() - interval '1 s' FROM b WHERE o.booking_id = b.id"
        )

    async def expire(self) -> None:
        await self.connection.execute("SELECT expire_holds(100)")

    async def status(self) -> None:
        wanted = self.data.draw(st.sampled_from(["confirmed", "arrived", "completed"]))
        wish = StatusRequest.model_validate({"status": wanted})
        await bookings.set_status(self.connection, staff(), self.line().id, wish)

    async def retire(self) -> None:
        """A chair goes out of use, or comes back."""
        await self.connection.execute("UPDATE resource SET active = NOT active WHERE name = '1'")


async def arrange(connection: Connection, data: st.DataObject) -> None:
    """Two chairs, and other rules for each example."""
    await connection.execute(
        "INSERT INTO resource (location_id, kind, name)"
        " SELECT id, 'chair', n::text FROM location, generate_series(1, 2) n"
    )
    await connection.execute(
        "INSERT INTO service_resource SELECT id, 'chair', 1 FROM service WHERE key = 'cut'"
    )
    async with connection.transaction():
        when = data.draw(st.sampled_from([None, "before", "after"]))
        if when is not None:
            draft = ApprovalRuleDraft.model_validate({"deposit": when})
            await approval.add_rule(connection, SYSTEM_ACTOR, draft)
        if data.draw(st.booleans()):
            rule = DepositRuleDraft(kind="percent", percent=30)
            await pricing.add_deposit_rule(connection, SYSTEM_ACTOR, rule)


UNTRUE = (
    *VIOLATIONS,
    "SELECT id FROM booking WHERE status IN ('confirmed', 'arrived', 'completed')"
    " AND approved_at IS NULL AND EXISTS (SELECT FROM approval_rule)",
    "SELECT id FROM booking WHERE status = 'confirmed' AND deposit_centavos > 0"
    " AND NOT EXISTS (SELECT FROM payment_share s WHERE s.booking_id = booking.id)"
    " AND NOT EXISTS (SELECT FROM payment p WHERE p.booking_id = booking.id)",
    "SELECT p.id FROM payment p LEFT JOIN payment_share s ON s.payment_id = p.id"
    " WHERE p.visit_id IS NOT NULL GROUP BY p.id"
    " HAVING p.received_centavos <> coalesce(sum(s.received_centavos), 0)"
    " OR p.refunded_centavos <> coalesce(sum(s.refunded_centavos), 0)",
)


async def live(shop: Shop, data: st.DataObject) -> None:
    """One example, in a transaction that is rolled back; each move is one inside it."""
    async with shop.connection() as connection, connection.transaction(force_rollback=True):
        await arrange(connection, data)
        world = World(shop, connection, data)
        for move in data.draw(st.lists(st.sampled_from(MOVES), min_size=8, max_size=40)):
            if not world.known and move != "hold":
                continue
            try:
                async with connection.transaction():
                    await getattr(world, move)()
            except AppError:
                continue
        await connection.execute("SELECT expire_holds(100)")
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        books = await ledger.trial_balance(connection)
        assert all(value == 0 for value in books.difference.values())
        for query in UNTRUE:
            found = await (await connection.execute(query.encode())).fetchall()
            assert found == [], query


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_happens_nothing_is_half(shop: Shop, data: st.DataObject) -> None:
    asyncio.run(live(shop, data))
