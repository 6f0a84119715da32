"""Periodic work on bookings; each is safe to run at any time, in several processes at once."""

from __future__ import annotations

from barberpro_app.booking import repository
from barberpro_app.kit.database import Database
from barberpro_app.kit.idempotency import prune

_BATCH = 500


async def expire_holds(database: Database) -> int:
    """Marks holds whose time is over as expired; how many. Every minute is often enough: bookings
    and free times do not wait for it."""
    total = 0
    while True:
        async with database.connection() as connection:
            count = await repository.expire_holds(connection, _BATCH)
        total += count
        if count < _BATCH:
            return total


async def prune_idempotency_keys(database: Database) -> int:
    """Forgets answers kept for retries after 24 hours; how many. Hourly."""
    async with database.connection() as connection:
        return await prune(connection)
