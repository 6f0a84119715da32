"""The worker's part: calendars, while somebody has connected one."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

from barberpro_app.kit.database import Database
from barberpro_app.kit.metrics import Metrics
from barberpro_app.settings import Settings

NAME, SECONDS = "calendars", 2.0
SWEEP_NAME, SWEEP_SECONDS = "calendar_conflicts", 30.0
#: A connection whose calendar nobody chose.
KEEP_CHOOSING = timedelta(hours=1)


class CalendarJobs:
    """Loads what talks to calendars only once there is one."""

    def __init__(self, settings: Settings, database: Database, metrics: Metrics) -> None:
        self._settings = settings
        self._database = database
        self._metrics = metrics
        self._worker: Any = None

    async def run(self) -> int:
        """How many writings and looks were tried. Raises `UnavailableError`."""
        if self._worker is None:
            async with self._database.connection() as connection:
                cursor = await connection.execute(
                    "SELECT 1 FROM calendar_connection WHERE state IN ('active', 'removing') LIMIT 1"
                )
                if await cursor.fetchone() is None:
                    return 0
            module = import_module("barberpro_app.calendar_sync.working")
            self._worker = module.CalendarWorker(self._settings, self._database, self._metrics)
        done: int = await self._worker.run()
        return done

    async def sweep(self) -> int:
        """New conflicts, also those of a booking that was made while an event came in; and leftovers
        of connections that nobody finished."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute("SELECT calendar_find_conflicts() AS found")
            row = await cursor.fetchone()
            await connection.execute(
                "DELETE FROM calendar_connection WHERE state = 'choosing' AND created_at < now() - %s",
                (KEEP_CHOOSING,),
            )
            await connection.execute(
                "DELETE FROM calendar_conflict WHERE state <> 'open'"
                " AND upper(period) < now() - interval '30 days'"
            )
            # what was long ago stays in the calendar as it is
            await connection.execute(
                "DELETE FROM calendar_mirror m USING calendar_entry e"
                " WHERE e.subject_id = m.subject_id AND m.state = 'done' AND e.live"
                " AND e.ends_at < now() - interval '60 days'"
            )
        return row["found"] if row else 0
