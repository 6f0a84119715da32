"""One provider's day as a list from morning to evening: bookings, pauses, blocked and free time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal["booking", "session", "off", "gap"]
#: A free stretch shorter than this, in minutes, is not offered as a gap.
SHORTEST_GAP = 10
#: What can be said of a booking next, by its status.
MOVES: dict[str, tuple[str, ...]] = {
    "confirmed": ("arrived", "completed", "no_show"),
    "arrived": ("completed", "confirmed"),
    "completed": ("confirmed",),
    "no_show": ("arrived", "confirmed"),
    "cancelled": ("confirmed",),
}
#: Next statuses offered right in the list; the rest is one page further.
QUICK_MOVES: dict[str, tuple[str, ...]] = {
    "confirmed": ("arrived", "no_show"),
    "arrived": ("completed",),
}
#: What comes first of what starts at the same time.
_ORDER = {"session": 0, "booking": 1, "off": 2, "gap": 3}
#: Bookings in these states leave their time free.
FREE_STATES = frozenset({"cancelled", "expired"})


@dataclass(frozen=True)
class Span:
    """A stretch of time; `label` is what to call it, `remove` where a form takes it away, `tone` what
    it is: a break, time off, or busy in a calendar elsewhere."""

    start: datetime
    end: datetime
    label: str = ""
    remove: str = ""
    tone: str = "off"


@dataclass(frozen=True)
class Booked:
    """A booking as the agenda shows it; `taken` is its time with the buffers."""

    span: Span
    id: str
    status: str
    client: str
    service: str
    note: bool
    version: int
    taken: Span | None = None
    client_id: str = ""
    in_session: bool = False


@dataclass(frozen=True)
class Entry:
    """One line of a lane. Hours are texts in the location's zone."""

    kind: Kind
    start: datetime
    end: datetime
    label: str = ""
    remove: str = ""
    booking: Booked | None = None
    tone: str = ""

    @property
    def minutes(self) -> int:
        return int((self.end - self.start).total_seconds()) // 60


@dataclass
class Lane:
    """One provider's day; `work` is when they work, pauses and all."""

    id: str
    name: str
    entries: list[Entry] = field(default_factory=list)
    work: list[Span] = field(default_factory=list)


def free_spans(work: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What remains of the working time after everything that takes some of it."""
    occupied = sorted(taken, key=lambda span: span.start)
    found: list[Span] = []
    for period in sorted(work, key=lambda span: span.start):
        cursor = period.start
        for span in occupied:
            if span.end <= cursor or span.start >= period.end:
                continue
            if span.start > cursor:
                found.append(Span(cursor, span.start))
            cursor = max(cursor, span.end)
        if cursor < period.end:
            found.append(Span(cursor, period.end))
    return found


def entries(
    work: Sequence[Span],
    off: Sequence[Span],
    booked: Sequence[Booked],
    now: datetime,
    sessions: Sequence[Span] = (),
) -> list[Entry]:
    """The lines of a day in order of time. Gaps are only offered from now on."""
    taken = [*off, *sessions, *(item.span for item in booked if item.status not in FREE_STATES)]
    lines = [
        Entry("booking", item.span.start, item.span.end, booking=item)
        for item in booked
        if item.status != "expired"
    ]
    lines += [
        Entry("off", span.start, span.end, span.label, span.remove, tone=span.tone) for span in off
    ]
    lines += [Entry("session", span.start, span.end, span.label) for span in sessions]
    for span in free_spans(work, taken):
        start = max(span.start, now)
        if (span.end - start).total_seconds() >= SHORTEST_GAP * 60:
            lines.append(Entry("gap", start, span.end))
    return sorted(lines, key=lambda line: (line.start, _ORDER[line.kind], line.end))
