"""Days as columns of time: which rows a thing takes, and side by side what overlaps. Pure.

A row is five minutes (`site.rows`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from barberpro_app.web.parts.lanes import Entry, Lane, Span
from barberpro_app.web.site.rows import ABREAST, ROW_MINUTES

HOUR, DAY = 60, 24 * 60
#: What is shown of a day on which nobody works, hours of the clock.
USUAL = (9, 18)
#: What stretches the board beyond the hours of work.
TAKEN = ("booking", "session")


@dataclass(frozen=True)
class Rows:
    """From which row of the board, how many."""

    row: int
    rows: int


@dataclass(frozen=True)
class Block:
    """An entry in its place: the `at`-th of `of` that lie side by side."""

    place: Rows
    entry: Entry
    at: int = 1
    of: int = 1


@dataclass
class Column:
    """One provider's day."""

    day: date
    lane: Lane
    work: list[Rows] = field(default_factory=list)
    buffers: list[Rows] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    now: int | None = None


@dataclass(frozen=True)
class Board:
    """All columns; `hours` are those of the clock that are shown."""

    hours: range
    columns: list[Column]

    @property
    def rows(self) -> int:
        return len(self.hours) * HOUR // ROW_MINUTES


def minutes_of(instant: datetime, day: date, zone: ZoneInfo) -> int:
    """Wall-clock minutes since the day's midnight, 0 before it, 1440 after it."""
    local = instant.astimezone(zone)
    if local.date() != day:
        return 0 if local.date() < day else DAY
    return local.hour * HOUR + local.minute


def board(columns: Sequence[tuple[date, Lane]], zone: ZoneInfo, now: datetime) -> Board:
    """The columns from the first to the last hour in which somebody works or something is booked."""
    hours = _hours(columns, zone)
    made = [_column(day, lane, hours, zone, now) for day, lane in columns]
    return Board(hours, made)


def _hours(columns: Iterable[tuple[date, Lane]], zone: ZoneInfo) -> range:
    spans = [
        (minutes_of(span.start, day, zone), minutes_of(span.end, day, zone))
        for day, lane in columns
        for span in [*lane.work, *(Span(e.start, e.end) for e in lane.entries if e.kind in TAKEN)]
    ]
    if not spans:
        return range(*USUAL)
    first = min(start for start, _ in spans) // HOUR
    last = -(-max(end for _, end in spans) // HOUR)
    return range(first, max(last, first + 1))


def _column(day: date, lane: Lane, hours: range, zone: ZoneInfo, now: datetime) -> Column:
    def rows(start: datetime, end: datetime) -> Rows | None:
        first = max(minutes_of(start, day, zone), hours.start * HOUR) - hours.start * HOUR
        last = min(minutes_of(end, day, zone), hours.stop * HOUR) - hours.start * HOUR
        row = first // ROW_MINUTES
        return Rows(row, -(-last // ROW_MINUTES) - row) if last > first else None

    column = Column(day, lane)
    column.work = [place for span in lane.work if (place := rows(span.start, span.end))]
    for entry in lane.entries:
        booked = entry.booking
        if booked is None or booked.taken is None or booked.status == "cancelled":
            continue
        for start, end in ((booked.taken.start, entry.start), (entry.end, booked.taken.end)):
            if place := rows(start, end):
                column.buffers.append(place)
    for entry, at, of in _abreast(lane.entries):
        if place := rows(entry.start, entry.end):
            column.blocks.append(Block(place, entry, at, of))
    if now.astimezone(zone).date() == day:
        minutes = minutes_of(now, day, zone)
        if hours.start * HOUR <= minutes < hours.stop * HOUR:
            column.now = (minutes - hours.start * HOUR) // ROW_MINUTES
    return column


def _abreast(entries: Iterable[Entry]) -> list[tuple[Entry, int, int]]:
    """Bookings that overlap (one cancelled, say) share the width; the rest has all of it."""
    found: list[tuple[Entry, int, int]] = []
    cluster: list[tuple[Entry, int]] = []
    ends: list[datetime] = []

    def close() -> None:
        found.extend((entry, at + 1, min(len(ends), ABREAST)) for entry, at in cluster)
        cluster.clear()
        ends.clear()

    for entry in entries:
        if entry.booking is not None and entry.booking.in_session:
            continue  # the session stands for all who are in it
        if entry.kind not in TAKEN:
            found.append((entry, 1, 1))
            continue
        if ends and entry.start >= max(ends):
            close()
        at = next((n for n, end in enumerate(ends) if end <= entry.start), len(ends))
        if at == len(ends):
            ends.append(entry.end)
        else:
            ends[at] = entry.end
        cluster.append((entry, min(at, ABREAST - 1)))
    close()
    return sorted(found, key=lambda item: (item[0].start, item[0].kind in TAKEN))
