"""Whatever path takes a time, one caller gets it: many connections to a real server at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, staff

from barberpro_app.booking import service
from barberpro_app.booking.errors import HoldExpiredError, SlotTakenError
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
from barberpro_app.kit.database import Database
from barberpro_app.kit.errors import AppError
from barberpro_app.kit.idempotency import idempotency_key

CLIENTS, ROUNDS = 40, 3
Attempt = Callable[[int], Awaitable[Booking]]


class Arena:
    """One provider's time, and the ways to take it."""

    def __init__(self, shop: Shop, database: Database) -> None:
        self.shop = shop
        self.database = database
        self.provider = shop.providers[0]

    def _wish(self, starts_at: datetime, **more: object) -> dict[str, object]:
        return {
            "service_id": self.shop.services["solo"],
            "location_id": self.shop.location,
            "starts_at": starts_at,
            **more,
        }

    async def hold(self, starts_at: datetime) -> Booking:
        async with self.database.connection() as connection:
            request = HoldRequest(**self._wish(starts_at, provider_id=self.provider))
            return await service.hold(connection, self.shop.app, ANONYMOUS_ACTOR, request)

    async def book(self, starts_at: datetime, number: int, **more: object) -> Booking:
        wish = self._wish(starts_at, provider_id=self.provider) | more
        request = BookRequest(
            **wish, client=Contact(name=f"Client {number}", email=f"c{number}@race.example")
        )
        async with self.database.connection() as connection:
            return await service.book(connection, self.shop.app, staff(), request)

    async def confirm(self, hold_id: UUID, number: int) -> Booking:
        request = ConfirmRequest(client=Contact(name=f"C{number}", email=f"c{number}@race.example"))
        async with self.database.connection() as connection:
            return await service.confirm(
                connection, self.shop.app, ANONYMOUS_ACTOR, hold_id, request
            )

    async def reschedule(self, booking_id: UUID, starts_at: datetime) -> Booking:
        request = RescheduleRequest(starts_at=starts_at)
        async with self.database.connection() as connection:
            return await service.reschedule(connection, self.shop.app, staff(), booking_id, request)

    async def cancel(self, booking_id: UUID) -> Booking:
        async with self.database.connection() as connection:
            return await service.cancel(
                connection, self.shop.app, SYSTEM_ACTOR, booking_id, CancelRequest()
            )

    async def take_back(self, booking_id: UUID) -> Booking:
        async with self.database.connection() as connection:
            return await service.set_status(
                connection, staff(), booking_id, StatusRequest(status="confirmed")
            )

    async def elsewhere(self, number: int) -> Booking:
        """A booking of the same provider at a time of its own, at any hour."""
        starts_at = self.shop.at("00:00") + timedelta(days=20, hours=number)
        return await self.book(starts_at, number, override_reason="arranged")

    async def cancelled_at(self, starts_at: datetime, number: int) -> Booking:
        return await self.cancel((await self.book(starts_at, number)).id)

    async def expired_hold_at(self, starts_at: datetime) -> Booking:
        hold = await self.hold(starts_at)
        self.shop.rows(
            "WITH b AS (UPDATE booking SET hold_expires_at = now() - interval '1 s' WHERE id = %s)"
            " UPDATE occupancy SET expires_at = now() - interval '1 s' WHERE booking_id = %s",
            hold.id,
            hold.id,
        )
        return hold


async def attempts_of(path: str, arena: Arena, starts_at: datetime, clients: int) -> list[Attempt]:
    """What each client does; arranged beforehand, so that they only race."""
    if path == "hold":
        return [lambda _: arena.hold(starts_at)] * clients
    if path == "book":
        return [lambda number: arena.book(starts_at, number)] * clients
    if path == "any provider":
        return [lambda number: arena.book(starts_at, number, provider_id=None)] * clients
    if path == "override":
        return [lambda number: arena.book(starts_at, number, override_reason="regular")] * clients
    if path == "reschedule":
        moved = [await arena.elsewhere(number) for number in range(clients)]
        return [lambda number: arena.reschedule(moved[number].id, starts_at)] * clients
    if path == "take back":
        gone = [await arena.cancelled_at(starts_at, number) for number in range(clients)]
        return [lambda number: arena.take_back(gone[number].id)] * clients
    assert path == "confirm"
    holds = [await arena.expired_hold_at(starts_at) for _ in range(clients - 1)]
    holds.append(await arena.hold(starts_at))
    return [lambda number: arena.confirm(holds[number].id, number)] * clients


async def race(attempts: list[Attempt]) -> tuple[list[Booking], list[BaseException]]:
    """All at once; winners and what the others got."""
    started = asyncio.Event()

    async def run(number: int) -> Booking:
        await started.wait()
        return await attempts[number](number)

    tasks = [asyncio.create_task(run(number)) for number in range(len(attempts))]
    await asyncio.sleep(0)
    started.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    winners = [result for result in results if isinstance(result, Booking)]
    return winners, [result for result in results if isinstance(result, BaseException)]


