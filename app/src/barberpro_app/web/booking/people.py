"""Who works here and what is offered, as pages of their own that can be shared."""

from __future__ import annotations

import asyncio
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.brand import card
from barberpro_app.brand import service as brands
from barberpro_app.catalog.schemas import Service
from barberpro_app.catalog.service import list_services
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.location.service import list_locations
from barberpro_app.portfolio import repository as portfolio
from barberpro_app.portfolio.schemas import PublicItem
from barberpro_app.provider.schemas import Provider
from barberpro_app.provider.service import list_providers
from barberpro_app.web.parts import offer
from barberpro_app.web.parts.booking_view import in_language
from barberpro_app.web.site.forms import parse_key
from barberpro_app.web.site.rendering import Reader, page, reader_of
from barberpro_app.web.site.share import shared

router = APIRouter(include_in_schema=False)
#: Pairs of photographs that a page shows before it links to the gallery.
SHOWN = 4


@router.get("/profesionales")
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        people = await list_providers(connection)
        places = {place.id: place.name for place in await list_locations(connection)}
    title = reader.t.word("Providers")
    return page(
        request, reader, "people/every.html", people=people, places=places,
        share=shared(reader, "/profesionales", f"{title} · {reader.app.brand.name}"),
    )  # fmt: skip


@router.get("/profesionales/{provider_id}")
async def person(
    request: Request, provider_id: str, reader: Reader = Depends(reader_of)
) -> Response:
    """A person: about, where, what they give, their published work. Raises `NotFoundError`."""
    key = parse_key(provider_id)
    async with reader.database.connection() as connection:
        people = await list_providers(connection)
        found = next((item for item in people if item.id == key), None)
        if found is None:
            raise NotFoundError
        services = await list_services(connection)
        places = [
            item for item in await list_locations(connection) if item.id in found.location_ids
        ]
        work = await _work(connection, reader, provider=found.id)
    given = [
        offer.offered(reader, item, found.id)
        for item in services
        if any(who.provider_id == found.id for who in item.offered_by)
    ]
    path = f"/profesionales/{found.id}"
    title = f"{found.name} · {reader.app.brand.name}"
    return page(
        request, reader, "people/person.html",
        person=found, services=given if places else [], places=places, items=work[:SHOWN],
        more=len(work) > SHOWN,
        share=shared(reader, path, title, found.bio, item=work[0].id if work else None),
    )  # fmt: skip


@router.get("/servicios/{service_id}")
async def service(
    request: Request, service_id: str, reader: Reader = Depends(reader_of)
) -> Response:
    """A service: how long, at what price, by whom, published work. Raises `NotFoundError`."""
    key = parse_key(service_id)
    async with reader.database.connection() as connection:
        services = await list_services(connection)
        found = next((item for item in services if item.id == key), None)
        people = await list_providers(connection, service_id=key) if found else []
        if found is None or not people:
            raise NotFoundError
        places = await list_locations(connection)
        work = await _work(connection, reader, service=found.id)
    shown = offer.offered(reader, found, None)
    title = f"{shown.name} · {reader.app.brand.name}"
    return page(
        request, reader, "people/service.html",
        service=shown, people=people, prices=_prices(found, people),
        places=[item for item in places if any(item.id in who.location_ids for who in people)],
        items=work[:SHOWN],
        share=shared(reader, f"/servicios/{found.id}", title,
                     shown.description or in_language(found.description, reader.locale, ""),
                     item=work[0].id if work else None),
    )  # fmt: skip


def _prices(found: Service, people: list[Provider]) -> dict[UUID, int]:
    known = {item.provider_id: item.price_centavos for item in found.offered_by}
    return {who.id: known[who.id] for who in people if who.id in known}


async def _work(
    connection: Connection,
    reader: Reader,
    *,
    provider: UUID | None = None,
    service: UUID | None = None,
) -> list[PublicItem]:
    """Published pairs, one more than are shown; none where there is no gallery."""
    if "portfolio-service" not in reader.app.services:
        return []
    rows = await portfolio.gallery(connection, SHOWN + 1, provider=provider, service=service)
    return [PublicItem.model_validate(row) for row in rows]


@router.get("/compartir/marca.png")
async def brand_card(reader: Reader = Depends(reader_of)) -> Response:
    """The picture of addresses that have none of their own."""
    brand, logo = reader.app.brand, reader.site.images.get("logo")
    content = None
    if logo is not None:
        async with reader.database.connection() as connection:
            content = await brands.image(connection, logo.name)
    drawn = await asyncio.to_thread(
        card.of_brand, brand.name, brand.primary_color, brand.accent_color, content
    )
    return Response(
        drawn, media_type="image/png", headers={"Cache-Control": "public, max-age=3600"}
    )
