"""Periodic work on recordings."""

from __future__ import annotations

from barberpro_app.kit.database import Database
from barberpro_app.session_recording.service import delete_due

NAME, SECONDS = "delete_recordings", 600.0


async def run(database: Database) -> int:
    return await delete_due(database)
