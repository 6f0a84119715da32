"""The worker's part: stamps whose day has passed."""

from __future__ import annotations

from barberpro_app.kit.database import Database
from barberpro_app.loyalty import repository

NAME, SECONDS = "expire_stamps", 600.0


async def run(database: Database) -> int:
    """How many expired; a card never counts one that is due, whether this ran or not."""
    async with database.transaction() as connection:
        return await repository.expire(connection)
