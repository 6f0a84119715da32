"""Withdrawal requests, to answer."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted
from barberpro_app.withdrawal import service

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:write"))])
HOME = "/ajustes/arrepentimientos"


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        items = await service.latest(connection)
    return panel(request, reader, "withdrawals", reader.t("withdrawals.title"), items=items)


@router.post(HOME + "/{request_id}/respondido")
async def answered(
    request: Request, request_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await service.answer(connection, actor(request, reader.principal), request_id)
    return see(f"{HOME}?hecho=1")
