"""A booking made by the team for somebody who calls or walks in, of one service or of several."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import BookRequest, Contact
from barberpro_app.catalog.schemas import Service
from barberpro_app.catalog.service import list_services
from barberpro_app.client.schemas import Client
from barberpro_app.client.service import get_client
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.location.schemas import Location
from barberpro_app.location.service import list_locations
from barberpro_app.provider.schemas import Provider
from barberpro_app.visit import service as visits
from barberpro_app.visit.schemas import LineRequest, VisitBookRequest
from barberpro_app.web.parts import picker
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.parts.choosing import MOST_SERVICES, Wish, times_of
from barberpro_app.web.parts.picker import Hour
from barberpro_app.web.parts.team import people_for
from barberpro_app.web.site.forms import Form, parse_day, parse_key
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("bookings:write"))])
NEW = "/agenda/nuevo"


@dataclass(frozen=True)
class _Lists:
    """What can be chosen, and what is chosen of it."""

    services: list[Service]
    places: list[Location]
    people: list[Provider]
    wish: Wish | None
    day: date
    hours: list[Hour]
    client: Client | None


@router.get(NEW)
async def start(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    asked = {name: request.query_params.getlist(name) for name in request.query_params}
    return await _page(request, reader, Form(asked))


async def _lists(request: Request, reader: Reader, form: Form) -> _Lists:
    today = reader.fmt.today(clock.now())
    day = parse_day(form.raw("dia")) or today
    day = min(max(day, today - timedelta(days=7)), today + timedelta(days=365))
    async with reader.database.connection() as connection:
        services = [item for item in await list_services(connection) if item.offered_by]
        places = await list_locations(connection)
        people = await people_for(connection, reader.principal)
        wish = _wish(form, services, places, people)
        hours: list[Hour] = []
        if wish is not None:
            found = await times_of(connection, reader, wish, day, 1)
            hours = picker.hours(
                reader.fmt, found.zone, found.days[0].slots, _wanted(reader, form, day)
            )
        known = await _known(connection, request, reader, form)
    return _Lists(services, places, people, wish, day, hours, known)


async def _known(
    connection: Connection, request: Request, reader: Reader, form: Form
) -> Client | None:
    """Who the booking is for, if the page was opened from a client's."""
    key = parse_key(form.raw("cliente"))
    if key is None:
        return None
    try:
        return await get_client(connection, actor(request, reader.principal), key)
    except NotFoundError:
        form.refuse("cliente", "code.not_found")
        return None


def _wish(
    form: Form, services: list[Service], places: list[Location], people: list[Provider]
) -> Wish | None:
    """What is asked for, completed with the first of each list."""
    if not services or not places or not people:
        return None
    provider = next((p for p in people if p.id == parse_key(form.raw("profesional"))), None)
    if provider is None and len(people) == 1:
        provider = people[0]
    here = provider.location_ids if provider else [place.id for place in places]
    wanted = parse_key(form.raw("sede"))
    location_id = wanted if wanted in here else next(iter(here), places[0].id)
    fitting = [
        item
        for item in services
        if provider is None or any(o.provider_id == provider.id for o in item.offered_by)
    ]
    service = next((s for s in fitting if s.id == parse_key(form.raw("servicio"))), None)
    chosen = service or next(iter(fitting), services[0])
    after = _others(form, services) if chosen.capacity == 1 else []
    gives = {item.id: {o.provider_id for o in item.offered_by} for item in services}
    people_of = tuple(
        provider.id if provider and provider.id in gives[key] else None
        for key in (chosen.id, *after)
    )
    return Wish(chosen.id, location_id, provider.id if provider else None, tuple(after), people_of)


def _others(form: Form, services: list[Service]) -> list[UUID]:
    """The services after the first; of a visit none is given to a group."""
    single = {item.id for item in services if item.capacity == 1}
    keys = [parse_key(value) for value in form.several("ademas")]
    return [key for key in keys if key in single][: MOST_SERVICES - 1]


