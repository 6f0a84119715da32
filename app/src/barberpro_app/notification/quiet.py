"""Quiet hours: what is not urgent waits until the morning, in the brand's time zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from barberpro_app.kit import clock
from barberpro_app.notification.compose import OutgoingMessage

REMINDERS = frozenset({"booking_reminder", "booking_ask"})
#: 22:00 to 8:00, until the owner says otherwise.
FROM, TO = 22 * 60, 8 * 60
#: Who comes this soon after the quiet hours would be told too late in the morning.
SOON = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """`start` and `end` are minutes of the local day; equal ones mean that there are none."""

    start: int
    end: int
    zone: ZoneInfo

    @classmethod
    def of(cls, preferences: Mapping[str, Any], zone: ZoneInfo) -> QuietHours:
        start, end = preferences.get("quiet_from", FROM), preferences.get("quiet_to", TO)
        return cls(int(start), int(end), zone)

    def until(self, now: datetime) -> datetime | None:
        """When the quiet hours that `now` is in end; None outside of them."""
        local = now.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        over_midnight = self.start > self.end
        inside = (
            minute >= self.start or minute < self.end
            if over_midnight
            else self.start <= minute < self.end
        )
        if not inside:
            return None
        day = local.date() + timedelta(days=over_midnight and minute >= self.start)
        return datetime.combine(day, time(self.end // 60, self.end % 60), self.zone)

    def wait(self, message: OutgoingMessage) -> datetime | None:
        """Until when a message about a booking waits; None if it may go now. What is about a booking
        of this very day, or soon after the quiet hours, does not wait."""
        now = clock.now()
        until = self.until(now)
        starts = message.payload.get("starts_at")
        if until is None or not isinstance(starts, str):
            return None
        begins = datetime.fromisoformat(starts)
        today = begins.astimezone(self.zone).date() == now.astimezone(self.zone).date()
        return None if today or begins < until + SOON else until
