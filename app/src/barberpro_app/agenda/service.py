"""What lies on some days of some providers, and moving a booking there by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.agenda import repository
from barberpro_app.audit.trail import Actor
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking, RescheduleRequest
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import ConflictError, NotAllowedError
from barberpro_app.location.holidays import near
from barberpro_app.settings import AppConfiguration

#: More than any page can show; a business with more looks at fewer people at once.
LIMIT = 3000


class OutsideRulesError(ConflictError):
    """The hours do not permit this; it can be done all the same."""

    code = "outside_rules"

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Days:
    """Consecutive local days in the zone of the business."""

    first: date
    count: int
    zone: ZoneInfo

    @property
    def all(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range(self.count)]

    @property
    def last(self) -> date:
        return self.first + timedelta(days=self.count - 1)

    @property
    def stretch(self) -> tuple[datetime, datetime]:
        """From the first midnight to the one after the last day."""
        start, end = (
            datetime.combine(day, datetime.min.time(), self.zone)
            for day in (self.first, self.last + timedelta(days=1))
        )
        return start, end


@dataclass(frozen=True, slots=True)
class Item:
    """A booking as the agenda needs it; `taken_*` is its time with the buffers."""

    id: UUID
    provider_id: UUID
    location_id: UUID
    client_id: UUID | None
    status: str
    starts_at: datetime
    ends_at: datetime
    taken_from: datetime
    taken_until: datetime
    client: str | None
    service: dict[str, str]
    has_note: bool
    version: int
    session_id: UUID | None
    resources: list[str]


@dataclass(frozen=True, slots=True)
class Session:
    """A group that meets; `seats` are taken of `capacity`."""

    id: UUID
    provider_id: UUID
    location_id: UUID
    starts_at: datetime
    ends_at: datetime
    service: dict[str, str]
    place: str
    seats: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Hours:
    """Minutes since local midnight of one weekday (ISO) at a location, with pauses."""

    provider_id: UUID
    location_id: UUID
    weekday: int
    opens: int
    closes: int
    valid_from: date
    valid_to: date | None
    breaks: list[list[int]]


@dataclass(frozen=True, slots=True)
class Absence:
    """When somebody is away; `id` where the team may take it back, no `reason` for what is outside."""

    provider_id: UUID | None
    location_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    reason: str = ""
    id: UUID | None = None
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    items: list[Item]
    sessions: list[Session]
    hours: list[Hours]
    absences: list[Absence]


async def look(
    connection: Connection,
    actor: Actor,
    days: Days,
    people: Sequence[UUID],
    location_id: UUID | None = None,
) -> Found:
    """Everything of these people on these days. A provider's login sees the own agenda alone.

    Raises `NotAllowedError` for clients and for another's agenda.
    """
    principal = actor.principal
    if principal.kind in {"client", "anonymous"}:
        raise NotAllowedError
    if principal.own_agenda_only and any(key != principal.provider_id for key in people):
        raise NotAllowedError(field="provider_id")
    items = await repository.bookings(connection, days.stretch, people, location_id, LIMIT)
    groups = await repository.sessions(connection, days.stretch, people, location_id, LIMIT)
    hours = await repository.hours(connection, (days.first, days.last), people, location_id)
    off, busy = await repository.absences(connection, days.stretch, people)
    return Found(
        [Item(**row) for row in items],
        [Session(**row) for row in groups],
        [Hours(**row) for row in hours],
        [Absence(**row) for row in off]
        + [Absence(**row, location_id=None, outside=True) for row in busy],
    )


@dataclass(frozen=True, slots=True)
class Move:
    """Where a booking is to go. `regardless`: also where hours, pauses or holidays speak against it."""

    starts_at: datetime
    provider_id: UUID | None
    version: int | None
    regardless: bool = False


async def move(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    booking_id: UUID,
    asked: Move,
    reason: str,
) -> Booking:
    """Moves a booking for the team, past the notice that clients have to keep; `reason` is for the
    trail. Raises `OutsideRulesError` unless `regardless`, and as `booking.service.reschedule`."""
    before = await bookings.get(connection, actor, booking_id)
    provider_id = asked.provider_id or before.provider.id
    if not asked.regardless:
        holidays = near(app.country, asked.starts_at)
        problem = await repository.move_problem(
            connection, booking_id, provider_id, asked.starts_at, holidays
        )
        if problem is not None:
            raise OutsideRulesError(problem)
    request = RescheduleRequest(
        starts_at=asked.starts_at,
        provider_id=asked.provider_id if asked.provider_id != before.provider.id else None,
        version=asked.version,
        override_reason=reason,
    )
    return await bookings.reschedule(connection, app, actor, booking_id, request)
