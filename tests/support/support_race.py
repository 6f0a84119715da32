"""Ways to take one provider's time, and many callers who try them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, staff

from barberpro_app.booking import service
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

PATHS = ("hold", "book", "any provider", "override", "reschedule", "take back", "confirm")
Attempt = Callable[[int], Awaitable[Booking]]


class Arena:
    """One provider's time, and the ways to take it."""

    def __init__(self, shop: Shop, database: Database) -> None:
        self.shop = shop
        self.database = database
        self.provider = shop.providers[0]
        #: Bookings elsewhere, which a next race may move again.
        self.elsewheres: list[Booking] = []

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
        while len(arena.elsewheres) < clients:
            arena.elsewheres.append(await arena.elsewhere(len(arena.elsewheres)))
        moved = arena.elsewheres
        return [lambda number: arena.reschedule(moved[number].id, starts_at)] * clients
    if path == "take back":
        gone = [await arena.cancelled_at(starts_at, number) for number in range(clients)]
        return [lambda number: arena.take_back(gone[number].id)] * clients
    assert path == "confirm"
    holds = [await arena.expired_hold_at(starts_at) for _ in range(clients - 1)]
    holds.append(await arena.hold(starts_at))
    return [lambda number: arena.confirm(holds[number].id, number)] * clients


async def at_once(attempts: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """All at once; what each got, an exception included."""
    started = asyncio.Event()

    async def run(attempt: Callable[[], Awaitable[Any]]) -> Any:
        await started.wait()
        return await attempt()

    tasks = [asyncio.create_task(run(attempt)) for attempt in attempts]
    await asyncio.sleep(0)
    started.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def race(attempts: list[Attempt]) -> tuple[list[Booking], list[BaseException]]:
    """All at once; winners and what the others got."""
    results = await at_once([partial(attempt, number) for number, attempt in enumerate(attempts)])
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
