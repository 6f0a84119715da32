"""Chairs and rooms: taken with the provider in one transaction, and what is shown can be taken."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_race import Arena, Attempt, race
from support_shop import SYSTEM_ACTOR, Shop, staff

from barberpro_app.availability.schemas import AvailabilityQuery
from barberpro_app.availability.service import free_times
from barberpro_app.availability.slots import Offer, lacking
from barberpro_app.booking import service as bookings
from barberpro_app.booking.errors import SlotTakenError
from barberpro_app.booking.schemas import (
    Booking,
    BookRequest,
    CancelRequest,
    Contact,
    RescheduleRequest,
    StatusRequest,
)
from barberpro_app.kit.errors import AppError
from barberpro_app.resource import service as resources
from barberpro_app.resource.schemas import Need, Needs, ResourceDraft, ResourcePatch

MANAGER = staff("manager")


def furnish(
    shop: Shop, chairs: int, service: str = "cut", kind: str = "sillón", count: int = 1
) -> list[UUID]:
    """So many chairs, one needed (or `count`) by the service."""

    async def add() -> list[UUID]:
        async with shop.database(1) as database, database.transaction() as connection:
            made = [
                await resources.create_resource(
                    connection,
                    MANAGER,
                    ResourceDraft(location_id=shop.location, kind=kind, name=f"{kind} {n}", sort=n),
                )
                for n in range(chairs)
            ]
            needs = Needs(items=(Need(kind=kind, count=count),))
            await resources.set_needs(connection, MANAGER, shop.services[service], needs)
            return [item.id for item in made]

    return asyncio.run(add())


def book(shop: Shop, clock: str | datetime, provider: int | None, service: str = "cut") -> Booking:
    async def make() -> Booking:
        async with shop.connection() as connection:
            request = BookRequest(
                service_id=shop.services[service],
                location_id=shop.location,
                provider_id=None if provider is None else shop.providers[provider],
                starts_at=shop.at(clock) if isinstance(clock, str) else clock,
                client=Contact(name="Ana"),
            )
            return await bookings.book(connection, shop.app, SYSTEM_ACTOR, request)

    return asyncio.run(make())


def starts(shop: Shop, service: str = "cut", provider: int | None = None) -> set[datetime]:
    async def ask() -> set[datetime]:
        async with shop.connection() as connection:
            query = AvailabilityQuery(
                service_id=shop.services[service],
                location_id=shop.location,
                provider_id=None if provider is None else shop.providers[provider],
                first=shop.day,
                days=1,
            )
            found = await free_times(connection, shop.app, query)
            return {slot.starts_at for day in found.days for slot in day.slots}

    return asyncio.run(ask())


def test_the_last_chair_is_the_last_booking(shop: Shop) -> None:
    chairs = furnish(shop, 2)
    first, second = book(shop, "10:00", 0), book(shop, "10:00", 1)
    assert {first.resources[0].id, second.resources[0].id} == set(chairs)
    assert first.resources[0].kind == "sillón"
    with pytest.raises(SlotTakenError):
        book(shop, "10:00", 2)
    with pytest.raises(SlotTakenError):
        book(shop, "10:15", None)
    assert shop.at("10:00") not in starts(shop)
    assert shop.at("10:45") in starts(shop)
    # the provider alone is not kept from what needs no chair
    assert shop.at("10:00") not in starts(shop, "solo")
    assert shop.at("10:45") in starts(shop, "solo")


def test_the_least_used_chair_is_taken_first(shop: Shop) -> None:
    furnish(shop, 3)
    taken = [book(shop, clock, 0).resources[0].name for clock in ("09:00", "10:00", "11:00")]
    assert taken == ["sillón 0", "sillón 1", "sillón 2"]


def test_moving_and_cancelling_free_the_chair(shop: Shop) -> None:
    furnish(shop, 1)
    first = book(shop, "10:00", 0)

    async def change() -> None:
        async with shop.connection() as connection:
            request = RescheduleRequest(starts_at=shop.at("10:15"))
            moved = await bookings.reschedule(connection, shop.app, staff(), first.id, request)
            assert moved.resources == first.resources
            await bookings.cancel(connection, shop.app, staff(), first.id, CancelRequest())

    asyncio.run(change())
    second = book(shop, "10:15", 1)

    async def back() -> None:
        async with shop.connection() as connection:
            asked = StatusRequest(status="confirmed")
            with pytest.raises(SlotTakenError):
                await bookings.set_status(connection, staff(), first.id, asked)
            await bookings.cancel(connection, shop.app, staff(), second.id, CancelRequest())
            again = await bookings.set_status(connection, staff(), first.id, asked)
            assert again.resources == first.resources

    asyncio.run(back())
    assert shop.rows("SELECT count(*) FROM occupancy WHERE active") == [(2,)]


def test_an_expired_hold_gives_its_chair_back(shop: Shop) -> None:
    furnish(shop, 1)

    async def hold() -> UUID:
        async with shop.database(2) as database:
            arena = Arena(shop, database)
            arena.provider = shop.providers[0]
            async with database.connection() as connection:
                request = BookRequest(
                    service_id=shop.services["cut"],
                    location_id=shop.location,
                    provider_id=shop.providers[0],
                    starts_at=shop.at("10:00"),
                )
                held = await bookings.hold(connection, shop.app, SYSTEM_ACTOR, request)
            shop.rows("UPDATE booking SET hold_expires_at = now() - interval '1 s'")
            shop.rows("UPDATE occupancy SET expires_at = now() - interval '1 s'")
            return held.id

    held = asyncio.run(hold())
    assert shop.at("10:00") in starts(shop, provider=1)
    book(shop, "10:00", 1)
    assert shop.rows("SELECT status FROM booking WHERE id = %s", held) == [("expired",)]


def test_two_of_a_kind_and_one_out_of_use(shop: Shop) -> None:
    chairs = furnish(shop, 3, count=2)
    assert len(book(shop, "10:00", 0).resources) == 2
    assert shop.at("10:00") not in starts(shop)

    async def retire() -> None:
        async with shop.database(1) as database, database.transaction() as connection:
            patch = ResourcePatch(version=1, active=False)
            await resources.update_resource(connection, MANAGER, chairs[0], patch)
            await resources.update_resource(connection, MANAGER, chairs[1], patch)

    asyncio.run(retire())
    assert starts(shop) == set()
    with pytest.raises(SlotTakenError):
        book(shop, "15:00", 0)


def test_one_of_many_gets_the_chair(shop: Shop) -> None:
    furnish(shop, 1)
    clients = 30

    async def crowd() -> None:
        async with shop.database(clients) as database:
            arena = Arena(shop, database)
            for number in range(3):
                starts_at = shop.at("09:00") + timedelta(hours=number)
                attempts: list[Attempt] = [
                    lambda n, starts_at=starts_at: arena.book(
                        starts_at,
                        n,
                        service_id=shop.services["cut"],
                        provider_id=shop.providers[n % 3] if n % 2 else None,
                    )
                ] * clients
                winners, losers = await race(attempts)
                assert len(winners) == 1
                assert {type(loser) for loser in losers} == {SlotTakenError}

    asyncio.run(crowd())


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_what_is_shown_can_be_taken_and_nothing_else(data: st.DataObject) -> None:
    """Of pure intervals: a start is offered exactly where enough resources are free for all of it."""
    offer = Offer(*(data.draw(st.integers(low, 6)) for low in (1, 0, 0)))
    taken = []
    for _ in range(data.draw(st.integers(1, 4))):
        edges = sorted(data.draw(st.sets(st.integers(0, 40), max_size=8)))
        taken.append(list(zip(edges[::2], edges[1::2], strict=False)))
    needed = data.draw(st.integers(1, 3))
    forbidden = lacking(taken, needed, offer)
    for start in range(-10, 50):
        low, high = start - offer.before, start + offer.length + offer.after
        free = sum(all(e <= low or s >= high for s, e in one) for one in taken)
        assert any(s < start < e for s, e in forbidden) == (free < needed), start


def test_shown_times_of_a_crowded_day_can_be_taken(shop: Shop) -> None:
    furnish(shop, 2)
    for clock, provider in (("09:00", 0), ("09:15", 1), ("11:00", 2), ("11:30", 0), ("15:00", 1)):
        book(shop, clock, provider)
    shown = starts(shop)
    grid = [shop.at("09:00") + timedelta(minutes=15 * n) for n in range(36)]

    async def tries() -> set[datetime]:
        could = set()
        async with shop.connection() as connection:
            for start in grid:
                request = BookRequest(
                    service_id=shop.services["cut"],
                    location_id=shop.location,
                    starts_at=start,
                    client=Contact(name="Ana"),
                )
                try:
                    async with connection.transaction(force_rollback=True):
                        await bookings.book(connection, shop.app, SYSTEM_ACTOR, request)
                        could.add(start)
                except AppError:
                    continue
        return could

    assert asyncio.run(tries()) == shown