def takers(shop: Shop, starts_at: datetime) -> list[tuple[object, ...]]:
    return shop.rows(
        "SELECT b.id FROM occupancy o JOIN booking b ON b.id = o.booking_id"
        " WHERE o.active AND o.resource_id = %s AND o.period @> %s::timestamptz"
        " AND b.status IN ('held', 'confirmed')",
        shop.providers[0],
        starts_at,
    )


PATHS = ("hold", "book", "any provider", "override", "reschedule", "take back", "confirm")


@pytest.mark.parametrize("path", PATHS)
def test_one_of_many_wins_the_time(shop: Shop, path: str) -> None:
    async def rounds() -> None:
        async with shop.database(CLIENTS) as database:
            arena = Arena(shop, database)
            for number in range(ROUNDS):
                starts_at = shop.at("09:00") + timedelta(days=number)
                attempts = await attempts_of(path, arena, starts_at, CLIENTS)
                winners, losers = await race(attempts)
                assert len(winners) == 1, [str(loser) for loser in losers[:3]]
                refusal = HoldExpiredError if path == "confirm" else SlotTakenError
                assert {type(loser) for loser in losers} == {refusal}
                assert takers(shop, starts_at) == [(winners[0].id,)]
                if path == "reschedule":
                    shop.rows("DELETE FROM booking WHERE starts_at > %s", shop.at("23:00"))

    for offset in range(ROUNDS):
        shop.rows("INSERT INTO holiday_override VALUES (%s, true)", shop.day + timedelta(offset))
    asyncio.run(rounds())


def test_one_wins_when_every_path_is_tried_at_once(shop: Shop) -> None:
    async def mixed() -> None:
        async with shop.database(CLIENTS) as database:
            arena = Arena(shop, database)
            starts_at = shop.at("11:00")
            each: list[Attempt] = []
            # arranged one after the other, while nobody holds the time
            for path in ("take back", "reschedule", "hold", "book", "any provider", "override"):
                prepared = await attempts_of(path, arena, starts_at, 6)
                each += [
                    lambda _, attempt=attempt, number=number: attempt(number)
                    for number, attempt in enumerate(prepared)
                ]
            winners, losers = await race(each)
            assert len(winners) == 1
            assert {type(loser) for loser in losers} == {SlotTakenError}
            assert takers(shop, starts_at) == [(winners[0].id,)]

    asyncio.run(mixed())


def test_any_provider_fails_only_when_nobody_is_free(shop: Shop) -> None:
    async def crowd() -> None:
        async with shop.database(CLIENTS) as database:
            arena = Arena(shop, database)
            cut = {"service_id": shop.services["cut"], "provider_id": None}
            attempts: list[Attempt] = [
                lambda number: arena.book(shop.at("10:00"), number, **cut)
            ] * CLIENTS
            winners, losers = await race(attempts)
            assert {winner.provider.id for winner in winners} == set(shop.providers)
            assert len(winners) == len(shop.providers)
            assert {type(loser) for loser in losers} == {SlotTakenError}

    asyncio.run(crowd())


def test_neighbours_that_meet_the_buffers_do_not_both_fit(shop: Shop) -> None:
    """Overlapping wishes at different starts, for which no two callers name the same time."""

    async def crowd() -> None:
        async with shop.database(CLIENTS) as database:
            arena = Arena(shop, database)
            wishes = [shop.at("14:00") + timedelta(minutes=15 * (n % 8)) for n in range(CLIENTS)]
            cut = {"service_id": shop.services["cut"]}
            attempts: list[Attempt] = [lambda number: arena.book(wishes[number], number, **cut)]
            winners, losers = await race(attempts * CLIENTS)
            assert all(isinstance(loser, SlotTakenError) for loser in losers)
            starts = sorted(winner.starts_at for winner in winners)
            gaps = [later - earlier for earlier, later in pairwise(starts)]
            assert starts
            assert all(gap >= timedelta(minutes=40) for gap in gaps)

    asyncio.run(crowd())


def test_concurrent_duplicates_of_one_request_make_one_booking(shop: Shop) -> None:
    async def duplicates() -> None:
        async with shop.database(20) as database:
            request = BookRequest(
                service_id=shop.services["cut"],
                location_id=shop.location,
                starts_at=shop.at("15:00"),
                client=Contact(name="Ana", email="ana@race.example"),
            )
            key = idempotency_key("staff:7", "key-1", "book", request.model_dump(mode="json"))

            async def book(_: int) -> Booking:
                async with database.connection() as connection:
                    return await service.book(connection, shop.app, staff(), request, key)

            winners, losers = await race([book] * 20)
            assert losers == []
            assert len({winner.model_dump_json() for winner in winners}) == 1
            assert shop.rows("SELECT count(*) FROM booking") == [(1,)]

            changed = request.model_copy(update={"note": "other"})
            other = idempotency_key("staff:7", "key-1", "book", changed.model_dump(mode="json"))
            async with database.connection() as connection:
                with pytest.raises(AppError) as refused:
                    await service.book(connection, shop.app, staff(), changed, other)
            assert (refused.value.status, refused.value.code) == (422, "idempotency_key_reused")

    asyncio.run(duplicates())
