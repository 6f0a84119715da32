"""What the agenda shows of gathered days: a board, a table of a week, or lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID

from barberpro_app.kit import clock
from barberpro_app.web.agenda import grid
from barberpro_app.web.parts.day_of import Day
from barberpro_app.web.parts.lanes import QUICK_MOVES, Entry, Lane
from barberpro_app.web.parts.team import FIRST_DAY, LAST_DAY
from barberpro_app.web.site.rendering import Reader

#: Days of each view.
VIEWS = {"dia": 1, "semana": 7, "lista": 1}
#: Bookings of one person's day that the table of a week names; the rest is one tap away.
NAMED = 5


@dataclass(frozen=True)
class Line:
    """One line of the page; times are texts of the local clock."""

    kind: str
    start: str
    until: str
    minutes: int
    label: str
    remove: str
    tone: str = ""
    id: str = ""
    status: str = ""
    client: str = ""
    service: str = ""
    note: bool = False
    version: int = 0
    moves: tuple[str, ...] = ()
    alert: bool = False
    movable: bool = False
    client_id: str = ""
    clash: bool = False


@dataclass(frozen=True)
class LaneView:
    id: str
    name: str
    summary: str
    entries: list[Line]


@dataclass(frozen=True)
class Cell:
    """One person's day in the table of a week."""

    address: str
    list_address: str
    work: str
    named: list[Line]
    more: int
    away: str


@dataclass(frozen=True)
class Marks:
    """Bookings that need a look: of a patient with an alert, or in conflict with a calendar outside."""

    alerts: set[str]
    clashes: set[str]


@dataclass(frozen=True)
class Asked:
    """What the address asks for; `day` is the first of the days."""

    view: str
    day: date
    location_id: UUID | None
    provider_id: UUID | None

    def address(self, day: date, view: str = "", provider: object = None) -> str:
        query: dict[str, object] = {"vista": view or self.view, "dia": day}
        if self.location_id:
            query["sede"] = self.location_id
        if provider or self.provider_id:
            query["profesional"] = provider or self.provider_id
        return f"/agenda?{urlencode(query)}"

    def step(self, by: int) -> str:
        wanted = self.day + timedelta(days=by * VIEWS[self.view])
        return self.address(min(max(wanted, FIRST_DAY), LAST_DAY))


def board_of(reader: Reader, asked: Asked, found: list[Day], marks: Marks) -> dict[str, object]:
    """What the view's own part of the page shows; `kind` names the part."""
    lanes = found[0].lanes
    if not lanes:
        return {"kind": "nobody"}
    if asked.view == "lista":
        return {"kind": "list", "lanes": [_lane(reader, lane, marks) for lane in lanes]}
    if asked.view == "semana" and len(lanes) > 1:
        table = [
            (lane, [_cell(reader, asked, day, day.lanes[n], marks) for day in found])
            for n, lane in enumerate(lanes)
        ]
        return {"kind": "week", "table": table, "found": found}
    columns = [(day.day, lane) for day in found for lane in day.lanes]
    board = grid.board(columns, reader.app.zone, clock.now())
    lines = {
        id(block): _line(reader, block.entry, marks)
        for column in board.columns
        for block in column.blocks
    }
    return {
        "kind": "grid",
        "board": board,
        "line_of": lambda block: lines[id(block)],
        "holidays": {day.day: day.holiday for day in found if day.holiday},
        "count_of": lambda lane: _summary(reader, lane),
    }


def _cell(reader: Reader, asked: Asked, day: Day, lane: Lane, marks: Marks) -> Cell:
    booked = [
        e
        for e in lane.entries
        if e.kind == "session"
        or (e.booking and e.booking.status != "cancelled" and not e.booking.in_session)
    ]
    off = [e.label for e in lane.entries if e.kind == "off" and e.tone != "break"]
    hour = reader.fmt.hour
    return Cell(
        address=asked.address(day.day, "dia", lane.id),
        list_address=asked.address(day.day, "lista", lane.id),
        work=", ".join(f"{hour(span.start)}\u2013{hour(span.end)}" for span in lane.work),
        named=[_line(reader, entry, marks) for entry in booked[:NAMED]],
        more=len(booked[NAMED:]),
        away=", ".join(dict.fromkeys(off)),
    )


def _summary(reader: Reader, lane: Lane) -> str:
    booked = [e for e in lane.entries if e.booking and e.booking.status != "cancelled"]
    return reader.t.count("agenda.count", len(booked))


def _lane(reader: Reader, lane: Lane, marks: Marks) -> LaneView:
    lines = [_line(reader, entry, marks) for entry in lane.entries]
    return LaneView(lane.id, lane.name, _summary(reader, lane), lines)


def _line(reader: Reader, entry: Entry, marks: Marks) -> Line:
    hour = reader.fmt.hour
    base = (entry.kind, hour(entry.start), hour(entry.end), entry.minutes)
    booked = entry.booking
    if booked is None:
        return Line(*base, entry.label, entry.remove, entry.tone)
    return Line(
        *base,
        "",
        "",
        id=booked.id,
        status=booked.status,
        client=booked.client,
        service=booked.service,
        note=booked.note,
        version=booked.version,
        moves=QUICK_MOVES.get(booked.status, ()),
        alert=booked.id in marks.alerts,
        clash=booked.id in marks.clashes,
        movable=booked.status == "confirmed" and not booked.in_session,
        client_id=booked.client_id,
    )
