"""Charts as drawings: lines by day and bars by week. Numbers only; templates draw and describe them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

#: The drawing's own units; it is scaled to the width of the page.
WIDTH, HEIGHT = 340, 190
LEFT, RIGHT, TOP, BOTTOM = 38, 10, 12, 24
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Dot:
    """A value where it is drawn."""

    x: float
    y: float
    day: date
    value: float


@dataclass(frozen=True)
class LineChart:
    """`ticks` are (height, value); `days` (place, day); `target` the height of a goal's line."""

    dots: Sequence[Dot]
    path: str
    ticks: Sequence[tuple[float, float]]
    days: Sequence[tuple[float, date, str]]
    target: float | None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def line_chart(values: Sequence[tuple[date, float]], target: float | None = None) -> LineChart:
    """Of values in order of days; at least one."""
    first, last = values[0][0], values[-1][0]
    numbers = [value for _, value in values] + ([target] if target is not None else [])
    scale = ticks_of(min(numbers), max(numbers))
    low, high = scale[0], scale[-1]
    span = max((last - first).days, 1)

    def across(day: date) -> float:
        if first == last:
            return (LEFT + WIDTH - RIGHT) / 2
        return round(LEFT + 8 + (day - first).days / span * (WIDTH - RIGHT - LEFT - 16), 1)

    def up(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - BOTTOM - TOP), 1)

    dots = [Dot(across(day), up(value), day, value) for day, value in values]
    path = "M" + " L".join(f"{dot.x} {dot.y}" for dot in dots)
    days = [(dots[0].x, first, "start" if first != last else "middle")]
    if first != last:
        days.append((dots[-1].x, last, "end"))
    return LineChart(
        dots,
        path,
        [(up(tick), tick) for tick in scale],
        days,
        up(target) if target is not None else None,
    )


def ticks_of(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers that hold both ends, three to `most` of them."""
    if high - low < 1e-9:
        low, high = low - 1, high + 1
    raw = (high - low) / (most - 2)
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in _STEPS if size * factor >= raw * 0.999)
    start = math.floor(low / step + 1e-9) * step
    found = [start]
    while found[-1] < high - 1e-9:
        found.append(round(found[-1] + step, 6))
    return [round(tick, 6) for tick in found]


@dataclass(frozen=True)
class Bar:
    """A week's bar."""

    x: float
    y: float
    height: float
    monday: date
    value: float


@dataclass(frozen=True)
class BarChart:
    """Bars from zero; `ticks` as in `LineChart`."""

    bars: Sequence[Bar]
    bar_width: float
    ticks: Sequence[tuple[float, float]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def bar_chart(values: Sequence[tuple[date, float]]) -> BarChart:
    """Of weeks in order; at least one."""
    scale = ticks_of(0, max(*(value for _, value in values), 1))
    room = (WIDTH - RIGHT - LEFT - 8) / len(values)
    tall = HEIGHT - BOTTOM - TOP

    def size(value: float) -> float:
        return round(value / scale[-1] * tall, 1)

    bars = [
        Bar(
            round(LEFT + 4 + i * room + room * 0.15, 1),
            round(HEIGHT - BOTTOM - size(value), 1),
            size(value),
            day,
            value,
        )
        for i, (day, value) in enumerate(values)
    ]
    return BarChart(
        bars, round(room * 0.7, 1), [(HEIGHT - BOTTOM - size(tick), tick) for tick in scale]
    )
