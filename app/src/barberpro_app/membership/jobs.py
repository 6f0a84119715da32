"""Periodic work on passes."""

from __future__ import annotations

from barberpro_app.kit.database import Database
from barberpro_app.membership import repository

NAME, SECONDS = "expire_passes", 600.0
_BATCH = 200


async def run(database: Database) -> int:
    """Closes periods whose time is over; how many."""
    total = 0
    while True:
        async with database.connection() as connection:
            count = await repository.expire(connection, _BATCH)
        total += count
        if count < _BATCH:
            return total