def _wanted(reader: Reader, form: Form, day: date) -> str:
    """The hour that was chosen, or the one whose gap in the agenda was opened."""
    if form.raw("inicio"):
        return form.raw("inicio")
    hour = Form({"hora": form.several("hora") or [""]}).clock("hora", required=False)
    if hour is None:
        return ""
    return picker.instant_value(reader.fmt.instant(day, hour))


async def _page(request: Request, reader: Reader, form: Form, problem: str = "") -> Response:
    lists = await _lists(request, reader, form)
    if lists.wish is not None:
        form.values |= {
            "servicio": [str(lists.wish.service_id)],
            "sede": [str(lists.wish.location_id)],
            "profesional": [str(lists.wish.provider_id or "")],
            "ademas": [str(key) for key in lists.wish.others],
        }
    form.values["dia"] = [lists.day.isoformat()]
    if any(hour.chosen for hour in lists.hours) and not form.problems:
        form.values.pop("hora", None)
    name = reader.app.locale
    return page(
        request,
        reader,
        "staff/new.html",
        409 if problem else 422 if form.problems else 200,
        services=[(s.id, in_language(s.name, reader.locale, name)) for s in lists.services],
        locations=[(place.id, place.name) for place in lists.places],
        providers=[(person.id, person.name) for person in lists.people],
        single={item.id for item in lists.services if item.capacity == 1},
        most=MOST_SERVICES - 1,
        client=lists.client,
        slots=lists.hours,
        day=lists.day,
        form=form,
        problem=problem,
    )


def _start_of(reader: Reader, form: Form) -> tuple[datetime | None, str | None]:
    """The chosen hour, or one outside what is offered with the reason for it."""
    day, hour = form.day("dia"), form.clock("hora", required=False)
    reason = form.text("razon", most=200, required=False)
    if hour is not None and day is not None:
        if not reason:
            form.refuse("razon", "error.reason")
        return reader.fmt.instant(day, hour), reason
    starts_at = picker.parse_instant(form.raw("inicio"))
    if starts_at is None:
        form.refuse("inicio", "error.slot")
    return starts_at, None


def _contact(reader: Reader, form: Form) -> Contact | None:
    if form.raw("cliente"):
        return None
    name = form.text("nombre", most=120)
    phone = form.phone("telefono", country=reader.app.country, required=False)
    email = form.email("email", required=False)
    if not form.ok:
        return None
    return Contact(name=name, email=email or None, phone=phone or None)


@router.post(NEW)
async def add(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    service_id, location_id = form.key("servicio"), form.key("sede")
    starts_at, reason = _start_of(reader, form)
    contact = _contact(reader, form)
    note = form.text("nota", most=500, required=False, lines=True)
    if not form.ok or service_id is None or location_id is None or starts_at is None:
        return await _page(request, reader, form)
    whom: dict[str, object] = {
        "location_id": location_id,
        "starts_at": starts_at,
        "client": contact,
        "client_id": form.key("cliente", required=False),
        "note": note,
        "override_reason": reason,
    }
    try:
        made = await _book(request, reader, form, service_id, whom)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return await _page(request, reader, form, explain(reader, error))
    return see(f"/agenda/reserva/{made}?hecho=agendado")


async def _book(
    request: Request, reader: Reader, form: Form, service_id: UUID, whom: dict[str, object]
) -> UUID:
    """The booking, or the first one of a visit. Raises `AppError`."""
    who = actor(request, reader.principal)
    provider_id = form.key("profesional", required=False)
    async with reader.database.connection() as connection:
        services = await list_services(connection)
        others = _others(form, services)
        if not others:
            asked = BookRequest.model_validate(
                {**whom, "service_id": service_id, "provider_id": provider_id}
            )
            return (await bookings.book(connection, reader.app, who, asked)).id
        gives = {item.id: {o.provider_id for o in item.offered_by} for item in services}
        lines = [
            LineRequest(
                service_id=key,
                provider_id=provider_id if provider_id in gives.get(key, ()) else None,
            )
            for key in (service_id, *others)
        ]
        visit = VisitBookRequest.model_validate({**whom, "lines": lines})
        return (await visits.book(connection, reader.app, who, visit)).lines[0].id
