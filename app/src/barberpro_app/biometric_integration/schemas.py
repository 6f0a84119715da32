"""Activities in the JSON API: SI units."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from barberpro_app.kit.schemas import Answer, Instant

FormatName = Literal["fit", "gpx", "tcx", "csv"]


class ActivityShown(Answer):
    """One outing. Seconds, metres, beats per minute and joules; null where it was not measured."""

    id: UUID
    sport: str
    starts_at: Instant
    elapsed_seconds: int
    moving_seconds: int
    distance_m: int | None
    heart_rate_avg: int | None
    heart_rate_max: int | None
    energy_j: int | None
    ascent_m: int | None
    format: FormatName


class Activities(Answer):
    """Newest first."""

    items: list[ActivityShown]


class Imported(Answer):
    """What came out of a file; `duplicates` were there already, from this file or another."""

    format: FormatName
    items: list[ActivityShown]
    duplicates: int


class Week(Answer):
    """What was done from a Monday to the Sunday after it, in the zone of the business."""

    monday: str
    count: int
    moving_seconds: int
    distance_m: int
