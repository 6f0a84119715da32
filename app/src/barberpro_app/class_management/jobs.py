"""Periodic work on classes: the sessions of the coming weeks."""

from __future__ import annotations

from barberpro_app.class_management import repository, service
from barberpro_app.kit.database import Database
from barberpro_app.settings import Settings

NAME, SECONDS = "make_sessions", 1800.0


async def run(database: Database, settings: Settings) -> int:
    """Makes the sessions that are not there yet; how many. Each class in a transaction of its own."""
    async with database.connection() as connection:
        rules = await service.get_rules(connection)
        going = await repository.going(connection)
    until, holidays = service.horizon(settings.app, rules.weeks_ahead)
    made = 0
    for class_id in going:
        async with database.transaction() as connection:
            made += await repository.make_sessions(connection, class_id, until, holidays)
    return made
