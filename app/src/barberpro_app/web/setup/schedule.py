"""When a provider works, pauses and is away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.catalog.service import list_services
from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.kit.minutes import text as clock_text
from barberpro_app.location.service import list_locations
from barberpro_app.provider import service
from barberpro_app.provider.schemas import TimeOff, TimeOffDraft, Week, WorkingHours
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.forms import Form, parse_key
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(
    include_in_schema=False, dependencies=[Depends(require_scope("providers:write"))]
)
HOME = "/ajustes/profesionales"
FIELDS = ("desde", "hasta", "pausa_desde", "pausa_hasta")
WEEK = range(1, 8)


@dataclass(frozen=True)
class _WeekDay:
    number: int
    values: dict[str, str]


@dataclass(frozen=True)
class _Place:
    """The table of hours at one location."""

    id: UUID
    name: str
    version: int
    days: list[_WeekDay]


@dataclass(frozen=True)
class _Off:
    start: str
    until: str
    reason: str
    remove: str


async def provider_page(
    request: Request,
    reader: Reader,
    provider_id: UUID,
    form: Form,
    error: AppError | None = None,
) -> Response:
    """Everything about one provider: details, hours per location, times off."""
    who = actor(request, reader.principal)
    async with reader.database.connection() as connection:
        person = await service.get_provider(connection, provider_id)
        week = await service.get_hours(connection, who, provider_id)
        away = await service.list_time_off(connection, who, provider_id=provider_id)
        places = await list_locations(connection)
        services = await list_services(connection, inactive=True)
    here = [place for place in places if place.id in person.location_ids]
    return panel(
        request,
        reader,
        "provider",
        person.name,
        form=form,
        error=error,
        provider_id=provider_id,
        locations=[(place.id, place.name) for place in places],
        services=[
            (item.id, in_language(item.name, reader.locale, reader.app.locale)) for item in services
        ],
        hours=[
            _Place(place.id, place.name, week.version, _table(week.hours, place.id, form))
            for place in here
        ],
        off=[_off(reader, item) for item in away],
    )


def _table(hours: Iterable[WorkingHours], location_id: UUID, form: Form) -> list[_WeekDay]:
    """The first hours and the first pause of each weekday, or what was typed."""
    typed = form.raw("sede") == str(location_id)
    days: list[_WeekDay] = []
    for number in WEEK:
        if typed:
            values = {name: form.raw(f"{name}_{number}") for name in FIELDS}
        else:
            found = _of(hours, location_id, number)
            values = _shown(found) if found else dict.fromkeys(FIELDS, "")
        days.append(_WeekDay(number, values))
    return days


def _of(hours: Iterable[WorkingHours], location_id: UUID, weekday: int) -> WorkingHours | None:
    return next(
        (item for item in hours if item.location_id == location_id and item.weekday == weekday),
        None,
    )


def _shown(hours: WorkingHours) -> dict[str, str]:
    pause = hours.breaks[0] if hours.breaks else None
    return {
        "desde": clock_text(hours.opens),
        "hasta": clock_text(hours.closes),
        "pausa_desde": clock_text(pause.starts) if pause else "",
        "pausa_hasta": clock_text(pause.ends) if pause else "",
    }


def _off(reader: Reader, item: TimeOff) -> _Off:
    stamp = reader.fmt.stamp
    remove = f"{HOME}/{item.provider_id}/licencia/{item.id}/quitar"
    return _Off(stamp(item.starts_at), stamp(item.ends_at), item.reason, remove)


def _minutes(hour: time | None) -> int | None:
    return None if hour is None else hour.hour * 60 + hour.minute


def _typed_day(form: Form, location_id: UUID, weekday: int) -> WorkingHours | None:
    """The hours of one line; None if it is blank, or wrong and then noted in the form."""
    clocks = [_minutes(form.clock(f"{name}_{weekday}", required=False)) for name in FIELDS]
    opens, closes, starts, ends = clocks
    if closes == 0:
        closes = 24 * 60  # "00:00" as an end is the midnight that ends the day
    if opens is None and closes is None:
        return None
    if opens is None or closes is None or opens >= closes:
        form.refuse(f"hasta_{weekday}", "error.order")
        return None
    breaks: list[dict[str, str]] = []
    if starts is not None or ends is not None:
        if starts is None or ends is None or not opens <= starts < ends <= closes:
            form.refuse(f"pausa_hasta_{weekday}", "error.break")
            return None
        breaks = [{"starts": clock_text(starts), "ends": clock_text(ends)}]
    return WorkingHours.model_validate(
        {
            "location_id": location_id,
            "weekday": weekday,
            "opens": clock_text(opens),
            "closes": clock_text(closes),
            "breaks": breaks,
        }
    )


@router.post(HOME + "/{provider_id}/horario")
async def set_hours(
    request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """Replaces the hours at one location; those at others stay."""
    form = await submitted(request)
    location_id = parse_key(form.raw("sede"))
    if location_id is None:
        form.refuse("sede", "error.choice")
        return await provider_page(request, reader, provider_id, form)
    typed = [_typed_day(form, location_id, number) for number in WEEK]
    if not form.ok:
        return await provider_page(request, reader, provider_id, form)
    who = actor(request, reader.principal)
    try:
        async with reader.database.transaction() as connection:
            before = await service.get_hours(connection, who, provider_id)
            kept = [item for item in before.hours if item.location_id != location_id]
            hours = (*kept, *(item for item in typed if item is not None))
            week = Week(version=form.version() or before.version, hours=hours)
            await service.set_hours(connection, who, provider_id, week)
    except AppError as error:
        return await provider_page(request, reader, provider_id, form, error)
    return see(f"{HOME}/{provider_id}?hecho=1")


@router.post(HOME + "/{provider_id}/licencia")
async def add_time_off(
    request: Request, provider_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    first, last = form.day("licencia_desde"), form.day("licencia_hasta")
    reason = form.text("razon", most=120, required=False)
    if first and last and not timedelta(0) <= last - first < timedelta(days=366):
        form.refuse("licencia_hasta", "error.order")
    if not form.ok or first is None or last is None:
        return await provider_page(request, reader, provider_id, form)
    zone = reader.app.zone
    draft = TimeOffDraft(
        starts_at=datetime.combine(first, time(), zone),
        ends_at=datetime.combine(last + timedelta(days=1), time(), zone),
        reason=reason,
    )
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await service.add_provider_time_off(connection, who, provider_id, draft)
    return see(f"{HOME}/{provider_id}?hecho=1")


@router.post(HOME + "/{provider_id}/licencia/{time_off_id}/quitar")
async def remove_time_off(
    request: Request, provider_id: UUID, time_off_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await service.remove_provider_time_off(connection, who, provider_id, time_off_id)
    return see(f"{HOME}/{provider_id}?hecho=1")
