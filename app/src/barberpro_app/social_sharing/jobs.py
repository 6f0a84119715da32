"""The worker's part: posts that are due, and the token."""

from __future__ import annotations

from barberpro_app.kit.database import Database
from barberpro_app.settings import Settings
from barberpro_app.social_sharing import account
from barberpro_app.social_sharing.posting import work

NAME, SECONDS = "social_posts", 5.0


async def run(database: Database, settings: Settings) -> int:
    """How many steps were made."""
    return await account.renew(database, settings) + await work(database, settings)
