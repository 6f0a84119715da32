"""The worker's part: photographs that wait."""

from __future__ import annotations

from barberpro_app.kit.database import Database
from barberpro_app.media_processor.service import work
from barberpro_app.media_processor.storage import MediaFolder
from barberpro_app.settings import Settings

NAME, SECONDS = "media", 3.0


async def run(database: Database, settings: Settings) -> int:
    """How many photographs were processed."""
    return await work(database, MediaFolder(settings.media_folder))
