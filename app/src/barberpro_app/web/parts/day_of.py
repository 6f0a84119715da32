"""Gathers days of the team: who works when, who is away, what is booked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.agenda import service as agenda
from barberpro_app.agenda.service import Absence, Days, Found, Hours, Item, Session
from barberpro_app.audit.trail import Actor
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.location.schemas import Location
from barberpro_app.location.service import list_holidays
from barberpro_app.provider.schemas import Provider
from barberpro_app.web.parts import lanes
from barberpro_app.web.parts.booking_view import in_language
from barberpro_app.web.parts.lanes import Booked, Lane, Span
from barberpro_app.web.site.rendering import Reader


@dataclass(frozen=True)
class Day:
    """What the agenda of a day is made of."""

    day: date
    lanes: list[Lane]
    holiday: str | None


@dataclass(frozen=True)
class Scope:
    """Whose days: these providers, at one location or at all of them."""

    days: Days
    people: Sequence[Provider]
    places: Sequence[Location]
    location_id: UUID | None


def moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The instant of a local time given in minutes since midnight."""
    return (datetime.combine(day, time()) + timedelta(minutes=minutes)).replace(tzinfo=zone)


async def gather(connection: Connection, reader: Reader, actor: Actor, scope: Scope) -> list[Day]:
    """The lanes of each day, in the order of the business."""
    keys = [person.id for person in scope.people]
    found = await agenda.look(connection, actor, scope.days, keys, scope.location_id)
    holidays = await _holidays(connection, reader, scope.days)
    booked = _by_day(reader, scope, found.items)
    return [
        Day(
            day,
            [
                _lane(reader, scope, person, day, found, booked[day, person.id], day in holidays)
                for person in scope.people
            ],
            holidays.get(day),
        )
        for day in scope.days.all
    ]


def _lane(
    reader: Reader,
    scope: Scope,
    person: Provider,
    day: date,
    found: Found,
    booked: list[Booked],
    closed: bool,
) -> Lane:
    hours = [] if closed else _todays(day, person, found.hours)
    spans = _spans(scope, day, hours)
    work = [span for span, _ in spans]
    off = [pause for _, pauses in spans for pause in _named(reader, pauses)]
    off += _away(reader, scope, day, person, found.absences)
    lane = Lane(str(person.id), person.name, work=work)
    lane.entries = lanes.entries(
        work, off, booked, clock.now(), _sessions(reader, scope, day, person, found.sessions)
    )
    return lane


async def _holidays(connection: Connection, reader: Reader, days: Days) -> dict[date, str]:
    found: dict[date, str] = {}
    for year in {days.first.year, days.last.year}:
        for item in await list_holidays(connection, reader.app, year):
            if days.first <= item.day <= days.last and not item.open:
                found[item.day] = reader.holiday(item.day, item.name)
    return found


def _by_day(
    reader: Reader, scope: Scope, items: Iterable[Item]
) -> defaultdict[tuple[date, UUID], list[Booked]]:
    found: defaultdict[tuple[date, UUID], list[Booked]] = defaultdict(list)
    for item in items:
        day = item.starts_at.astimezone(scope.days.zone).date()
        found[day, item.provider_id].append(_booked(reader, item))
    return found


def _sessions(
    reader: Reader, scope: Scope, day: date, person: Provider, sessions: Iterable[Session]
) -> list[Span]:
    """Groups of a person's day, named by service, place and seats."""
    found: list[Span] = []
    for item in sessions:
        if item.provider_id != person.id:
            continue
        if item.starts_at.astimezone(scope.days.zone).date() != day:
            continue
        name = in_language(item.service, reader.locale, reader.app.locale)
        seats = reader.t("agenda.seats", n=item.seats, most=item.capacity)
        label = " \u00b7 ".join(part for part in (name, item.place, seats) if part)
        found.append(Span(item.starts_at, item.ends_at, label))
    return found


def _todays(day: date, person: Provider, hours: Iterable[Hours]) -> list[Hours]:
    return [
        item
        for item in hours
        if item.provider_id == person.id
        and item.weekday == day.isoweekday()
        and item.valid_from <= day
        and (item.valid_to is None or item.valid_to >= day)
    ]


def _spans(scope: Scope, day: date, hours: Iterable[Hours]) -> list[tuple[Span, list[Span]]]:
    """Working time and the pauses in it, as instants."""
    zones = {place.id: ZoneInfo(place.zone) for place in scope.places}
    found: list[tuple[Span, list[Span]]] = []
    for item in hours:
        zone = zones.get(item.location_id)
        if zone is None:
            continue
        work = Span(moment(day, item.opens, zone), moment(day, item.closes, zone))
        pauses = [
            Span(moment(day, starts, zone), moment(day, ends, zone)) for starts, ends in item.breaks
        ]
        found.append((work, pauses))
    return found


def _named(reader: Reader, pauses: Iterable[Span]) -> list[Span]:
    label = reader.t("agenda.break")
    return [Span(pause.start, pause.end, label, tone="break") for pause in pauses]


def _away(
    reader: Reader, scope: Scope, day: date, person: Provider, away: Iterable[Absence]
) -> list[Span]:
    """Absences that touch the day, cut to it; of the provider or of a place where they work."""
    start, end = Days(day, 1, scope.days.zone).stretch
    found: list[Span] = []
    for item in away:
        own = item.provider_id == person.id
        if not own and (
            item.provider_id is not None or item.location_id not in person.location_ids
        ):
            continue
        if item.ends_at <= start or item.starts_at >= end:
            continue
        taken_back = own and item.id is not None
        remove = f"/agenda/bloqueo/{person.id}/{item.id}/quitar" if taken_back else ""
        label = reader.t("agenda.elsewhere") if item.outside else item.reason
        found.append(
            Span(
                max(item.starts_at, start),
                min(item.ends_at, end),
                label or reader.t("agenda.off"),
                remove,
                "busy" if item.outside else "off",
            )
        )
    return found


def _booked(reader: Reader, item: Item) -> Booked:
    return Booked(
        span=Span(item.starts_at, item.ends_at),
        id=str(item.id),
        status=item.status,
        client=item.client or "",
        service=" \u00b7 ".join(
            [in_language(item.service, reader.locale, reader.app.locale), *item.resources]
        ),
        note=item.has_note,
        version=item.version,
        taken=Span(item.taken_from, item.taken_until),
        client_id=str(item.client_id or ""),
        in_session=item.session_id is not None,
    )
