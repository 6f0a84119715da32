"""Reports as the API shows them. Shares are computed from the counts by who reads them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, Self
from uuid import UUID

from pydantic import model_validator

from barberpro_app.kit.schemas import Answer, Request

#: No longer span is answered, in days.
LONGEST = 400
#: Up to so many days the parts are days, up to so many weeks; beyond, months.
_BY_DAY, _BY_WEEK = 14, 190

Grain = Literal["day", "week", "month"]


class Span(Request):
    """Local days from `first` to `last`, both in it."""

    first: date
    last: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not timedelta(0) <= self.last - self.first < timedelta(days=LONGEST):
            raise ValueError(f"`last` must be on or after `first`, at most {LONGEST} days in all")
        if not date(2000, 1, 1) <= self.first or self.last > date(2200, 1, 1):
            raise ValueError("a day between 2000 and 2200")
        return self

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def grain(self) -> Grain:
        """Which parts a span is shown in."""
        if self.days <= _BY_DAY:
            return "day"
        return "week" if self.days <= _BY_WEEK else "month"

    def parts(self) -> list[date]:
        """The first days of its parts; of the first part maybe before the span."""
        found = [start_of_part(self.first, self.grain)]
        while (following := _next(found[-1], self.grain)) <= self.last:
            found.append(following)
        return found


def start_of_part(day: date, grain: Grain) -> date:
    """The first day of the day, ISO week or month that a day is in."""
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain == "month" else day


def _next(day: date, grain: Grain) -> date:
    if grain == "month":
        return (day + timedelta(days=31)).replace(day=1)
    return day + timedelta(days=7 if grain == "week" else 1)


class ProviderTime(Answer):
    """Minutes that a provider was open for bookings and minutes booked, also outside those."""

    provider_id: UUID
    name: str
    opened_minutes: int
    booked_minutes: int


class HourTime(Answer):
    """The same of an hour of the local day (0 to 23) on an ISO weekday, over the whole span."""

    weekday: int
    hour: int
    opened_minutes: int
    booked_minutes: int


class Occupancy(Answer):
    """What was booked of the opened time. Opened are working hours without breaks, time off and
    closed holidays; booked are the minutes of what was not cancelled, without buffers, and of
    sessions with at least one booking."""

    opened_minutes: int
    booked_minutes: int
    providers: list[ProviderTime]
    hours: list[HourTime]


class AttendancePart(Answer):
    """Bookings that took place, and that were missed."""

    first_day: date
    came: int
    missed: int


class Attendance(Answer):
    """By the day on which a booking starts."""

    came: int
    missed: int
    items: list[AttendancePart]


class ClientsPart(Answer):
    """Clients who came in a part; new is who came for the first time ever."""

    first_day: date
    new: int
    returning: int


class Clients(Answer):
    """Who came, each once; new is who had never come before the span. Who returns in several parts
    is counted in each of them."""

    new: int
    returning: int
    items: list[ClientsPart]


class RevenuePart(Answer):
    """What was earned in a part."""

    first_day: date
    centavos: int


class ServiceRevenue(Answer):
    """What a service earned. Without a service, `kind` says what else it was: credits of packages
    and memberships (`pass`), or anything else (`other`)."""

    service_id: UUID | None
    kind: Literal["booking", "pass", "other"]
    name: dict[str, str]
    centavos: int


class Means(Answer):
    """Money of one account where money is (`cash`, `bank`, `mercado-pago`): what came in, what went
    out again, and the fees of the provider."""

    account: str
    received_centavos: int
    returned_centavos: int
    fees_centavos: int


class Revenue(Answer):
    """From the books: what was earned (by accrual), and by which means money came."""

    currency: str
    centavos: int
    items: list[RevenuePart]
    services: list[ServiceRevenue]
    means: list[Means]


class Report(Answer):
    """All figures of a span. `revenue` is null where payments are not kept. `items` have every part
    of the span, by `grain`."""

    first: date
    last: date
    grain: Grain
    occupancy: Occupancy
    attendance: Attendance
    clients: Clients
    revenue: Revenue | None
