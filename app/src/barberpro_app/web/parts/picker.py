"""Choosing a day and a time: the strip of days and the free hours of one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from barberpro_app.availability.schemas import AvailableDay, Slot
from barberpro_app.web.site.formatting import DAY_PARTS, Formats

STRIP_DAYS = 14
#: How many times are shown when the one asked for is gone.
NEAREST = 8

Address = Callable[[date], str]


@dataclass(frozen=True)
class DayLink:
    day: date
    address: str
    free: bool
    holiday: str | None


@dataclass(frozen=True)
class Hour:
    """A time to choose: `value` is the instant in ISO 8601 (UTC), `hour` the local clock."""

    value: str
    hour: str
    chosen: bool = False


@dataclass(frozen=True)
class Picker:
    """What the page of days and hours shows."""

    day: date
    month: str
    days: list[DayLink]
    parts: list[tuple[str, list[Hour]]]
    next_free: DayLink | None
    holiday: str | None
    earlier: str | None
    later: str | None
    zone_note: str = ""


def strip_start(wanted: date, today: date) -> date:
    """First day of the fortnight that holds the wanted day; strips are counted from today."""
    ahead = max((wanted - today).days, 0)
    return today + timedelta(days=ahead - ahead % STRIP_DAYS)


def hours(fmt: Formats, zone: str, slots: Iterable[Slot], chosen: str = "") -> list[Hour]:
    return [
        Hour(value, fmt.hour(slot.starts_at, zone), value == chosen)
        for slot in slots
        for value in [instant_value(slot.starts_at)]
    ]


def by_part(fmt: Formats, zone: str, slots: Sequence[Slot]) -> list[tuple[str, list[Hour]]]:
    """The hours of a day in morning, afternoon and evening; empty parts are left out."""
    groups: dict[str, list[Slot]] = {part: [] for part in DAY_PARTS}
    for slot in slots:
        groups[fmt.day_part(slot.starts_at, zone)].append(slot)
    return [(part, hours(fmt, zone, items)) for part, items in groups.items() if items]


def build(
    fmt: Formats,
    zone: str,
    days: Sequence[AvailableDay],
    wanted: date | None,
    address: Address,
    bounds: tuple[date, date],
) -> Picker:
    """The view of a fortnight. `bounds` are today and the last day that can be booked.

    Without a wanted day the first free one is shown.
    """
    today, last = bounds
    shown = [day for day in days if today <= day.day <= last] or list(days[:1])
    links = [DayLink(day.day, address(day.day), bool(day.slots), day.holiday) for day in shown]
    free = [link for link in links if link.free]
    chosen = next((day for day in shown if day.day == wanted), None)
    if chosen is None:
        first_free = free[0].day if free else shown[0].day
        chosen = next(day for day in shown if day.day == first_free)
    first, final = links[0].day, links[-1].day
    next_free = next((link for link in free if link.day > chosen.day), free[0] if free else None)
    after = final + timedelta(days=1)
    return Picker(
        day=chosen.day,
        month=_months(fmt, first, final),
        days=links,
        parts=by_part(fmt, zone, chosen.slots),
        next_free=next_free,
        holiday=chosen.holiday,
        earlier=address(first - timedelta(days=STRIP_DAYS)) if first > today else None,
        later=address(after) if after <= last else None,
    )


def _months(fmt: Formats, first: date, last: date) -> str:
    """ "noviembre 2026", or "noviembre – diciembre 2026", or with both years."""
    if (first.year, first.month) == (last.year, last.month):
        return fmt.month_name(first)
    if first.year == last.year:
        return f"{fmt.month_alone(first)} – {fmt.month_name(last)}"
    return f"{fmt.month_name(first)} – {fmt.month_name(last)}"


def nearest(days: Iterable[AvailableDay], wanted: datetime, count: int = NEAREST) -> list[Slot]:
    """The free times nearest to the one that is gone, in order of time."""
    slots = [slot for day in days for slot in day.slots]
    closest = sorted(slots, key=lambda slot: abs(slot.starts_at - wanted))[:count]
    return sorted(closest, key=lambda slot: slot.starts_at)


def instant_value(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def parse_instant(value: str) -> datetime | None:
    """An instant from a form; None for anything that is not one with an offset in these years."""
    if len(value) > 40:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None and 2000 <= found.year <= 2100 else None
