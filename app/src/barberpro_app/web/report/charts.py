"""Geometry of the report's pictures, in units of a drawing as wide as a phone. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 340.0, 170.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 336.0, 10.0, 146.0
_LABELS = 6
HEAT_LEFT, HEAT_ROW, HEAT_TOP = 34.0, 22.0, 4.0
#: Shades of a cell, from empty to full.
STEPS = 5


@dataclass(frozen=True)
class Part:
    """One piece of a column; `series` 0 lies at the bottom."""

    y: float
    height: float
    series: int


@dataclass(frozen=True)
class Column:
    """One column with its label under it; "" where there is no room for one."""

    x: float
    middle: float
    parts: list[Part]
    label: str
    title: str


@dataclass(frozen=True)
class Columns:
    """A chart of columns; `ticks` are heights with their values."""

    zero: float
    width: float
    columns: list[Column]
    ticks: list[tuple[float, float]]


@dataclass(frozen=True)
class Value:
    """What a column shows: the pieces from the bottom up, what is under it, what it says."""

    pieces: Sequence[float]
    label: str
    title: str


def columns(values: Sequence[Value], least_top: float = 1.0, *, whole: bool = False) -> Columns:
    """Columns from zero, up or down, on an axis with round ticks; `whole`: with integer ones."""
    sums = [sum(item.pieces) for item in values]
    step = _step(max([least_top, *sums]) - min([0.0, *sums]))
    step = math.ceil(step) if whole else step
    top = math.ceil(max([least_top, *sums]) / step) * step
    bottom = math.floor(min([0.0, *sums]) / step) * step
    scale = (BOTTOM - TOP) / (top - bottom)
    slot = (RIGHT - LEFT) / max(1, len(values))
    wide = min(slot * 0.72, 40.0)
    every = math.ceil(len(values) / _LABELS)

    def y(value: float) -> float:
        return round(BOTTOM - (value - bottom) * scale, 1)

    found = []
    for number, item in enumerate(values):
        middle = LEFT + slot * (number + 0.5)
        label = item.label if number % every == 0 else ""
        found.append(
            Column(
                round(middle - wide / 2, 1), round(middle, 1), _pieces(item, y), label, item.title
            )
        )
    count = round((top - bottom) / step)
    ticks = [(y(bottom + step * at), bottom + step * at) for at in range(count + 1)]
    return Columns(y(0), round(wide, 1), found, ticks)


def _pieces(item: Value, y: Callable[[float], float]) -> list[Part]:
    parts, below = [], 0.0
    for series, piece in enumerate(item.pieces):
        ends = sorted((y(below), y(below + piece)))
        if piece:
            parts.append(Part(ends[0], round(max(ends[1] - ends[0], 1.0), 1), series))
        below += piece
    return parts


def _step(span: float) -> float:
    """A round distance of ticks, so that there are three to five."""
    rough = span / 3.5
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)


@dataclass(frozen=True)
class Cell:
    """An hour of a weekday; `step` is 0 to STEPS - 1, None for what was never open."""

    x: float
    y: float
    step: int | None
    title: str


@dataclass(frozen=True)
class Heat:
    """A map of weekdays by hours."""

    width: float
    height: float
    cell: float
    cells: list[Cell]
    hours: list[tuple[float, int]] = field(default_factory=list)
    rows: list[tuple[float, int]] = field(default_factory=list)


def heat(shares: Sequence[tuple[int, int, float | None, str]]) -> Heat | None:
    """Of (ISO weekday, hour, share or None, title); None if there is nothing to show."""
    if not shares:
        return None
    first, last = min(h for _, h, _, _ in shares), max(h for _, h, _, _ in shares)
    days = sorted({weekday for weekday, _, _, _ in shares})
    wide = (WIDTH - HEAT_LEFT - 2) / (last - first + 1)
    cells = [
        Cell(
            round(HEAT_LEFT + (hour - first) * wide, 1),
            HEAT_TOP + days.index(weekday) * HEAT_ROW,
            None if share is None else min(STEPS - 1, int(share * STEPS)),
            title,
        )
        for weekday, hour, share, title in shares
    ]
    every = math.ceil((last - first + 1) / 7)
    hours = [
        (round(HEAT_LEFT + (hour - first) * wide, 1), hour)
        for hour in range(first, last + 2)
        if (hour - first) % every == 0
    ]
    rows = [(HEAT_TOP + at * HEAT_ROW + HEAT_ROW / 2, day) for at, day in enumerate(days)]
    height = HEAT_TOP + len(days) * HEAT_ROW + 20
    return Heat(WIDTH, height, round(wide - 2, 1), cells, hours, rows)
