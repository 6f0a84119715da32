"""What is kept of an activity, in SI units, and what is too odd to be kept.

A figure that a device cannot have measured (a pulse of 0 or 255, a distance of ten thousand
kilometres) is left out; a start or a duration that cannot be refuses the file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from barberpro_app.biometric_integration.errors import ImplausibleError
from barberpro_app.kit import clock

#: Thermochemical calorie, as devices and food tables use it (ISO 80000-5 remark): joules per kcal.
JOULES_PER_KCAL = 4184
LONGEST = timedelta(days=2)
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_SPORTS = {
    "run": ("run", "correr", "carrera", "trote", "jog", "trail"),
    "ride": ("ride", "cycl", "bik", "bici", "ciclis", "spinning"),
    "hike": ("hik", "trek", "sender", "mountaineer"),
    "walk": ("walk", "camin"),
    "swim": ("swim", "nad", "natac", "pileta"),
    "row": ("row", "remo", "kayak", "paddl"),
    "strength": ("strength", "fuerza", "weight", "musculac", "gym", "training"),
    "yoga": ("yoga", "pilates", "stretch", "flexib"),
}


@dataclass(frozen=True, slots=True)
class Activity:
    """One outing. `elapsed` from start to end, `moving_seconds` without the pauses where known."""

    sport: str
    starts_at: datetime
    ends_at: datetime
    moving_seconds: int
    distance_m: int | None = None
    heart_rate_avg: int | None = None
    heart_rate_max: int | None = None
    energy_j: int | None = None
    ascent_m: int | None = None


@dataclass(slots=True)
class Reading:
    """Figures as a file gives them, already in SI units."""

    starts_at: datetime
    elapsed_seconds: float
    sport: str = ""
    moving_seconds: float | None = None
    distance_m: float | None = None
    heart_rate_avg: float | None = None
    heart_rate_max: float | None = None
    energy_kcal: float | None = None
    ascent_m: float | None = None


def sum_up(reading: Reading) -> Activity:
    """The activity that is kept. Raises `ImplausibleError`."""
    try:
        start, seconds = reading.starts_at.astimezone(UTC), reading.elapsed_seconds
    except OverflowError as error:  # the first or the last hours that there are
        raise ImplausibleError(field="file") from error
    if not math.isfinite(seconds) or not 1 <= seconds <= LONGEST.total_seconds():
        raise ImplausibleError(field="file")
    if not FIRST <= start <= clock.now() + timedelta(minutes=5):
        raise ImplausibleError(field="file")
    moving = reading.moving_seconds
    if moving is None or not math.isfinite(moving) or not 1 <= moving <= seconds:
        moving = seconds
    average = _within(reading.heart_rate_avg, 20, 250)
    highest = _within(reading.heart_rate_max, 20, 250)
    energy = _within(reading.energy_kcal, 1, 20_000)
    return Activity(
        sport=sport_of(reading.sport),
        starts_at=start.replace(microsecond=0),
        ends_at=start.replace(microsecond=0) + timedelta(seconds=max(1, round(seconds))),
        moving_seconds=max(1, min(round(moving), round(seconds))),
        distance_m=_within(reading.distance_m, 0, 1_000_000),
        heart_rate_avg=average,
        heart_rate_max=max(highest, average or 0) if highest is not None else None,
        energy_j=energy * JOULES_PER_KCAL if energy is not None else None,
        ascent_m=_within(reading.ascent_m, 0, 20_000),
    )


def sport_of(name: str) -> str:
    """One of the sports that there are texts for; `other` for what is not told."""
    plain = name.lower()
    for sport, parts in _SPORTS.items():
        if any(part in plain for part in parts):
            return sport
    return "other"


def _within(value: float | None, least: int, most: int) -> int | None:
    """The whole number, None for what was not measured or cannot be."""
    if value is None or not math.isfinite(value) or not least <= round(value) <= most:
        return None
    return round(value)
