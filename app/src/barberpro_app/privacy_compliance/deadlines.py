"""By when a request must be answered, in Argentina.

Access: 10 running days (Ley 25.326 art. 14.2). Rectification and erasure: 5 business days (art.
16.2). Copy of a clinical record: 48 hours (Ley 26.529 art. 14). Days are counted from the day after
the request, in the zone of the business; a deadline in days ends when its last day ends.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from barberpro_app.location.holidays import holiday_name

Kind = Literal["access", "rectification", "erasure", "clinical_copy"]
KINDS: tuple[Kind, ...] = ("access", "rectification", "erasure", "clinical_copy")
ACCESS_DAYS, CHANGE_BUSINESS_DAYS, COPY_HOURS = 10, 5, 48
_SATURDAY = 5


def due_at(kind: Kind, received: datetime, zone: ZoneInfo, country: str) -> datetime:
    """The instant at which the time to answer is over."""
    if kind == "clinical_copy":
        return received + timedelta(hours=COPY_HOURS)
    day = received.astimezone(zone).date()
    if kind == "access":
        last = day + timedelta(days=ACCESS_DAYS)
    else:
        last = add_business_days(day, CHANGE_BUSINESS_DAYS, country)
    return datetime.combine(last + timedelta(days=1), time.min, zone)


def add_business_days(day: date, count: int, country: str) -> date:
    """The last of so many days that are neither weekend nor public holiday, from the day after."""
    while count:
        day += timedelta(days=1)
        if is_business_day(day, country):
            count -= 1
    return day


def is_business_day(day: date, country: str) -> bool:
    return day.weekday() < _SATURDAY and holiday_name(country, day, "es") is None
