"""Visits in a shop of the tests, and what must hold of all that is stored, whatever happened."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from support_shop import ANONYMOUS_ACTOR, Shop

from barberpro_app.audit.trail import Actor
from barberpro_app.booking.schemas import Contact
from barberpro_app.kit.database import Connection
from barberpro_app.visit import service as visits
from barberpro_app.visit.schemas import LineRequest, Visit, VisitBookRequest, VisitHoldRequest


def lines(shop: Shop, *services: str, provider: int | None = None) -> tuple[LineRequest, ...]:
    who = None if provider is None else shop.providers[provider]
    return tuple(LineRequest(service_id=shop.services[s], provider_id=who) for s in services)


async def hold(
    connection: Connection,
    shop: Shop,
    start: datetime,
    wanted: tuple[LineRequest, ...],
    actor: Actor = ANONYMOUS_ACTOR,
) -> Visit:
    request = VisitHoldRequest(location_id=shop.location, starts_at=start, lines=wanted)
    return await visits.hold(connection, shop.app, actor, request)


async def book(
    connection: Connection,
    shop: Shop,
    start: datetime,
    wanted: tuple[LineRequest, ...],
    actor: Actor,
    email: str = "ana@visit.example",
) -> Visit:
    request = VisitBookRequest(
        location_id=shop.location,
        starts_at=start,
        lines=wanted,
        client=Contact(name="Ana Paz", email=email),
    )
    return await visits.book(connection, shop.app, actor, request)


#: Each finds what must not be: overlaps, halves of visits, live bookings that lack a part of what they
#: take, time that is kept for nobody.
VIOLATIONS = (
    "SELECT a.booking_id FROM occupancy a JOIN occupancy b ON a.resource_id = b.resource_id"
    " AND a.ctid < b.ctid AND a.active AND b.active AND a.period && b.period",
    "SELECT visit_id FROM booking WHERE visit_id IS NOT NULL AND status <> 'cancelled'"
    " GROUP BY visit_id HAVING bool_or(status IN ('held', 'requested', 'expired'))"
    " AND bool_or(status NOT IN ('held', 'requested', 'expired'))",
    "SELECT b.id FROM booking b WHERE b.status NOT IN ('cancelled', 'expired') AND ("
    " NOT EXISTS (SELECT FROM occupancy o WHERE o.booking_id = b.id AND o.part = 'provider'"
    "  AND o.active AND o.resource_id = b.provider_id)"
    " OR (SELECT coalesce(sum(count), 0) FROM service_resource n WHERE n.service_id = b.service_id)"
    "  <> (SELECT count(*) FROM occupancy o WHERE o.booking_id = b.id AND o.part <> 'provider'"
    "   AND o.active))",
    "SELECT b.id FROM booking b JOIN occupancy o ON o.booking_id = b.id AND o.active"
    " WHERE b.status IN ('cancelled', 'expired')",
)


def check_invariants(shop: Shop) -> None:
    """Nothing overlaps, nothing is half a visit, every live booking has all that it takes."""
    for query in VIOLATIONS:
        assert shop.rows(query) == [], query


def lines_of(visit: Visit) -> list[tuple[UUID, str]]:
    return [(line.provider.id, line.status) for line in visit.lines]
