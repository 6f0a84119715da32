"""What a visitor is about to book, and the free times for it: shared by every page that picks one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.availability.schemas import Availability, AvailabilityQuery, Slot, VisitQuery
from barberpro_app.availability.service import free_times
from barberpro_app.availability.visits import free_visits
from barberpro_app.booking.schemas import Booking
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.settings import Policies
from barberpro_app.visit.schemas import Visit
from barberpro_app.web.parts import picker
from barberpro_app.web.parts.picker import Address, Picker
from barberpro_app.web.site.forms import Form, parse_key
from barberpro_app.web.site.rendering import Reader

#: How many fortnights are looked through for the first free day.
SEARCHED_STRIPS = 5
#: Days on either side of a lost time in which others are looked for.
NEARBY_DAYS = 7
#: So many services in one visit, as the database takes them.
MOST_SERVICES = 6


@dataclass(frozen=True)
class Wish:
    """Which service, where, with whom (None: anybody); in a visit also the `others` after it, with
    that provider or with `people`, one for each service."""

    service_id: UUID
    location_id: UUID
    provider_id: UUID | None = None
    others: tuple[UUID, ...] = ()
    people: tuple[UUID | None, ...] = ()
    #: of a session, where the service is given to a group
    seats: int = 1

    @property
    def lines(self) -> list[tuple[UUID, UUID | None]]:
        """Each service with its provider."""
        services = (self.service_id, *self.others)
        people = self.people or (self.provider_id,) * len(services)
        return list(zip(services, people, strict=True))

    @property
    def fields(self) -> list[tuple[str, object]]:
        """As addresses and forms say it."""
        return [
            *(("servicio", key) for key in (self.service_id, *self.others)),
            ("sede", self.location_id),
            ("profesional", self.provider_id or ""),
        ]

    def query(self, first: date, days: int) -> AvailabilityQuery:
        return AvailabilityQuery(
            service_id=self.service_id,
            location_id=self.location_id,
            provider_id=self.provider_id,
            first=first,
            days=days,
        )


def wish_from(form: Form) -> Wish | None:
    """What an address or a form asks for; None if it names no service or place."""
    keys = [parse_key(value) for value in form.several("servicio")[:MOST_SERVICES]]
    services = [key for key in keys if key is not None]
    location_id = parse_key(form.raw("sede"))
    if not services or location_id is None:
        return None
    provider_id = parse_key(form.raw("profesional"))
    return Wish(services[0], location_id, provider_id, tuple(services[1:]))


def wish_of(booking: Booking, *, same: bool = False) -> Wish:
    """What was asked for with a booking or a visit; with `same`, with the very people who have it."""

    def asked(item: Booking) -> UUID | None:
        anybody = item.any_provider and not same
        return None if anybody or item.session_id is not None else item.provider.id

    if not isinstance(booking, Visit):
        where = booking.location.id
        return Wish(booking.service.id, where, asked(booking), seats=booking.seats)
    lines = [line for line in booking.lines if line.status != "cancelled"] or booking.lines
    people = tuple(asked(line) for line in lines)
    return Wish(
        lines[0].service.id,
        booking.location.id,
        people[0] if len(set(people)) == 1 else None,
        tuple(line.service.id for line in lines[1:]),
        people,
    )


async def times_of(
    connection: Connection, reader: Reader, wish: Wish, first: date, days: int
) -> Availability:
    """The free times of one service, or of several in a visit."""
    if not wish.others:
        return await free_times(connection, reader.app, wish.query(first, days))
    lines = [f"{service}:{who}" if who else f"{service}" for service, who in wish.lines]
    query = VisitQuery(line=lines, location_id=wish.location_id, first=first, days=days)
    return await free_visits(connection, reader.app, query)


@dataclass(frozen=True)
class Bounds:
    """The days that clients can book, in a location's zone."""

    today: date
    last: date


def bounds_of(policies: Policies, zone: str) -> Bounds:
    today = clock.now().astimezone(ZoneInfo(zone)).date()
    return Bounds(today, today + timedelta(days=policies.booking_window_days))


async def pick(
    connection: Connection,
    reader: Reader,
    wish: Wish,
    bounds: Bounds,
    wanted: date | None,
    address: Address,
) -> Picker:
    """The fortnight of the wanted day; without one, the first that has a free time."""
    if wanted is not None:
        wanted = min(max(wanted, bounds.today), bounds.last)
    first = picker.strip_start(wanted or bounds.today, bounds.today)
    found = await times_of(connection, reader, wish, first, picker.STRIP_DAYS)
    if wanted is None:
        found = await _first_free(connection, reader, wish, bounds, found)
    days = [
        day.model_copy(update={"holiday": reader.holiday(day.day, day.holiday)})
        if day.holiday
        else day
        for day in found.days
    ]
    return picker.build(reader.fmt, found.zone, days, wanted, address, (bounds.today, bounds.last))


async def _first_free(
    connection: Connection, reader: Reader, wish: Wish, bounds: Bounds, found: Availability
) -> Availability:
    later = found
    for strip in range(1, SEARCHED_STRIPS):
        if any(day.slots for day in later.days):
            return later
        first = bounds.today + timedelta(days=strip * picker.STRIP_DAYS)
        if first > bounds.last:
            break
        later = await times_of(connection, reader, wish, first, picker.STRIP_DAYS)
    return later if any(day.slots for day in later.days) else found


async def nearby(
    connection: Connection, reader: Reader, wish: Wish, bounds: Bounds, wanted: datetime, zone: str
) -> list[Slot]:
    """The free times nearest to one that is gone."""
    local = wanted.astimezone(ZoneInfo(zone)).date()
    day = min(max(local, bounds.today), bounds.last)
    first = max(day - timedelta(days=NEARBY_DAYS), bounds.today)
    days = (day - first).days + NEARBY_DAYS + 1
    found = await times_of(connection, reader, wish, first, days)
    return picker.nearest(found.days, wanted)
