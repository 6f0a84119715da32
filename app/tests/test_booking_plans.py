"""What a booking reads does not grow with the bookings that are there."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from support_shop import SYSTEM_ACTOR, Shop

from barberpro_app.booking import service
from barberpro_app.booking.schemas import BookRequest, Contact
from barberpro_app.kit.database import Connection
from barberpro_app.kit.idempotency import IdempotencyKey

GROWING = ["audit_event", "booking", "client", "idempotency", "message", "occupancy"]


async def rows_read_whole(connection: Connection) -> dict[str, int]:
    """table -> rows that came of reading all of it, in this database so far."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    cursor = await connection.execute(
        "SELECT relname, seq_tup_read FROM pg_stat_user_tables WHERE relname = ANY (%s)",
        [GROWING],
    )
    return {row["relname"]: row["seq_tup_read"] for row in await cursor.fetchall()}


def test_a_plan_made_while_tables_were_empty_does_not_read_them_whole_later(shop: Shop) -> None:
    async def story() -> None:
        async with shop.connection() as connection:
            # the planner knows now that there is next to nothing, and its plans are kept
            await connection.execute("ANALYZE")
            before = await rows_read_whole(connection)
            for number in range(8):
                request = BookRequest(
                    service_id=shop.services["cut"],
                    location_id=shop.location,
                    starts_at=shop.at("10:00") + timedelta(hours=number // 3),
                    provider_id=shop.providers[number % 3],
                    client=Contact(name="Ana", email=f"ana{number}@plans.example"),
                )
                key = IdempotencyKey("plans", str(number), "")
                await service.book(connection, shop.app, SYSTEM_ACTOR, request, key)
            assert await rows_read_whole(connection) == before

    asyncio.run(story())


def test_whatever_keeps_an_idempotency_key_plans_so(shop: Shop) -> None:
    async def story() -> None:
        async with shop.connection() as connection:
            cursor = await connection.execute(
                "SELECT proname, 'enable_seqscan=off' = ANY (coalesce(proconfig, '{}')) AS indexes"
                " FROM pg_proc WHERE prosrc LIKE '%idempotency\\_begin(p\\_key)%'"
            )
            found = {row["proname"]: row["indexes"] for row in await cursor.fetchall()}
            assert found["visit_book"]
            assert all(found.values()), found

    asyncio.run(story())
