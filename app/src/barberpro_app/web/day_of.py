"""Gathers one day of the team: who works when, who is away, what is booked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.audit.trail import Actor
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.location.schemas import Location
from barberpro_app.location.service import list_holidays
from barberpro_app.provider import service as providers
from barberpro_app.provider.schemas import Provider, TimeOff, WorkingHours
from barberpro_app.web import lanes
from barberpro_app.web.booking_view import in_language
from barberpro_app.web.lanes import Booked, Lane, Span
from barberpro_app.web.rendering import Reader


@dataclass(frozen=True)
class Day:
    """What the agenda of a day is made of."""

    day: date
    lanes: list[Lane]
    holiday: str | None


@dataclass(frozen=True)
class Scope:
    """Whose day: these providers, at one location or at all of them."""

    day: date
    people: Sequence[Provider]
    places: Sequence[Location]
    location_id: UUID | None


def moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The instant of a local time given in minutes since midnight."""
    return (datetime.combine(day, time()) + timedelta(minutes=minutes)).replace(tzinfo=zone)


async def gather(connection: Connection, reader: Reader, actor: Actor, scope: Scope) -> Day:
    """The lanes of a day, in the order of the business."""
    agenda = await bookings.agenda(
        connection,
        actor,
        scope.day,
        provider_id=scope.people[0].id if len(scope.people) == 1 else None,
        location_id=scope.location_id,
    )
    holiday = await _holiday(connection, reader, scope.day)
    away = await providers.list_time_off(connection, actor)
    found: list[Lane] = []
    for person in scope.people:
        week = await providers.get_hours(connection, actor, person.id)
        hours = [] if holiday else _todays(scope, week.hours)
        booked = [_booked(reader, item) for item in agenda.items if item.provider.id == person.id]
        work = [span for span, _ in _spans(scope, hours)]
        off = [pause for _, pauses in _spans(scope, hours) for pause in _named(reader, pauses)]
        off += _away(reader, scope, person, away)
        lane = Lane(str(person.id), person.name)
        lane.entries = lanes.entries(work, off, booked, clock.now())
        found.append(lane)
    return Day(scope.day, found, holiday)


async def _holiday(connection: Connection, reader: Reader, day: date) -> str | None:
    for item in await list_holidays(connection, reader.app, day.year):
        if item.day == day and not item.open:
            return reader.holiday(item.day, item.name)
    return None


def _todays(scope: Scope, hours: Iterable[WorkingHours]) -> list[WorkingHours]:
    return [
        item
        for item in hours
        if item.weekday == scope.day.isoweekday()
        and item.valid_from <= scope.day
        and (item.valid_to is None or item.valid_to >= scope.day)
        and scope.location_id in (None, item.location_id)
    ]


def _spans(scope: Scope, hours: Iterable[WorkingHours]) -> list[tuple[Span, list[Span]]]:
    """Working time and the pauses in it, as instants."""
    zones = {place.id: ZoneInfo(place.zone) for place in scope.places}
    found: list[tuple[Span, list[Span]]] = []
    for item in hours:
        zone = zones.get(item.location_id)
        if zone is None:
            continue
        work = Span(moment(scope.day, item.opens, zone), moment(scope.day, item.closes, zone))
        pauses = [
            Span(moment(scope.day, pause.starts, zone), moment(scope.day, pause.ends, zone))
            for pause in item.breaks
        ]
        found.append((work, pauses))
    return found


def _named(reader: Reader, pauses: Iterable[Span]) -> list[Span]:
    label = reader.t("agenda.break")
    return [Span(pause.start, pause.end, label) for pause in pauses]


def _away(reader: Reader, scope: Scope, person: Provider, away: Iterable[TimeOff]) -> list[Span]:
    """Times off that touch the day, cut to it; of the provider or of a place where they work."""
    zone = reader.app.zone
    start, end = moment(scope.day, 0, zone), moment(scope.day, 24 * 60, zone)
    found: list[Span] = []
    for item in away:
        own = item.provider_id == person.id
        if not own and item.location_id not in person.location_ids:
            continue
        if item.ends_at <= start or item.starts_at >= end:
            continue
        remove = f"/agenda/bloqueo/{person.id}/{item.id}/quitar" if own else ""
        label = item.reason or reader.t("agenda.off")
        found.append(Span(max(item.starts_at, start), min(item.ends_at, end), label, remove))
    return found


def _booked(reader: Reader, item: Booking) -> Booked:
    return Booked(
        span=Span(item.starts_at, item.ends_at),
        id=str(item.id),
        status=item.status,
        client=item.client.name if item.client else "",
        service=" · ".join(
            [
                in_language(item.service.name, reader.locale, reader.app.locale),
                *(resource.name for resource in item.resources),
            ]
        ),
        note=item.note,
        version=item.version,
    )
