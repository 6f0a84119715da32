"""A client's cards: stamps, level, until when they are good, and what was spent."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.catalog.service import list_services
from barberpro_app.loyalty import service
from barberpro_app.web.parts.booking_view import in_language
from barberpro_app.web.parts.rewards import card_view
from barberpro_app.web.site.rendering import Reader, page, reader_of, see

router = APIRouter(include_in_schema=False)
HOME = "/mis-premios"


@router.get(HOME)
async def mine(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    client = reader.principal.client_id
    if reader.principal.kind != "client" or client is None:
        return see(f"/entrar?volver={HOME}")
    async with reader.database.connection() as connection:
        found = await service.cards(connection, client)
        spent = await service.rewards_of_client(connection, client)
        names: dict[object, str] = {
            item.id: in_language(item.name, reader.locale, reader.app.locale)
            for item in await list_services(connection, inactive=True)
        }
    cards = [card_view(reader, card, names) for card in found.items]
    return page(request, reader, "rewards/mine.html", cards=cards, found=found, spent=spent)
