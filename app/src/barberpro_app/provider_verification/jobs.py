"""Periodic work on licences."""

from __future__ import annotations

from barberpro_app.kit.database import Database
from barberpro_app.provider_verification.service import expire_licences

NAME, SECONDS = "expire_licences", 3600.0


async def run(database: Database) -> int:
    return await expire_licences(database)
