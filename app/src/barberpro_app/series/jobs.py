"""Makes the bookings of series as they come within the time that is booked ahead, reserves credits,
asks for deposits. Looks at what there is each time: safe in several processes and after any pause."""

from __future__ import annotations

from barberpro_app.kit.database import Database
from barberpro_app.series import repository
from barberpro_app.series.service import holidays_ahead
from barberpro_app.settings import AppConfiguration

SECONDS = 300.0
_BATCH = 50
#: Series in one transaction: it takes times and seats in the order of time, so it cannot wait in a ring.
_AT_ONCE = 1


async def run(database: Database, app: AppConfiguration) -> int:
    """How many days were tried, credits reserved and deposits asked for."""
    policies, total = app.policies.model_dump(), 0
    while True:
        async with database.connection() as connection:
            done = await repository.advance(connection, policies, holidays_ahead(app), _AT_ONCE)
        total += done
        if not done:
            break
    async with database.connection() as connection:
        return total + await repository.care(connection, policies, _BATCH)
