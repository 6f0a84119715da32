"""What a visitor is about to book, and the free times for it: shared by every page that picks one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.availability.schemas import Availability, AvailabilityQuery, Slot
from barberpro_app.availability.service import free_times
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.settings import Policies
from barberpro_app.web import picker
from barberpro_app.web.picker import Address, Picker
from barberpro_app.web.rendering import Reader

#: How many fortnights are looked through for the first free day.
SEARCHED_STRIPS = 5
#: Days on either side of a lost time in which others are looked for.
NEARBY_DAYS = 7


@dataclass(frozen=True)
class Wish:
    """Which service, where, with whom (None: anybody)."""

    service_id: UUID
    location_id: UUID
    provider_id: UUID | None = None

    def query(self, first: date, days: int) -> AvailabilityQuery:
        return AvailabilityQuery(
            service_id=self.service_id,
            location_id=self.location_id,
            provider_id=self.provider_id,
            first=first,
            days=days,
        )


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
    found = await free_times(connection, reader.app, wish.query(first, picker.STRIP_DAYS))
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
        later = await free_times(connection, reader.app, wish.query(first, picker.STRIP_DAYS))
    return later if any(day.slots for day in later.days) else found


async def nearby(
    connection: Connection, reader: Reader, wish: Wish, bounds: Bounds, wanted: datetime, zone: str
) -> list[Slot]:
    """The free times nearest to one that is gone."""
    local = wanted.astimezone(ZoneInfo(zone)).date()
    day = min(max(local, bounds.today), bounds.last)
    first = max(day - timedelta(days=NEARBY_DAYS), bounds.today)
    days = (day - first).days + NEARBY_DAYS + 1
    found = await free_times(connection, reader.app, wish.query(first, days))
    return picker.nearest(found.days, wanted)
