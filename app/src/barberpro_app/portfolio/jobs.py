"""The worker's part: files of pairs that may be shown no longer."""

from __future__ import annotations

from barberpro_app.kit.database import Database
from barberpro_app.media_processor.storage import MediaFolder
from barberpro_app.portfolio.service import delete_files
from barberpro_app.settings import Settings

NAME, SECONDS = "portfolio_files", 10.0


async def run(database: Database, settings: Settings) -> int:
    """How many photographs were deleted."""
    return await delete_files(database, MediaFolder(settings.media_folder))
