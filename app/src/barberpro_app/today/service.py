"""The team's first page: what each member sees of the day, and of what waits for somebody."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.identity.principal import Principal
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError
from barberpro_app.today import repository

#: Days that are looked ahead for what comes next, and back for what nobody has seen to.
AHEAD, BACK = timedelta(days=7), timedelta(days=14)
NEXT = 8

#: What waits -> the scope that can do something about it, and the service that it is of ("": every
#: business has it). In the order of urgency.
_KINDS: dict[str, tuple[str, str]] = {
    "requests": ("bookings:write", ""),
    "walk_ins": ("clients:write", ""),
    "deposits": ("bookings:write", "payment"),
    "conflicts": ("bookings:read", "calendar-sync"),
    "unclosed": ("bookings:write", ""),
    "data_requests": ("settings:write", ""),
    "withdrawals": ("settings:write", ""),
    "messages": ("settings:write", ""),
    "licences": ("providers:read", "provider-verification-service"),
    "photos": ("settings:write", "portfolio-service"),
    "waiting_list": ("clients:write", ""),
}
#: For reception a licence is nobody's business.
_NOT_RECEPTION = {"licences"}


@dataclass(frozen=True, slots=True)
class Coming:
    """A booking, or a group that meets (`status` is `session`: then `seats` of `capacity` are taken)."""

    id: UUID
    session_id: UUID | None
    status: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    version: int
    client_id: UUID | None
    provider: str
    service: dict[str, str]
    client: str | None
    resources: list[str]
    seats: int | None
    capacity: int | None


@dataclass(frozen=True, slots=True)
class Count:
    """Bookings of the local day."""

    booked: int
    came: int
    to_come: int
    missed: int


@dataclass(frozen=True, slots=True)
class Wait:
    """So many of a kind wait; `moment` is a deadline or since when."""

    kind: str
    number: int
    moment: datetime | None


@dataclass(frozen=True, slots=True)
class Board:
    coming: list[Coming]
    count: Count
    waits: list[Wait]


def kinds_for(principal: Principal, services: Collection[str]) -> list[str]:
    """What this member of the team can do something about in this business."""
    return [
        kind
        for kind, (scope, service) in _KINDS.items()
        if principal.has_scope(scope)
        and (not service or service in services)
        and not (kind in _NOT_RECEPTION and principal.has_role("reception"))
    ]


async def look(
    connection: Connection,
    principal: Principal,
    services: Collection[str],
    now: datetime,
    zone: ZoneInfo,
) -> Board:
    """As of `now`. A provider's login sees the own day alone. Raises `NotAllowedError`."""
    if principal.kind != "staff" or not principal.has_scope("bookings:read"):
        raise NotAllowedError
    own = principal.provider_id if principal.own_agenda_only else None
    if principal.own_agenda_only and own is None:
        return Board([], Count(0, 0, 0, 0), [])
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = midnight + timedelta(days=1)
    coming = await repository.coming(connection, (midnight, midnight + AHEAD), now, own, NEXT)
    count = await repository.day(connection, (midnight, tomorrow), now, own)
    kinds = kinds_for(principal, services)
    waits = await repository.waits(connection, kinds, now, now - BACK, own)
    return Board(
        [Coming(**row) for row in coming],
        Count(**count),
        [Wait(row["kind"], row["number"], row["moment"]) for row in waits],
    )
