"""Reminds an owner of the first steps, until these have ended."""

from __future__ import annotations

from barberpro_app.kit.database import Connection
from barberpro_app.opening import service
from barberpro_app.opening.schemas import Opening
from barberpro_app.web.site.rendering import Reader


async def progress(connection: Connection, reader: Reader) -> Opening | None:
    """Where the owner stands; None for anybody else, and once the steps have ended."""
    if not reader.principal.has_role("owner"):
        return None
    opening = await service.get_opening(connection, reader.app)
    return None if opening.ended else opening
