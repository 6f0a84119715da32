"""The gallery: a page of pairs, one page per professional, and a page per pair that can be shared."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.kit.errors import NotFoundError
from barberpro_app.portfolio import service
from barberpro_app.web.forms import parse_key
from barberpro_app.web.rendering import Reader, page, reader_of

router = APIRouter(include_in_schema=False)


@router.get("/galeria")
async def gallery(
    request: Request,
    profesional: str = "",
    desde: str = "",
    reader: Reader = Depends(reader_of),
) -> Response:
    """Twelve pairs; the next page by a link."""
    provider, after = parse_key(profesional), parse_key(desde)
    if (profesional and provider is None) or (desde and after is None):
        raise NotFoundError
    async with reader.database.connection() as connection:
        found = await service.gallery(connection, provider, after)
    query = {"profesional": profesional} if profesional else {}
    following = f"/galeria?{urlencode({**query, 'desde': found.next})}" if found.next else ""
    return page(
        request, reader, "portfolio/gallery.html",
        items=found.items, following=following, chosen=provider,
    )  # fmt: skip


@router.get("/galeria/{item_id}")
async def item(request: Request, item_id: str, reader: Reader = Depends(reader_of)) -> Response:
    """One pair, with what networks read when its address is shared (ogp.me)."""
    key = parse_key(item_id)
    if key is None:
        raise NotFoundError
    async with reader.database.connection() as connection:
        shown = await service.published(connection, key)
    jpegs = [part for part in shown.after if part.media_type == "image/jpeg"]
    return page(
        request, reader, "portfolio/item.html",
        item=shown, card=max(jpegs, key=lambda part: part.width),
        origin=reader.app.public_url.rstrip("/"),
    )  # fmt: skip
