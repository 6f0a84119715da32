"""The address where clients book: to share, and as a poster and a code to print."""

from __future__ import annotations

import asyncio
from importlib import import_module
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.brand import service
from barberpro_app.brand.colours import hexadecimal, nearest_readable, parse
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit import qr
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.location.schemas import Location
from barberpro_app.location.service import list_locations
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.forms import parse_key
from barberpro_app.web.site.rendering import Reader, reader_of

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:read"))])
HOME = "/ajustes/cartel"
KINDS = {"pdf": "application/pdf", "png": "image/png", "svg": "image/svg+xml"}


def address_of(reader: Reader, place: Location | None = None) -> str:
    """Where one books, at one place if it is given."""
    base = f"{reader.app.public_url.rstrip('/')}/"
    return f"{base}?sede={place.id}" if place else base


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        places = await list_locations(connection)
    address = address_of(reader)
    return panel(
        request, reader, "poster", reader.t("poster.title"), address=address,
        code=qr.svg(address, reader.t("poster.code")), places=places if len(places) > 1 else [],
        invitation=reader.t("poster.share", brand=reader.app.brand.name, url=address),
    )  # fmt: skip


@router.get(HOME + ".{kind}")
async def file(
    request: Request, kind: str, sede: str = "", reader: Reader = Depends(reader_of)
) -> Response:
    """The poster (`pdf`) or the code alone; `sede` for one place."""
    if kind not in KINDS:
        raise NotFoundError
    async with reader.database.connection() as connection:
        place = _place(await list_locations(connection), parse_key(sede)) if sede else None
        drawn = reader.site.images.get("logo")
        logo = await service.image(connection, drawn.name) if drawn and kind == "pdf" else b""
    content = await asyncio.to_thread(_content, reader, kind, place, logo)
    name = f"cartel-{reader.app.deployment_id}{f'-{place.key}' if place else ''}.{kind}"
    return Response(
        content,
        media_type=KINDS[kind],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def _place(places: list[Location], wanted: UUID | None) -> Location:
    for place in places:
        if place.id == wanted:
            return place
    raise NotFoundError


def _content(reader: Reader, kind: str, place: Location | None, logo: bytes) -> bytes:
    address = address_of(reader, place)
    brand = reader.app.brand
    if kind != "pdf":
        colour = hexadecimal(nearest_readable(parse(brand.primary_color)))
        return qr.file(address, kind, colour, reader.t("poster.code"))
    poster = import_module("barberpro_app.brand.poster")  # loads the library of PDF
    t = reader.t
    contact = [place.address if place else "", brand.contact_phone, brand.contact_email]
    content: bytes = poster.render(
        poster.Poster(
            language=reader.locale,
            name=f"{brand.name} · {place.name}" if place else brand.name,
            title=t("services.title"),
            text=brand.tagline or t("services.lead"),
            steps=[t("poster.step.1"), t("poster.step.2"), t("poster.step.3")],
            address=address,
            foot=" · ".join(part for part in contact if part),
            colour=brand.primary_color,
            logo=logo,
        )
    )
    return content
