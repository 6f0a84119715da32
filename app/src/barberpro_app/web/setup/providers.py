"""The people who give services: who they are, where, and what they give."""

from __future__ import annotations

import secrets
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.catalog import service as catalog
from barberpro_app.catalog.schemas import OfferTerms
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError
from barberpro_app.location.service import list_locations
from barberpro_app.provider import service
from barberpro_app.provider.schemas import Provider, ProviderDraft, ProviderPatch
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import (
    Field,
    FormPage,
    ListPage,
    Row,
    form_panel,
    key_for,
    list_panel,
)
from barberpro_app.web.setup.schedule import provider_page
from barberpro_app.web.site.forms import Form, parse_key
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(
    include_in_schema=False, dependencies=[Depends(require_scope("providers:write"))]
)
HOME = "/ajustes/profesionales"


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        people = await service.list_providers(connection, inactive=True)
        places = {p.id: p.name for p in await list_locations(connection, inactive=True)}
    t = reader.t
    rows = [
        Row(
            (
                person.name,
                ", ".join(places[key] for key in person.location_ids if key in places),
                person.email or "–",
                t("setup.yes" if person.active else "setup.no"),
            ),
            f"{HOME}/{person.id}",
        )
        for person in people
    ]
    columns = (t("brand.name"), t.word("Locations"), t("details.email"), t("setup.active"))
    what = ListPage(
        t.word("Providers"), columns, rows, add=f"{HOME}/nuevo", add_label=t("setup.add")
    )
    return list_panel(request, reader, what)


async def _new_page(reader: Reader) -> FormPage:
    async with reader.database.connection() as connection:
        places = [(place.id, place.name) for place in await list_locations(connection)]
    t = reader.t
    fields = [
        Field("nombre", t("brand.name"), extra={"maxlength": 120}),
        Field("email", t("details.email"), kind="email", required=False),
        Field("bio", t("provider.bio"), kind="area", required=False),
        Field("sedes", t.word("Locations"), kind="ticks", options=places),
    ]
    return FormPage(t("setup.add"), fields, back=HOME)


def _keys(form: Form, name: str) -> tuple[UUID, ...]:
    return tuple(key for key in map(parse_key, form.several(name)) if key is not None)


@router.get(f"{HOME}/nuevo")
async def new(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    what = await _new_page(reader)
    places = what.fields[-1].options
    form = Form({"sedes": [str(places[0][0])]} if len(places) == 1 else {})
    return form_panel(request, reader, what, form)


@router.post(f"{HOME}/nuevo")
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    name, email = form.text("nombre", most=120), form.email("email", required=False)
    bio = form.text("bio", most=1000, required=False, lines=True)
    places = _keys(form, "sedes")
    if not places:
        form.refuse("sedes", "error.choice")
    if not form.ok:
        return form_panel(request, reader, await _new_page(reader), form)
    draft = ProviderDraft(
        key=key_for(name, secrets.token_hex(3)),
        name=name,
        email=email or None,
        bio=bio,
        location_ids=places,
    )
    async with reader.database.transaction() as connection:
        made = await service.create_provider(connection, actor(request, reader.principal), draft)
    return see(f"{HOME}/{made.id}?hecho=1")


async def _filled(connection: Connection, person: Provider) -> Form:
    given = await catalog.list_services(connection, inactive=True)
    form = Form.empty(
        nombre=person.name,
        email=person.email,
        bio=person.bio,
        activo="1" if person.active else None,
        version=person.version,
    )
    form.values["sedes"] = [str(key) for key in person.location_ids]
    form.values["servicios"] = [
        str(item.id)
        for item in given
        if any(offer.provider_id == person.id for offer in item.offered_by)
    ]
    return form


@router.get(HOME + "/{provider_id}")
async def show(
    request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    async with reader.database.connection() as connection:
        person = await service.get_provider(connection, provider_id)
        form = await _filled(connection, person)
    return await provider_page(request, reader, provider_id, form)


@router.post(HOME + "/{provider_id}")
async def change(
    request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    places = _keys(form, "sedes")
    if not places:
        form.refuse("sedes", "error.choice")
    patch = ProviderPatch(
        version=form.version() or 1,
        name=form.text("nombre", most=120) or None,
        email=form.email("email", required=False) or None,
        bio=form.text("bio", most=1000, required=False, lines=True),
        active=form.flag("activo"),
        location_ids=places,
    )
    if not form.ok:
        return await provider_page(request, reader, provider_id, form)
    try:
        await _save(request, reader, provider_id, patch, set(_keys(form, "servicios")))
    except AppError as error:
        return await provider_page(request, reader, provider_id, form, error)
    return see(f"{HOME}/{provider_id}?hecho=1")


async def _save(
    request: Request, reader: Reader, provider_id: UUID, patch: ProviderPatch, wanted: set[UUID]
) -> None:
    """The provider and what they give, in one transaction; own terms of what stays are kept."""
    who = actor(request, reader.principal)
    async with reader.database.transaction() as connection:
        await service.update_provider(connection, who, provider_id, patch)
        for item in await catalog.list_services(connection, inactive=True):
            gives = any(offer.provider_id == provider_id for offer in item.offered_by)
            if item.id in wanted and not gives:
                await catalog.set_offer(connection, who, item.id, provider_id, OfferTerms())
            elif gives and item.id not in wanted:
                await catalog.remove_offer(connection, who, item.id, provider_id)
