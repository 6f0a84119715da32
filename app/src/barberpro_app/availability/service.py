"""Free times of a service: what a client can book, and with whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.availability import repository
from barberpro_app.availability.schemas import (
    Availability,
    AvailabilityQuery,
    AvailableDay,
    Slot,
)
from barberpro_app.availability.slots import (
    Calendar,
    Hours,
    Offer,
    instant,
    joined,
    lacking,
    pairs,
    starts_of_day,
)
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.location.holidays import holiday_name
from barberpro_app.settings import AppConfiguration


async def free_times(
    connection: Connection, app: AppConfiguration, query: AvailabilityQuery
) -> Availability:
    """The days asked for, each with its free times within notice and booking window.

    Raises `NotFoundError` for an unknown service or location.
    """
    arguments = repository.parameters(
        query.service_id, query.location_id, query.provider_id, query.first, query.days
    )
    rows = await repository.inputs(connection, app.policies.model_dump(), arguments)
    if not rows:
        raise NotFoundError("There is no such location.", field="location_id")
    if rows[0]["service_id"] is None:
        raise NotFoundError("There is no such service.", field="service_id")
    frame = frame_of(app, rows[0])
    if rows[0]["capacity"] > 1:
        found = await repository.sessions(connection, arguments)
        return _of_sessions(query, frame, found)
    candidates = [candidate_of(row) for row in rows if row["provider_id"] is not None]
    if rows[0]["needs"] and candidates:
        found = await repository.resources(connection, list(rows[0]["needs"]), arguments)
        candidates = _within(candidates, rows[0]["needs"], found)
    days = [query.first + timedelta(days=number) for number in range(query.days)]
    return Availability.model_construct(
        zone=frame.zone.key, days=[_day(day, frame, candidates) for day in days]
    )


def _of_sessions(
    query: AvailabilityQuery, frame: Frame, sessions: list[dict[str, Any]]
) -> Availability:
    """The starts of sessions with a seat left; they say their own time, whatever the hours."""
    slots: dict[date, dict[int, Slot]] = {}
    for row in sessions:
        day = instant(row["starts"]).astimezone(frame.zone).date()
        if row["starts"] < frame.earliest or day > frame.last_day:
            continue
        slot = slots.setdefault(day, {}).setdefault(
            row["starts"],
            Slot(starts_at=instant(row["starts"]), ends_at=instant(row["ends"]), provider_ids=[]),
        )
        slot.provider_ids.append(row["provider_id"])
    days = [query.first + timedelta(days=number) for number in range(query.days)]
    return Availability(
        zone=frame.zone.key,
        days=[
            AvailableDay(
                day=day,
                holiday=None if day in slots else frame.holiday(day),
                slots=list(slots.get(day, {}).values()),
            )
            for day in days
        ],
    )


@dataclass(frozen=True, slots=True)
class Frame:
    """What holds for every provider: zone, the earliest start, the last day, the grid, holidays."""

    zone: ZoneInfo
    earliest: int
    last_day: date
    step: int
    overrides: dict[str, tuple[bool, str]]
    country: str
    language: str

    def holiday(self, day: date) -> str | None:
        """The name of what closes the day; None if it is open."""
        override = self.overrides.get(day.isoformat())
        if override is None:
            return holiday_name(self.country, day, self.language)
        is_open, name = override
        return None if is_open else name


@dataclass(frozen=True, slots=True)
class Candidate:
    provider_id: UUID
    offer: Offer
    calendar: Calendar


def frame_of(app: AppConfiguration, row: dict[str, Any]) -> Frame:
    zone, policies = ZoneInfo(row["zone"]), row["policies"]
    today = instant(row["now"]).astimezone(zone).date()
    return Frame(
        zone=zone,
        # the database compares with fractions of the second, so round up
        earliest=row["now"] + 1 + policies["minimum_notice_minutes"] * 60,
        last_day=today + timedelta(days=policies["booking_window_days"]),
        step=policies["slot_minutes"] * 60,
        overrides=row["overrides"] or {},
        country=app.country,
        language=app.locale,
    )


def candidate_of(row: dict[str, Any]) -> Candidate:
    hours = [
        Hours(
            weekday,
            opens,
            closes,
            date.fromisoformat(valid_from),
            date.fromisoformat(valid_to) if valid_to else None,
            tuple((starts, ends) for starts, ends in breaks or ()),
        )
        for weekday, opens, closes, valid_from, valid_to, breaks in row["hours"] or ()
    ]
    offer = Offer(row["minutes"] * 60, row["buffer_before"] * 60, row["buffer_after"] * 60)
    busy = list(zip(row["starts"] or (), row["ends"] or (), strict=True))
    return Candidate(row["provider_id"], offer, Calendar(hours, busy, pairs(row["away"])))


def _within(
    candidates: Sequence[Candidate], needs: dict[str, int], rows: Sequence[dict[str, Any]]
) -> list[Candidate]:
    """The candidates, each kept to the times at which enough of every kind is free."""
    taken: dict[str, list[list[tuple[int, int]]]] = {kind: [] for kind in needs}
    for row in rows:
        taken[row["kind"]].append(pairs(row["busy"]))
    by_offer = {
        offer: list(
            joined(
                sorted(
                    interval
                    for kind, needed in needs.items()
                    for interval in lacking(taken[kind], needed, offer)
                )
            )
        )
        for offer in {candidate.offer for candidate in candidates}
    }
    return [
        replace(item, calendar=replace(item.calendar, lacking=by_offer[item.offer]))
        for item in candidates
    ]


def _day(day: date, frame: Frame, candidates: Sequence[Candidate]) -> AvailableDay:
    holiday = frame.holiday(day)
    if holiday is not None or day > frame.last_day:
        return AvailableDay.model_construct(day=day, holiday=holiday, slots=[])
    who: dict[int, list[UUID]] = {}
    length: dict[int, int] = {}
    for candidate in candidates:
        offer = candidate.offer
        for start in starts_of_day(day, frame.zone, offer, candidate.calendar, frame.step):
            if start < frame.earliest:
                continue
            who.setdefault(start, []).append(candidate.provider_id)
            length[start] = max(length.get(start, 0), offer.length)
    slots = [
        Slot.model_construct(
            starts_at=instant(start),
            ends_at=instant(start + length[start]),
            provider_ids=who[start],
        )
        for start in sorted(who)
    ]
    return AvailableDay.model_construct(day=day, holiday=None, slots=slots)
