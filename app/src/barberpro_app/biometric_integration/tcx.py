"""TCX (Garmin Training Center Database v2): activities of laps, with a track for the ascent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from gpxpy.geo import calculate_uphill_downhill

from barberpro_app.biometric_integration.errors import FileUnsafeError, NoActivityError
from barberpro_app.biometric_integration.markup import Target, feed, instant, number
from barberpro_app.biometric_integration.summary import Activity, Reading, sum_up

MOST_POINTS = 172_800


@dataclass
class _Course:
    """One `<Activity>`, added up lap by lap."""

    sport: str
    starts_at: datetime | None = None
    last: datetime | None = None
    seconds: float = 0.0
    distance: float | None = None
    energy: float | None = None
    pulse: float = 0.0
    pulse_seconds: float = 0.0
    highest: float | None = None
    heights: list[float] = field(default_factory=list)
    lap_seconds: float = 0.0


class _Laps(Target):
    def __init__(self) -> None:
        super().__init__()
        self.courses: list[_Course] = []
        self._count = 0

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Activity":
            self.courses.append(_Course(attributes.get("Sport", "")))
        elif name == "Lap" and self.courses:
            self.courses[-1].lap_seconds = 0.0
            self._seen(attributes.get("StartTime", ""))
        elif name == "Trackpoint":
            self._count += 1
            if self._count > MOST_POINTS:
                raise FileUnsafeError(field="file")

    def closed(self, name: str, text: str) -> None:
        if not self.courses or len(self.path) < 2:
            return
        course, parent = self.courses[-1], self.path[-2]
        if parent == "Lap":
            self._of_lap(course, name, number(text))
        elif parent == "Trackpoint" and name == "Time":
            self._seen(text)
        elif parent == "Trackpoint" and name == "AltitudeMeters":
            height = number(text)
            if height is not None and -500 < height < 10_000:
                course.heights.append(height)
        elif name == "Value" and self.path[-3:-1] == ["Lap", "AverageHeartRateBpm"]:
            pulse = number(text)
            if pulse is not None and course.lap_seconds > 0:
                course.pulse += pulse * course.lap_seconds
                course.pulse_seconds += course.lap_seconds
        elif name == "Value" and self.path[-3:-1] == ["Lap", "MaximumHeartRateBpm"]:
            course.highest = max(course.highest or 0, number(text) or 0) or None

    def _of_lap(self, course: _Course, name: str, value: float | None) -> None:
        if value is None or value < 0:
            return
        if name == "TotalTimeSeconds":
            course.lap_seconds = value
            course.seconds += value
        elif name == "DistanceMeters":
            course.distance = (course.distance or 0) + value
        elif name == "Calories":
            course.energy = (course.energy or 0) + value

    def _seen(self, text: str) -> None:
        """An instant at which the activity was going on."""
        at = instant(text)
        if at is None:
            return
        course = self.courses[-1] if self.courses else None
        if course is not None:
            course.starts_at = min(course.starts_at or at, at)
            course.last = max(course.last or at, at)


def read(content: bytes, _zone: ZoneInfo) -> list[Activity]:
    """Raises `FileBrokenError`, `FileUnsafeError`, `NoActivityError`, `ImplausibleError`."""
    laps = _Laps()
    feed(content, laps)
    found = [
        sum_up(_reading(course, course.starts_at, course.last))
        for course in laps.courses
        if course.starts_at is not None and course.last is not None and course.seconds > 0
    ]
    if not found:
        raise NoActivityError(field="file")
    return found


def _reading(course: _Course, start: datetime, last: datetime) -> Reading:
    ascent = calculate_uphill_downhill(list(course.heights))[0] if course.heights else None
    return Reading(
        starts_at=start,
        elapsed_seconds=max((last - start).total_seconds(), course.seconds),
        sport=course.sport,
        moving_seconds=course.seconds,
        distance_m=course.distance,
        heart_rate_avg=course.pulse / course.pulse_seconds if course.pulse_seconds else None,
        heart_rate_max=course.highest,
        energy_kcal=course.energy,
        ascent_m=ascent,
    )
