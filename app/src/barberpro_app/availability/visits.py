"""Free times of several services in one visit."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from barberpro_app.availability import repository
from barberpro_app.availability.chains import Chain, Line, Needed
from barberpro_app.availability.schemas import Availability, AvailableDay, Slot, VisitQuery
from barberpro_app.availability.service import Frame, candidate_of, frame_of
from barberpro_app.availability.slots import Calendar, Offer, instant, pairs
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.settings import AppConfiguration


async def free_visits(
    connection: Connection, app: AppConfiguration, query: VisitQuery
) -> Availability:
    """The days asked for, each with the starts at which all services fit one after the other;
    `provider_ids` of a time says who gives each of them. Raises `NotFoundError` for an unknown
    service or location."""
    lines: list[Line] = []
    calendars: dict[UUID, Calendar] = {}
    frame: Frame | None = None
    for wish in query.wishes:
        arguments = repository.parameters(
            wish[0], query.location_id, wish[1], query.first, query.days
        )
        rows = await repository.inputs(connection, app.policies.model_dump(), arguments)
        if not rows:
            raise NotFoundError("There is no such location.", field="location_id")
        if rows[0]["service_id"] is None:
            raise NotFoundError("There is no such service.", field="line")
        frame = frame or frame_of(app, rows[0])
        offers: dict[UUID, Offer] = {}
        for row in rows:
            if row["provider_id"] is not None:
                candidate = candidate_of(row)
                offers[candidate.provider_id] = candidate.offer
                calendars[candidate.provider_id] = candidate.calendar
        lines.append(Line(offers, await _needed(connection, rows[0]["needs"], arguments)))
    if frame is None:
        raise NotFoundError
    chain = Chain(lines, calendars, frame.zone)
    days = [query.first + timedelta(days=number) for number in range(query.days)]
    return Availability.model_construct(
        zone=frame.zone.key, days=[_day(day, frame, chain) for day in days]
    )


async def _needed(
    connection: Connection, needs: dict[str, int] | None, arguments: dict[str, Any]
) -> list[Needed]:
    if not needs:
        return []
    rows = await repository.resources(connection, list(needs), arguments)
    return [
        Needed(count, [pairs(row["busy"]) for row in rows if row["kind"] == kind])
        for kind, count in needs.items()
    ]


def _day(day: date, frame: Frame, chain: Chain) -> AvailableDay:
    holiday = frame.holiday(day)
    if holiday is not None or day > frame.last_day:
        return AvailableDay.model_construct(day=day, holiday=holiday, slots=[])
    slots = [
        Slot.model_construct(
            starts_at=instant(start),
            ends_at=instant(plan.ends),
            provider_ids=list(plan.providers),
        )
        for start, plan in chain.starts_of_day(day, frame.step, frame.earliest)
    ]
    return AvailableDay.model_construct(day=day, holiday=None, slots=slots)
