"""Free times, computed: pure functions on whole seconds since 1970.

The same rules decide in the database when a time is taken (`slot_problem` in the schema): starts lie
on a grid from the opening of the hours; the service lies within the hours and off breaks and days
off; its buffers keep off other bookings.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import timegm
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from zoneinfo import ZoneInfo

Interval = tuple[int, int]
#: Beyond every instant, in seconds.
EVER = 1 << 50
_end = itemgetter(1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Working hours of a weekday (ISO) in minutes since local midnight, with breaks likewise."""

    weekday: int
    opens: int
    closes: int
    valid_from: date
    valid_to: date | None
    breaks: tuple[Interval, ...] = ()

    def apply_to(self, day: date) -> bool:
        return (
            self.weekday == day.isoweekday()
            and self.valid_from <= day
            and (self.valid_to is None or day <= self.valid_to)
        )


@dataclass(frozen=True, slots=True)
class Offer:
    """A service as one provider gives it: its length and buffers in seconds."""

    length: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """What restricts one provider: hours; sorted, disjoint intervals of bookings and of days off."""

    hours: Sequence[Hours]
    busy: Sequence[Interval]
    away: Sequence[Interval]
    #: sorted, disjoint open intervals in which no start may lie, of what else the service needs
    lacking: Sequence[Interval] = ()


@lru_cache(maxsize=16384)
def local_instant(day: date, minutes: int, zone: ZoneInfo) -> int:
    """A wall time as an instant. An hour that a change of offset skips or repeats is read with the
    smaller offset (standard time), as PostgreSQL's AT TIME ZONE does."""
    wall = datetime.combine(day, time(), zone) + timedelta(minutes=minutes)
    offsets = [wall.replace(fold=fold).utcoffset() or timedelta(0) for fold in (0, 1)]
    return timegm(wall.timetuple()) - round(min(offsets).total_seconds())


def starts_of_day(
    day: date, zone: ZoneInfo, offer: Offer, calendar: Calendar, step: int
) -> Iterator[int]:
    """The free starts of one local day, in order; `step` is the grid in seconds."""
    for first, last, blocked in windows_of_day(day, zone, offer, calendar):
        yield from _free(first, last, step, blocked)


def windows_of_day(
    day: date, zone: ZoneInfo, offer: Offer, calendar: Calendar
) -> Iterator[tuple[int, int, list[Interval]]]:
    """The first and last start within each stretch of hours of a local day, with the sorted open
    intervals in which no start may lie."""
    for hours in calendar.hours:
        if not hours.apply_to(day):
            continue
        opens = local_instant(day, hours.opens, zone)
        closes = local_instant(day, hours.closes, zone)
        breaks = (
            (local_instant(day, starts, zone), local_instant(day, ends, zone))
            for starts, ends in hours.breaks
        )
        blocked = [
            *_blocked(calendar.busy, offer.length + offer.after, offer.before, (opens, closes)),
            *_blocked(calendar.away, offer.length, 0, (opens, closes)),
            *((starts - offer.length, ends) for starts, ends in breaks if starts < ends),
            *_blocked(calendar.lacking, 0, 0, (opens, closes)),
        ]
        blocked.sort()
        yield opens, closes - offer.length, blocked


def _blocked(
    intervals: Sequence[Interval], reach: int, clearance: int, within: Interval
) -> Iterator[Interval]:
    """The open intervals in which no start may lie, of disjoint sorted ones that are taken: a start
    less than `reach` before something begins, or `clearance` after it ends, would meet it."""
    low, high = within
    first = bisect_right(intervals, low - clearance, key=_end)
    for starts, ends in islice(intervals, first, None):
        if starts - reach >= high:
            break
        yield starts - reach, ends + clearance


def lacking(resources: Sequence[Sequence[Interval]], needed: int, offer: Offer) -> list[Interval]:
    """The open intervals in which no start may lie, where `needed` of these resources have to be free
    for the whole service and its buffers. Each resource's intervals are sorted and disjoint."""
    reach = offer.length + offer.after
    edges: list[Interval] = []
    for taken in resources:
        for low, high in joined((s - reach, e + offer.before) for s, e in taken):
            edges += ((low, 1), (high, -1))
    edges.sort()
    most = len(resources) - needed
    if most < 0:
        return [(-EVER, EVER)]
    found: list[Interval] = []
    blocked, since = 0, 0
    for at, change in edges:  # at one instant those that end come first: the instant itself is free
        blocked += change
        if change > 0 and blocked == most + 1:
            since = at
        elif change < 0 and blocked == most and at > since:
            found.append((since, at))
    return found


def joined(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """Sorted open intervals, those that overlap made one."""
    low = high = None
    for starts, ends in intervals:
        if high is not None and low is not None and starts < high:
            high = max(high, ends)
            continue
        if high is not None and low is not None:
            yield low, high
        low, high = starts, ends
    if high is not None and low is not None:
        yield low, high


def _free(first: int, last: int, step: int, blocked: Sequence[Interval]) -> Iterator[int]:
    """Grid points from first to last that lie in none of the sorted open intervals."""
    start = first
    for low, high in blocked:
        while start <= min(low, last):
            yield start
            start += step
        if start < high:
            start += -(-(high - start) // step) * step
    while start <= last:
        yield start
        start += step


def pairs(flat: Sequence[int] | None) -> list[Interval]:
    """[a, b, c, d] as [(a, b), (c, d)]."""
    values = flat or ()
    return list(zip(values[::2], values[1::2], strict=True))


def instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
