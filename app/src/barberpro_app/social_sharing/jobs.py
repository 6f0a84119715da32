"""The worker's part: posts that are due."""

from __future__ import annotations

from barberpro_app.kit.database import Database
from barberpro_app.settings import Settings
from barberpro_app.social_sharing.service import work

NAME, SECONDS = "social_posts", 5.0


async def run(database: Database, settings: Settings) -> int:
    """How many steps were made."""
    return await work(database, settings)
