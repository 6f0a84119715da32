"""Makes the reminders that are due. Looks at the bookings as they are each time, so nothing has to be
kept in step with them; safe to run in several processes at once, and after any pause."""

from __future__ import annotations

from datetime import timedelta

from barberpro_app.kit.database import Database
from barberpro_app.kit.logging import get_logger
from barberpro_app.reminders import repository

SECONDS = 20.0
#: A reminder that could not be made in time still is within this; an older one would mislead.
LATE = timedelta(hours=3)
_BATCH = 200

log = get_logger(__name__)


async def run(database: Database) -> int:
    """How many were made or dropped."""
    total = 0
    async with database.connection() as connection:
        rules = await repository.active_rules(connection)
    for rule in rules:
        while True:
            async with database.connection() as connection:
                made, dropped = await repository.make(connection, rule, LATE, _BATCH)
            total += made + dropped
            if dropped:
                log.warning("reminders_too_late", rule_id=str(rule), number=dropped)
            if made + dropped < _BATCH:
                break
    return total


async def prune(database: Database) -> int:
    async with database.connection() as connection:
        return await repository.prune(connection)
