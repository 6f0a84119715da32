"""Whatever path takes a time, one caller gets it: many connections to a real server at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from support_race import PATHS, Arena, Attempt, attempts_of, race, takers
from support_shop import Shop, staff

from barberpro_app.booking import service
from barberpro_app.booking.errors import HoldExpiredError, SlotTakenError
from barberpro_app.booking.schemas import Booking, BookRequest, Contact
from barberpro_app.kit.errors import AppError
from barberpro_app.kit.idempotency import idempotency_key

CLIENTS, ROUNDS = 40, 3


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
