"""Services with duration, buffers and price, in each language."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.catalog import service
from barberpro_app.catalog.schemas import OfferTerms, Service, ServiceDraft, ServicePatch
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.provider.service import list_providers
from barberpro_app.resource import service as resources
from barberpro_app.resource.schemas import Need, Needs
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.setup.common import (
    Field,
    FormPage,
    ListPage,
    Options,
    Row,
    form_panel,
    key_for,
    list_panel,
)
from barberpro_app.web.site.forms import Form, parse_key
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("catalog:write"))])
HOME = "/ajustes/servicios"
LANGUAGES = (("es", "es-AR"), ("en", "en"))
NUMBERS = (("minutos", "minutes", 5, 720), ("antes", "buffer_before", 0, 240),
           ("despues", "buffer_after", 0, 240), ("cupo", "capacity", 1, 500),
           ("orden", "sort", 0, 1_000_000))  # fmt: skip


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        services = await service.list_services(connection, inactive=True)
    t, fmt = reader.t, reader.fmt
    rows = [
        Row(
            (
                in_language(item.name, reader.locale, reader.app.locale),
                fmt.duration(item.minutes),
                fmt.money(item.price_centavos),
                t("setup.yes" if item.active else "setup.no"),
            ),
            f"{HOME}/{item.id}",
        )
        for item in services
    ]
    columns = (t("brand.name"), t("summary.duration"), t("summary.price"), t("setup.active"))
    what = ListPage(
        t.word("Services"), columns, rows, add=f"{HOME}/nuevo", add_label=t("setup.add")
    )
    return list_panel(request, reader, what)


@dataclass(frozen=True)
class _Lists:
    """What the form chooses from."""

    people: Options
    kinds: list[str]
    categories: list[str]


async def _lists(reader: Reader) -> _Lists:
    async with reader.database.connection() as connection:
        people = [(item.id, item.name) for item in await list_providers(connection)]
        kinds = await resources.list_kinds(connection)
        every = await service.list_services(connection, inactive=True)
    used = (in_language(item.category, reader.locale, reader.app.locale) for item in every)
    return _Lists(people, kinds, sorted({name for name in used if name}))


def _hint(reader: Reader, lists: _Lists) -> str:
    known = reader.t("service.category_known", what=", ".join(lists.categories))
    hint = reader.t("service.category_hint")
    return f"{hint} {known}" if lists.categories else hint


def _need(kind: str) -> str:
    """The field of how many of a kind are taken; kinds are any text, names of fields are not."""
    return f"usa_{sha256(kind.encode()).hexdigest()[:10]}"


def _page(reader: Reader, heading: str, lists: _Lists, new: bool) -> FormPage:
    t = reader.t
    needs = [
        Field(
            _need(kind), t("resource.needs", what=kind), kind="number", extra={"min": 0, "max": 5}
        )
        for kind in lists.kinds
    ]
    fields = [
        Field("nombre_es", t("service.name_es"), extra={"maxlength": 120}),
        Field("nombre_en", t("service.name_en"), required=False, extra={"maxlength": 120}),
        Field("descripcion_es", t("service.about_es"), kind="area", required=False),
        Field("descripcion_en", t("service.about_en"), kind="area", required=False),
        Field(
            "categoria_es",
            t("service.category_es"),
            hint=_hint(reader, lists),
            required=False,
            extra={"maxlength": 60},
        ),
        Field("categoria_en", t("service.category_en"), required=False, extra={"maxlength": 60}),
        Field("minutos", t("service.minutes"), kind="number", extra={"min": 5, "max": 720}),
        Field("precio", t("service.price"), extra={"inputmode": "decimal"}),
        Field("antes", t("service.before"), kind="number", extra={"min": 0, "max": 240}),
        Field("despues", t("service.after"), kind="number", extra={"min": 0, "max": 240}),
        Field(
            "cupo",
            t("service.capacity"),
            kind="number",
            hint=t("service.capacity_hint"),
            extra={"min": 1, "max": 500},
        ),
        Field("orden", t("service.order"), kind="number", extra={"min": 0}),
        Field("profesionales", t.word("Providers"), kind="ticks", options=lists.people),
        *needs,
    ]
    if not new:
        fields.append(Field("activo", t("setup.active"), kind="tick"))
    return FormPage(heading, fields, back=HOME)


def _values(form: Form) -> dict[str, Any]:
    names = {locale: form.text(f"nombre_{tag}", most=120, required=tag == "es")
             for tag, locale in LANGUAGES}  # fmt: skip
    about = {locale: form.text(f"descripcion_{tag}", most=1000, required=False, lines=True)
             for tag, locale in LANGUAGES}  # fmt: skip
    groups = {locale: form.text(f"categoria_{tag}", most=60, required=False)
              for tag, locale in LANGUAGES}  # fmt: skip
    values: dict[str, Any] = {
        name: form.integer(field, least=least, most=most) for field, name, least, most in NUMBERS
    }
    values["name"] = {locale: text for locale, text in names.items() if text}
    values["category"] = {locale: text for locale, text in groups.items() if text}
    values["description"] = {locale: text for locale, text in about.items() if text}
    values["price_centavos"] = form.centavos("precio")
    return values


def _chosen(form: Form) -> set[UUID]:
    return {key for key in map(parse_key, form.several("profesionales")) if key is not None}


@router.get(f"{HOME}/nuevo")
async def new(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    lists = await _lists(reader)
    what = _page(reader, reader.t("setup.add"), lists, new=True)
    form = Form.empty(minutos=30, antes=0, despues=0, cupo=1, orden=0)
    form.values |= {_need(kind): ["0"] for kind in lists.kinds}
    return form_panel(request, reader, what, form)


@router.post(f"{HOME}/nuevo")
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values, lists = _values(form), await _lists(reader)
    needs = _needs(form, lists)
    if not form.ok:
        what = _page(reader, reader.t("setup.add"), lists, new=True)
        return form_panel(request, reader, what, form)
    key = key_for(values["name"]["es-AR"], secrets.token_hex(3))
    draft = ServiceDraft(key=key, providers=tuple(sorted(_chosen(form))), **values)
    who = actor(request, reader.principal)
    async with reader.database.transaction() as connection:
        made = await service.create_service(connection, who, draft)
        if needs.items:
            await resources.set_needs(connection, who, made.id, needs)
    return see(f"{HOME}?hecho=1")


def _needs(form: Form, lists: _Lists) -> Needs:
    counts = {
        kind: form.integer(_need(kind), least=0, most=5)
        for kind in lists.kinds
        if form.raw(_need(kind))
    }
    return Needs(items=tuple(Need(kind=k, count=count) for k, count in counts.items() if count))


def _filled(reader: Reader, item: Service, lists: _Lists, needs: list[Need]) -> Form:
    whole = item.price_centavos % 100 == 0
    price = reader.fmt.money(item.price_centavos).split("\u00a0")[-1]
    form = Form.empty(
        nombre_es=item.name.get("es-AR", ""),
        nombre_en=item.name.get("en", ""),
        descripcion_es=item.description.get("es-AR", ""),
        descripcion_en=item.description.get("en", ""),
        categoria_es=item.category.get("es-AR", ""),
        categoria_en=item.category.get("en", ""),
        minutos=item.minutes,
        precio=item.price_centavos // 100 if whole else price,
        antes=item.buffer_before,
        despues=item.buffer_after,
        cupo=item.capacity,
        orden=item.sort,
        activo="1" if item.active else None,
        version=item.version,
    )
    form.values |= {_need(kind): ["0"] for kind in lists.kinds}
    form.values |= {_need(need.kind): [str(need.count)] for need in needs}
    form.values["profesionales"] = [str(offer.provider_id) for offer in item.offered_by]
    return form


@router.get(HOME + "/{service_id}")
async def show(request: Request, service_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        item = await service.get_service(connection, service_id)
        needs = await resources.get_needs(connection, service_id)
    lists = await _lists(reader)
    heading = in_language(item.name, reader.locale, reader.app.locale)
    what = _page(reader, heading, lists, new=False)
    return form_panel(request, reader, what, _filled(reader, item, lists, needs))


@router.post(HOME + "/{service_id}")
async def change(
    request: Request, service_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values, lists = _values(form), await _lists(reader)
    needs = _needs(form, lists)
    heading = values["name"].get("es-AR") or reader.t.word("Service")
    what = _page(reader, heading, lists, new=False)
    if not form.ok:
        return form_panel(request, reader, what, form)
    patch = ServicePatch(version=form.version() or 1, active=form.flag("activo"), **values)
    try:
        await _save(request, reader, service_id, patch, _chosen(form), needs)
    except AppError as error:
        return form_panel(request, reader, what, form, error)
    return see(f"{HOME}?hecho=1")


async def _save(
    request: Request,
    reader: Reader,
    service_id: UUID,
    patch: ServicePatch,
    wanted: set[UUID],
    needs: Needs,
) -> None:
    """The service, who gives it and what it takes, in one transaction; own terms of those who stay
    are kept."""
    who = actor(request, reader.principal)
    async with reader.database.transaction() as connection:
        item = await service.update_service(connection, who, service_id, patch)
        giving = {offer.provider_id for offer in item.offered_by}
        for provider_id in sorted(wanted - giving):
            await service.set_offer(connection, who, service_id, provider_id, OfferTerms())
        for provider_id in sorted(giving - wanted):
            await service.remove_offer(connection, who, service_id, provider_id)
        if sorted(needs.items, key=lambda need: need.kind) != await resources.get_needs(
            connection, service_id
        ):
            await resources.set_needs(connection, who, service_id, needs)
