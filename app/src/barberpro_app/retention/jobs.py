"""Deletes what is over. Each turn is a transaction of its own; safe in several processes."""

from __future__ import annotations

from datetime import timedelta

from barberpro_app.kit.database import Database
from barberpro_app.retention import repository

SECONDS = 21_600.0
#: How long before their body data go people hear of it.
NOTICE = timedelta(days=30)
_BATCH = 100


async def run(database: Database) -> int:
    """How many rows and people. Raises `UnavailableError`."""
    total = 0
    while True:
        async with database.transaction() as connection:
            done = await repository.sweep(connection, NOTICE, _BATCH)
        total += sum(done.values())
        if all(number < _BATCH for number in done.values()):
            return total
