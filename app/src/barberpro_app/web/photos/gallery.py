"""The gallery: a page of pairs, one page per professional, and a page per pair that can be shared."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.brand import card
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.kit.replica import read
from barberpro_app.media_processor.endpoints import folder_of
from barberpro_app.media_processor.schemas import MediaVariant
from barberpro_app.portfolio import service
from barberpro_app.web.parts.booking_view import in_language
from barberpro_app.web.site.forms import parse_key
from barberpro_app.web.site.rendering import Reader, page, reader_of
from barberpro_app.web.site.share import shared

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
    found = await read(request, lambda connection: service.gallery(connection, provider, after))
    query = {"profesional": profesional} if profesional else {}
    following = f"/galeria?{urlencode({**query, 'desde': found.next})}" if found.next else ""
    return page(
        request, reader, "portfolio/gallery.html",
        items=found.items, following=following, chosen=provider,
        share=shared(
            reader, "/galeria" + (f"?{urlencode(query)}" if query else ""),
            f"{reader.t('portfolio.title')} · {reader.app.brand.name}",
            item=found.items[0].id if found.items else None,
        ),
    )  # fmt: skip


@router.get("/galeria/{item_id}")
async def item(request: Request, item_id: str, reader: Reader = Depends(reader_of)) -> Response:
    """One pair, with what networks read when its address is shared (ogp.me)."""
    key = parse_key(item_id)
    if key is None:
        raise NotFoundError
    async with reader.database.connection() as connection:
        shown = await service.published(connection, key)
    name = in_language(shown.service_name, reader.locale, reader.app.locale)
    title = f"{name} · {shown.provider_name}"
    return page(
        request, reader, "portfolio/item.html", item=shown,
        share=shared(reader, f"/galeria/{shown.id}", title, item=shown.id, alt=shown.after_alt),
    )  # fmt: skip


@router.get("/compartir/trabajo/{name}")
async def pair_card(request: Request, name: str, reader: Reader = Depends(reader_of)) -> Response:
    """A published pair side by side, as networks show it. Kept by caches for minutes alone: a client
    may withdraw the consent at any time."""
    key = parse_key(name.removesuffix(".jpg"))
    if key is None:
        raise NotFoundError
    async with reader.database.connection() as connection:
        shown = await service.published(connection, key)
    folder = folder_of(request)

    def drawn() -> bytes:
        parts = [
            folder.published(_largest(variants).name) for variants in (shown.before, shown.after)
        ]
        return card.of_photographs(parts, reader.app.brand.accent_color)

    content = await asyncio.to_thread(drawn)
    headers = {"Cache-Control": "public, max-age=300"}
    return Response(content, media_type="image/jpeg", headers=headers)


def _largest(variants: list[MediaVariant]) -> MediaVariant:
    jpegs = [part for part in variants if part.media_type == "image/jpeg"]
    return max(jpegs, key=lambda part: part.width)
