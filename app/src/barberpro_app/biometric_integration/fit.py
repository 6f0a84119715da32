"""FIT, the format of sport watches (Garmin FIT protocol), read by fitdecode with its checksums."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import fitdecode

from barberpro_app.biometric_integration.errors import FileBrokenError, NoActivityError
from barberpro_app.biometric_integration.summary import Activity, Reading, sum_up

#: A second each for more than two days; a file with more is no activity.
MOST_MESSAGES = 200_000
MOST_SESSIONS = 50
_FAULTS = (
    fitdecode.FitError,
    struct.error,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    ArithmeticError,
    AssertionError,
    UnicodeError,
)


def read(content: bytes, _zone: ZoneInfo) -> list[Activity]:
    """One activity per session of the file.

    Raises `FileBrokenError` for one that is cut off or whose checksum is wrong, `NoActivityError`
    for a file of settings or health data, `ImplausibleError`.
    """
    try:
        sessions = list(_sessions(content))
    except _FAULTS as error:
        raise FileBrokenError(field="file") from error
    if not sessions:
        raise NoActivityError(field="file")
    return [sum_up(reading) for reading in sessions]


def _sessions(content: bytes) -> Iterator[Reading]:
    count = 0
    with fitdecode.FitReader(
        io.BytesIO(content),
        check_crc=fitdecode.CrcCheck.RAISE,
        error_handling=fitdecode.ErrorHandling.RAISE,
    ) as frames:
        for number, frame in enumerate(frames):
            if number > MOST_MESSAGES:
                raise NoActivityError(field="file")
            if frame.frame_type != fitdecode.FIT_FRAME_DATA or frame.name != "session":
                continue
            reading = _reading(frame)
            if reading is not None:
                count += 1
                if count > MOST_SESSIONS:
                    raise NoActivityError(field="file")
                yield reading


def _reading(frame: Any) -> Reading | None:
    """None for a session without a start or a duration, as a watch leaves one when it was cancelled."""
    start = _value(frame, "start_time")
    elapsed = _number(frame, "total_elapsed_time")
    timer = _number(frame, "total_timer_time")
    if not isinstance(start, datetime) or not (elapsed or timer):
        return None
    sport = " ".join(
        str(_value(frame, name) or "") for name in ("sport", "sub_sport", "sport_profile_name")
    )
    return Reading(
        starts_at=start if start.tzinfo else start.replace(tzinfo=UTC),
        elapsed_seconds=max(elapsed or 0, timer or 0),
        sport=sport,
        moving_seconds=timer,
        distance_m=_number(frame, "total_distance"),
        heart_rate_avg=_number(frame, "avg_heart_rate"),
        heart_rate_max=_number(frame, "max_heart_rate"),
        energy_kcal=_number(frame, "total_calories"),
        ascent_m=_number(frame, "total_ascent"),
    )


def _value(frame: Any, name: str) -> object:
    return frame.get_value(name, fallback=None)


def _number(frame: Any, name: str) -> float | None:
    value = _value(frame, name)
    return float(value) if isinstance(value, (int, float)) else None
