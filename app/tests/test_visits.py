"""Several services in one visit: made, confirmed, moved and cancelled together, and shown as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, client, staff
from support_visits import book, check_invariants, hold, lines, lines_of

from barberpro_app.availability.schemas import AvailableDay, VisitQuery
from barberpro_app.availability.visits import free_visits
from barberpro_app.booking import service as bookings
from barberpro_app.booking.errors import HoldExpiredError, SlotTakenError
from barberpro_app.booking.schemas import (
    BookRequest,
    CancelRequest,
    ConfirmRequest,
    Contact,
    RescheduleRequest,
)
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import AppError, NotFoundError, StaleVersionError
from barberpro_app.resource import service as resources
from barberpro_app.resource.schemas import Need, Needs, ResourceDraft
from barberpro_app.visit import service as visits
from barberpro_app.visit.schemas import Visit, VisitHoldRequest, VisitMoveRequest

ANA = ConfirmRequest(client=Contact(name="Ana Paz", email="ana@visit.example"))
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


async def chairs(connection: Connection, shop: Shop, count: int, *services: str) -> None:
    async with connection.transaction():
        for number in range(count):
            draft = ResourceDraft(location_id=shop.location, kind="sillón", name=f"S{number}")
            await resources.create_resource(connection, SYSTEM_ACTOR, draft)
        for service in services:
            needs = Needs(items=(Need(kind="sillón"),))
            await resources.set_needs(connection, SYSTEM_ACTOR, shop.services[service], needs)


def spent(shop: Shop) -> list[tuple[object, ...]]:
    return shop.rows("SELECT kind, payload->'service'->'name'->>'es-AR' FROM message ORDER BY id")


def test_a_visit_is_one_sitting_with_one_person(shop: Shop, tell: Callable[[Story], None]) -> None:
    async def story(connection: Connection) -> None:
        await chairs(connection, shop, 2, "cut", "solo")
        held = await hold(connection, shop, shop.at("10:00"), lines(shop, "cut", "solo"))
        # only the first provider gives both
        assert lines_of(held) == [(shop.providers[0], "held")] * 2
        assert held.starts_at == shop.at("10:00")
        assert held.ends_at == shop.at("11:00")
        assert held.service.name["es-AR"] == "Corte + Solo"
        assert held.price_centavos == 2_400_000
        assert held.lines[0].resources == held.lines[1].resources
        done = await visits.confirm(connection, shop.app, ANONYMOUS_ACTOR, held.visit_id, ANA)
        assert done.status == "confirmed"
        assert [line.status for line in done.lines] == ["confirmed"] * 2

    tell(story)
    assert spent(shop) == [("booking_confirmed", "Corte + Solo")]
    # no buffer inside the sitting, and the last line's behind it
    assert shop.rows(
        "SELECT count(*) FROM occupancy WHERE part = 'provider' AND upper(period) > %s",
        shop.at("11:00"),
    ) == [(0,)]


def test_confirming_one_line_confirms_the_visit(shop: Shop, tell: Callable[[Story], None]) -> None:
    async def story(connection: Connection) -> None:
        held = await hold(connection, shop, shop.at("10:00"), lines(shop, "cut", "cut"))
        line = held.lines[1].id
        longer = await bookings.extend_hold(connection, shop.app, ANONYMOUS_ACTOR, line)
        assert longer.visit_id == held.visit_id
        done = await bookings.confirm(connection, shop.app, ANONYMOUS_ACTOR, line, ANA)
        assert done.id == held.lines[0].id
        found = await visits.get(connection, staff(), held.visit_id)
        assert [item.status for item in found.lines] == ["confirmed"] * 2
        mine = await visits.get(connection, client(done.client.id), held.visit_id)
        assert mine == found
        with pytest.raises(NotFoundError):
            await visits.get(connection, ANONYMOUS_ACTOR, held.visit_id)
        with pytest.raises(NotFoundError):
            await visits.get(connection, staff("provider", shop.providers[2]), held.visit_id)

    tell(story)
    assert len(spent(shop)) == 1


def test_different_people_when_nobody_can_give_all(
    shop: Shop, tell: Callable[[Story], None]
) -> None:
    async def story(connection: Connection) -> None:
        await book(connection, shop, shop.at("10:30"), lines(shop, "cut", provider=0), SYSTEM_ACTOR)
        visit = await book(
            connection, shop, shop.at("10:00"), lines(shop, "cut", "cut", "cut"), SYSTEM_ACTOR
        )
        assert len({line.provider.id for line in visit.lines}) == 1
        # two others are busy somewhere in it: the lines are given by who is free
        first, second = shop.providers[1], shop.providers[2]
        assert visit.lines[0].provider.id in {first, second}

    tell(story)


def test_a_line_is_cancelled_and_the_rest_stays(shop: Shop, tell: Callable[[Story], None]) -> None:
    async def story(connection: Connection) -> None:
        visit = await book(
            connection, shop, shop.at("10:00"), lines(shop, "cut", "solo"), SYSTEM_ACTOR
        )
        gone = visit.lines[0].id
        await bookings.cancel(connection, shop.app, staff(), gone, CancelRequest())
        left = await visits.get(connection, staff(), visit.visit_id)
        assert left.status == "confirmed"
        assert left.service.name["es-AR"] == "Solo"
        assert left.starts_at == shop.at("10:30")
        assert left.version > visit.version
        with pytest.raises(StaleVersionError):
            await visits.cancel(
                connection, shop.app, staff(), visit.visit_id, CancelRequest(version=visit.version)
            )
        over = await visits.cancel(
            connection, shop.app, staff(), visit.visit_id, CancelRequest(version=left.version)
        )
        assert over.status == "cancelled"
        again = await visits.cancel(connection, shop.app, staff(), visit.visit_id, CancelRequest())
        assert again == over

    tell(story)
    kinds = [kind for kind, _ in spent(shop)]
    assert kinds == ["booking_confirmed", "booking_rescheduled", "booking_cancelled"]


def test_a_visit_moves_whole_or_not_at_all(shop: Shop, tell: Callable[[Story], None]) -> None:
    async def story(connection: Connection) -> None:
        await chairs(connection, shop, 1, "cut")
        visit = await book(
            connection, shop, shop.at("10:00"), lines(shop, "cut", "solo"), SYSTEM_ACTOR
        )
        # over its own time
        move = VisitMoveRequest(starts_at=shop.at("10:15"), version=visit.version)
        moved = await visits.reschedule(connection, shop.app, staff(), visit.visit_id, move)
        assert [line.starts_at for line in moved.lines] == [shop.at("10:15"), shop.at("10:45")]
        await book(connection, shop, shop.at("15:30"), lines(shop, "solo"), SYSTEM_ACTOR)
        for start in ("15:00", "17:30", "12:30"):
            with pytest.raises(AppError):
                await visits.reschedule(
                    connection,
                    shop.app,
                    staff(),
                    visit.visit_id,
                    VisitMoveRequest(starts_at=shop.at(start)),
                )
        assert await visits.get(connection, staff(), visit.visit_id) == moved

    tell(story)


def test_one_line_moves_alone(shop: Shop, tell: Callable[[Story], None]) -> None:
    async def story(connection: Connection) -> None:
        visit = await book(
            connection, shop, shop.at("10:00"), lines(shop, "cut", "solo"), SYSTEM_ACTOR
        )
        request = RescheduleRequest(starts_at=shop.at("16:00"))
        await bookings.reschedule(connection, shop.app, staff(), visit.lines[1].id, request)
        left = await visits.get(connection, staff(), visit.visit_id)
        assert [line.starts_at for line in left.lines] == [shop.at("10:00"), shop.at("16:00")]

    tell(story)


def test_what_expires_expires_whole(shop: Shop, tell: Callable[[Story], None]) -> None:
    async def story(connection: Connection) -> None:
        held = await hold(connection, shop, shop.at("10:00"), lines(shop, "cut", "solo"))
        shop.rows("UPDATE booking SET hold_expires_at = now() - interval '1 s'")
        shop.rows("UPDATE occupancy SET expires_at = now() - interval '1 s'")
        # somebody takes the time of the first line
        await book(connection, shop, shop.at("10:00"), lines(shop, "cut", provider=0), SYSTEM_ACTOR)
        with pytest.raises(HoldExpiredError):
            await visits.confirm(connection, shop.app, ANONYMOUS_ACTOR, held.visit_id, ANA)

    tell(story)


def test_a_released_hold_is_released_whole(shop: Shop, tell: Callable[[Story], None]) -> None:
    async def story(connection: Connection) -> None:
        held = await hold(connection, shop, shop.at("10:00"), lines(shop, "cut", "solo"))
        await bookings.cancel(
            connection, shop.app, ANONYMOUS_ACTOR, held.lines[1].id, CancelRequest()
        )
        assert shop.rows("SELECT DISTINCT status FROM booking") == [("cancelled",)]

    tell(story)
    assert spent(shop) == []


async def shown(
    connection: Connection, shop: Shop, *services: str, provider: int | None = None
) -> AvailableDay:
    who = "" if provider is None else f":{shop.providers[provider]}"
    query = VisitQuery(
        line=[f"{shop.services[s]}{who}" for s in services],
        location_id=shop.location,
        first=shop.day,
        days=1,
    )
    return (await free_visits(connection, shop.app, query)).days[0]


@pytest.mark.parametrize(
    "services", [("cut", "solo"), ("solo", "cut"), ("cut", "cut", "cut"), ("cut",)]
)
def test_what_is_shown_can_be_booked_and_nothing_else(
    shop: Shop, tell: Callable[[Story], None], services: tuple[str, ...]
) -> None:
    async def story(connection: Connection) -> None:
        await chairs(connection, shop, 2, "cut")
        for clock, provider in (("09:45", 0), ("11:00", 1), ("12:00", 2), ("14:30", 0), ("15:15", 1),
                                ("16:30", 2)):  # fmt: skip
            start = shop.at(clock)
            await book(connection, shop, start, lines(shop, "cut", provider=provider), SYSTEM_ACTOR)
        day = await shown(connection, shop, *services)
        could: set[datetime] = set()
        for number in range(36):
            start = shop.at("09:00") + timedelta(minutes=15 * number)
            try:
                async with connection.transaction(force_rollback=True):
                    made = await hold(connection, shop, start, lines(shop, *services))
                    could.add(made.starts_at)
            except AppError:
                continue
        assert {slot.starts_at for slot in day.slots} == could
        assert could

    tell(story)


def test_one_of_many_gets_the_visit(shop: Shop) -> None:
    callers = 24

    async def crowd() -> list[object]:
        async with shop.database(callers) as database:
            async with database.connection() as connection:
                await chairs(connection, shop, 2, "cut")

            async def visit(number: int) -> Visit:
                wanted = lines(shop, "cut", "solo") if number % 2 else lines(shop, "solo", "cut")
                async with database.connection() as connection:
                    return await book(
                        connection, shop, shop.at("10:00"), wanted, SYSTEM_ACTOR, f"c{number}@x.ar"
                    )

            async def single(number: int) -> object:
                request = BookRequest(
                    service_id=shop.services["solo"],
                    location_id=shop.location,
                    starts_at=shop.at("10:15"),
                    client=Contact(name="Eva"),
                )
                async with database.connection() as connection:
                    return await bookings.book(connection, shop.app, SYSTEM_ACTOR, request)

            tries = [visit(n) if n % 3 else single(n) for n in range(callers)]
            return await asyncio.gather(*tries, return_exceptions=True)

    found = asyncio.run(crowd())
    lost = [item for item in found if isinstance(item, BaseException)]
    assert {type(item) for item in lost} == {SlotTakenError}
    assert len(lost) == callers - 1
    check_invariants(shop)


def test_moves_confirmations_and_expiries_at_once(shop: Shop) -> None:
    """Every path at once over few providers and chairs: whatever wins, nothing is half."""

    async def one(database: Database, number: int) -> None:
        async with database.connection() as connection:
            start = shop.at("09:00") + timedelta(minutes=15 * (number * 7 % 30))
            wanted = [lines(shop, "cut", "solo"), lines(shop, "cut", "cut"), lines(shop, "solo")]
            try:
                held = await hold(connection, shop, start, wanted[number % 3])
                if number % 4 == 0:
                    shop.rows(
                        "WITH b AS (UPDATE booking SET hold_expires_at = now() - interval '1 s'"
                        " WHERE visit_id = %s RETURNING id) UPDATE occupancy o"
                        " SET expires_at = now() - interval '1 s' FROM b WHERE o.booking_id = b.id",
                        held.visit_id,
                    )
                done = await visits.confirm(
                    connection,
                    shop.app,
                    ANONYMOUS_ACTOR,
                    held.visit_id,
                    ConfirmRequest(client=Contact(name="Ana", email=f"a{number}@visit.example")),
                )
                move = VisitMoveRequest(starts_at=start + timedelta(minutes=45))
                await visits.reschedule(connection, shop.app, staff(), done.visit_id, move)
                if number % 5 == 0:
                    request = CancelRequest()
                    await bookings.cancel(connection, shop.app, staff(), done.lines[0].id, request)
            except AppError:
                return

    async def storm() -> None:
        async with shop.database(16) as database:
            async with database.connection() as connection:
                await chairs(connection, shop, 2, "cut")
            await asyncio.gather(*(one(database, number) for number in range(48)))

    asyncio.run(storm())
    shop.rows("SELECT expire_holds(1000)")
    check_invariants(shop)
    assert shop.rows("SELECT count(*) > 3 FROM booking WHERE status = 'confirmed'") == [(True,)]


def test_bad_wishes_are_refused(shop: Shop, tell: Callable[[Story], None]) -> None:
    async def story(connection: Connection) -> None:
        other = VisitHoldRequest.model_validate(
            {
                "location_id": shop.providers[0],
                "starts_at": shop.at("10:00"),
                "lines": [{"service_id": shop.services["cut"]}],
            }
        )
        with pytest.raises(NotFoundError):
            await visits.hold(connection, shop.app, ANONYMOUS_ACTOR, other)
        with pytest.raises(AppError) as refused:
            await hold(connection, shop, shop.at("10:00"), lines(shop, "cut", "solo", provider=1))
        assert refused.value.code == "not_offered"
        with pytest.raises(AppError) as refused:
            await hold(connection, shop, shop.at("12:30"), lines(shop, "cut", "cut"))
        assert refused.value.code == "slot_unavailable"

    tell(story)
