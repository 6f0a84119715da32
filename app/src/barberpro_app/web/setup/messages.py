"""Messages that could not be delivered, to send again."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.notification import service
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:write"))])
HOME = "/ajustes/mensajes"


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        failed = await service.list_messages(connection, "failed", limit=service.MOST)
    return panel(request, reader, "messages", reader.t("messages.title"), items=failed.items)


@router.post(HOME + "/{message_id}/reintentar")
async def again(
    request: Request, message_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await service.send_again(connection, actor(request, reader.principal), message_id)
    return see(f"{HOME}?hecho=1")
