"""The first page of the settings: what there is, in groups."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.web.parts.opening_card import progress
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.rendering import Reader, reader_of

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:read"))])


@router.get("/ajustes")
async def start(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        steps = await progress(connection, reader)
    return panel(request, reader, "start", reader.t("nav.settings"), opening=steps)
