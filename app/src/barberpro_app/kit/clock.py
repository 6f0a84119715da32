"""The time, in one place, so that tests can set it. The database's `now()` decides about bookings."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)
