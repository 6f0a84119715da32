"""GPX 1.0 and 1.1: points with their times; distance, pauses and ascent by gpxpy."""

from __future__ import annotations

import math
from zoneinfo import ZoneInfo

from gpxpy.gpx import GPXTrackPoint, GPXTrackSegment

from barberpro_app.biometric_integration.errors import FileUnsafeError, NoActivityError
from barberpro_app.biometric_integration.markup import Target, feed, instant, number
from barberpro_app.biometric_integration.summary import Activity, Reading, sum_up

#: A point each second of two days.
MOST_POINTS = 172_800


class _Track:
    """One `<trk>`: its segments, and the pulse at its points."""

    def __init__(self) -> None:
        self.sport = ""
        self.segments: list[GPXTrackSegment] = []
        self.pulse: list[float] = []


class _Points(Target):
    def __init__(self) -> None:
        super().__init__()
        self.tracks: list[_Track] = []
        self._point: GPXTrackPoint | None = None
        self._count = 0

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "trk":
            self.tracks.append(_Track())
        elif name == "trkseg" and self.tracks:
            self.tracks[-1].segments.append(GPXTrackSegment())
        elif name == "trkpt" and self.tracks and self.tracks[-1].segments:
            self._count += 1
            if self._count > MOST_POINTS:
                raise FileUnsafeError(field="file")
            self._point = _point(attributes)

    def closed(self, name: str, text: str) -> None:
        if name == "trkpt":
            if self._point is not None and self._point.time is not None:
                self.tracks[-1].segments[-1].points.append(self._point)
            self._point = None
        elif self._point is not None:
            self._of_point(self._point, name, text)
        elif name in {"type", "name"} and self.path[-2:-1] == ["trk"]:
            self.tracks[-1].sport += f" {text}"

    def _of_point(self, point: GPXTrackPoint, name: str, text: str) -> None:
        if name == "time":
            point.time = instant(text)
        elif name == "ele":
            height = number(text)
            # from the lowest shore to above the highest summit, in metres
            point.elevation = height if height is not None and -500 < height < 10_000 else None
        elif name == "hr" and (pulse := number(text)) is not None and math.isfinite(pulse):
            self.tracks[-1].pulse.append(pulse)


def _point(attributes: dict[str, str]) -> GPXTrackPoint | None:
    latitude = number(attributes.get("lat", ""))
    longitude = number(attributes.get("lon", ""))
    if latitude is None or longitude is None:
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return GPXTrackPoint(latitude, longitude)


def read(content: bytes, _zone: ZoneInfo) -> list[Activity]:
    """One activity per track. Raises `FileBrokenError`, `FileUnsafeError`, `NoActivityError`,
    `ImplausibleError`."""
    points = _Points()
    feed(content, points)
    readings = [_reading(track) for track in points.tracks]
    found = [sum_up(reading) for reading in readings if reading is not None]
    if not found:
        raise NoActivityError(field="file")
    return found


def _reading(track: _Track) -> Reading | None:
    times = [point.time for segment in track.segments for point in segment.points if point.time]
    if not times:
        return None
    moving, distance, ascent = 0.0, 0.0, 0.0
    for segment in track.segments:
        distance += segment.length_2d() or 0.0
        ascent += segment.get_uphill_downhill().uphill
        data = segment.get_moving_data(raw=True)
        moving += data.moving_time if data else 0.0
    has_height = any(
        point.elevation is not None for segment in track.segments for point in segment.points
    )
    return Reading(
        starts_at=min(times),
        elapsed_seconds=(max(times) - min(times)).total_seconds(),
        sport=track.sport,
        moving_seconds=moving or None,
        distance_m=distance,
        heart_rate_avg=sum(track.pulse) / len(track.pulse) if track.pulse else None,
        heart_rate_max=max(track.pulse, default=None),
        ascent_m=ascent if has_height else None,
    )
