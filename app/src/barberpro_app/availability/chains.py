"""Several services one after the other, computed: pure functions on whole seconds since 1970.

As in the database (`visit_plan`): as many lines as possible with one provider first. What one provider
gives in a row is one stretch of time with buffers round it; what a line needs beside the provider is
kept from line to line, with buffers round the whole visit.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.availability.slots import (
    Calendar,
    Interval,
    Offer,
    joined,
    lacking,
    starts_of_day,
    windows_of_day,
)

Window = tuple[int, int, list[Interval]]


@dataclass(frozen=True, slots=True)
class Needed:
    """What a line takes of one kind: how many of which resources, each with what is taken of it."""

    count: int
    taken: Sequence[Sequence[Interval]]


@dataclass(frozen=True, slots=True)
class Line:
    """One service of the visit: who gives it, in the order of the business, and what it needs."""

    offers: Mapping[UUID, Offer]
    needs: Sequence[Needed] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A visit that fits: its end, and who gives each line."""

    ends: int
    providers: tuple[UUID, ...]


@dataclass
class Chain:
    """The lines of a visit with everybody's calendar; asks are remembered from start to start."""

    lines: Sequence[Line]
    calendars: Mapping[UUID, Calendar]
    zone: ZoneInfo
    _windows: dict[tuple[int, int, UUID, date], list[Window]] = field(default_factory=dict)
    _lacking: dict[tuple[int, int], list[Interval]] = field(default_factory=dict)

    def starts_of_day(self, day: date, step: int, earliest: int) -> Iterator[tuple[int, Plan]]:
        """The starts of one local day at which all lines fit, in order, each with its plan."""
        found: dict[int, Plan] = {}
        rests: dict[tuple[int, int], Plan | None] = {}
        for last in reversed(range(len(self.lines))):
            for provider in self._runners(0, last):
                offer = self._offer(0, last, provider)
                calendar = self.calendars[provider]
                for start in starts_of_day(day, self.zone, offer, calendar, step):
                    if start < earliest or start in found:
                        continue
                    plan = self._after(day, (0, last), provider, start, rests)
                    if plan is not None:
                        found[start] = plan
        yield from sorted(found.items())

    def _plan(
        self, day: date, first: int, start: int, rests: dict[tuple[int, int], Plan | None]
    ) -> Plan | None:
        """The lines from `first` on, beginning at `start`."""
        if first == len(self.lines):
            return Plan(start, ())
        key = (first, start)
        if key not in rests:
            rests[key] = self._search(day, first, start, rests)
        return rests[key]

    def _search(
        self, day: date, first: int, start: int, rests: dict[tuple[int, int], Plan | None]
    ) -> Plan | None:
        for last in reversed(range(first, len(self.lines))):
            for provider in self._runners(first, last):
                if self._free(day, (first, last), provider, start):
                    plan = self._after(day, (first, last), provider, start, rests)
                    if plan is not None:
                        return plan
        return None

    def _after(
        self,
        day: date,
        run: tuple[int, int],
        provider: UUID,
        start: int,
        rests: dict[tuple[int, int], Plan | None],
    ) -> Plan | None:
        """The plan with this run, if what its lines need is free and the rest fits after it."""
        first, last = run
        at = start
        for number in range(first, last + 1):
            length = self.lines[number].offers[provider].length
            if self.lines[number].needs and _inside(self._kept_from(number, length), at):
                return None
            at += length
        rest = self._plan(day, last + 1, at, rests)
        if rest is None:
            return None
        return Plan(rest.ends, (provider,) * (last + 1 - first) + rest.providers)

    def _runners(self, first: int, last: int) -> Iterator[UUID]:
        """Who gives all lines from first to last."""
        others = self.lines[first + 1 : last + 1]
        for provider in self.lines[first].offers:
            if all(provider in line.offers for line in others):
                yield provider

    def _offer(self, first: int, last: int, provider: UUID) -> Offer:
        """A run as one service."""
        offers = [line.offers[provider] for line in self.lines[first : last + 1]]
        return Offer(sum(offer.length for offer in offers), offers[0].before, offers[-1].after)

    def _free(self, day: date, run: tuple[int, int], provider: UUID, start: int) -> bool:
        key = (*run, provider, day)
        windows = self._windows.get(key)
        if windows is None:
            offer, calendar = self._offer(*run, provider), self.calendars[provider]
            windows = [
                (low, high, list(joined(blocked)))
                for low, high, blocked in windows_of_day(day, self.zone, offer, calendar)
            ]
            self._windows[key] = windows
        return any(low <= start <= high and not _inside(b, start) for low, high, b in windows)

    def _kept_from(self, number: int, length: int) -> list[Interval]:
        """The starts that a line cannot have for want of what it needs."""
        key = (number, length)
        if key not in self._lacking:
            line = self.lines[number]
            buffers = next(iter(line.offers.values()))
            offer = Offer(
                length,
                buffers.before if number == 0 else 0,
                buffers.after if number == len(self.lines) - 1 else 0,
            )
            found = [i for need in line.needs for i in lacking(need.taken, need.count, offer)]
            self._lacking[key] = list(joined(sorted(found)))
        return self._lacking[key]


def _inside(intervals: Sequence[Interval], at: int) -> bool:
    """Whether an instant lies inside one of the sorted, disjoint open intervals."""
    number = bisect_right(intervals, (at, -1)) - 1
    return number >= 0 and intervals[number][0] < at < intervals[number][1]
