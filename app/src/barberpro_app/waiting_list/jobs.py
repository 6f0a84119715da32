"""Offers what is free to who waits, first come first.

The line is looked through as it is, with the free times as they are: nothing is kept in step with what
happened, so a crash at any point loses no turn, and the next pass goes on. One process looks at a time;
each offer is a transaction of its own, in which the database decides whether the time is still there.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.availability.schemas import MAX_DAYS, AvailabilityQuery
from barberpro_app.availability.service import free_times
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.kit.logging import get_logger
from barberpro_app.location.holidays import near
from barberpro_app.notification import repository as messages
from barberpro_app.notification.quiet import QuietHours
from barberpro_app.settings import AppConfiguration
from barberpro_app.waiting_list import repository
from barberpro_app.waiting_list.schemas import WaitingRules

#: How often a mark of freed time is looked for, and after how long the line is looked through anyway:
#: hours, days off and the days that can be booked change without a mark.
SECONDS = 2.0
EVERY_SECONDS = 60.0
_BATCH = 200
#: The hours of the local day at which an afternoon and an evening begin.
NOON, EVENING = 12, 18

log = get_logger(__name__)
Times = tuple[ZoneInfo, list[datetime]]


class Promoter:
    """Looks through the line when there is reason to; one per process."""

    def __init__(self, database: Database, app: AppConfiguration) -> None:
        self._database = database
        self._app = app
        self._looked = 0.0

    async def run(self) -> int:
        """How many offers were made."""
        async with self._database.connection() as connection:
            due = time.monotonic() - self._looked >= EVERY_SECONDS
            if not due and not await repository.last_mark(connection):
                return 0
        async with self._database.session() as connection:
            made = await look_through(connection, self._app)
        self._looked = time.monotonic()
        return made


async def look_through(connection: Connection, app: AppConfiguration) -> int:
    """Offers all that can be offered now; how much. Needs a session in autocommit."""
    if not await repository.try_lock(connection):
        return 0
    try:
        mark = await repository.last_mark(connection)
        await repository.close_over(connection)
        made = await _Pass(connection, app, await _rules(connection)).run()
        await repository.forget_marks(connection, mark)
        return made
    finally:
        await repository.unlock(connection)


async def _rules(connection: Connection) -> WaitingRules:
    return WaitingRules.model_validate(await repository.rules(connection))


class _Pass:
    """One look through the line. Free times are asked for once per wish, and anew after an offer."""

    def __init__(self, connection: Connection, app: AppConfiguration, rules: WaitingRules) -> None:
        self._connection = connection
        self._app = app
        self._rules = rules
        self._found: dict[tuple[Any, ...], Times] = {}
        self._quiet: QuietHours | None = None

    async def run(self) -> int:
        if not self._rules.enabled:
            return 0
        preferences = await messages.preferences(self._connection)
        self._quiet = QuietHours.of(preferences, self._app.zone)
        made = 0
        after: tuple[datetime, UUID] | None = None
        while True:
            wishes = await repository.wishes(self._connection, after, _BATCH)
            for wish in wishes:
                made += await self._serve(wish)
            if len(wishes) < _BATCH:
                return made
            after = (wishes[-1]["joined_at"], wishes[-1]["id"])

    async def _serve(self, wish: dict[str, Any]) -> int:
        """One if the wish got an offer."""
        for starts_at in await self._times(wish):
            answer = await repository.offer(
                self._connection,
                self._app.policies.model_dump(),
                wish["id"],
                starts_at,
                self._answer_by(starts_at),
                [day.isoformat() for day in near(self._app.country, starts_at)],
            )
            if answer == "taken":
                continue
            self._found.clear()
            if answer == "offered":
                log.info("waiting_offered", entry_id=str(wish["id"]))
                return 1
            return 0  # left meanwhile, or may not book
        return 0

    async def _times(self, wish: dict[str, Any]) -> list[datetime]:
        """What fits the wish and is far enough ahead, earliest first."""
        earliest = clock.now() + timedelta(hours=self._rules.cutoff_hours)
        if wish["session_id"] is not None:
            starts = wish["session_starts_at"]
            free = starts >= earliest and wish["session_free"] >= wish["seats"]
            return [starts] if free else []
        zone, times = await self._free(wish)
        refused = set(wish["refused"])
        return [
            starts
            for starts in times
            if starts >= earliest
            and part_of_day(starts, zone) in wish["parts"]
            and starts not in refused
        ]

    async def _free(self, wish: dict[str, Any]) -> Times:
        today = clock.now().astimezone(self._app.zone).date()
        first = max(wish["first_day"], today - timedelta(days=1))
        days = min((wish["last_day"] - first).days + 1, MAX_DAYS)
        if days < 1:
            return self._app.zone, []
        key = (wish["service_id"], wish["location_id"], wish["provider_id"], first, days)
        if key not in self._found:
            self._found[key] = await self._ask(wish, first, days)
        return self._found[key]

    async def _ask(self, wish: dict[str, Any], first: date, days: int) -> Times:
        query = AvailabilityQuery(
            service_id=wish["service_id"],
            location_id=wish["location_id"],
            provider_id=wish["provider_id"],
            first=first,
            days=days,
        )
        try:
            found = await free_times(self._connection, self._app, query)
        except NotFoundError:  # no longer offered: the entry ends with its days
            return self._app.zone, []
        return ZoneInfo(found.zone), [slot.starts_at for day in found.days for slot in day.slots]

    def _answer_by(self, starts_at: datetime) -> datetime:
        """Who is offered something at night has until after breakfast, if the time is not sooner."""
        now = clock.now()
        awake = (self._quiet.until(now) if self._quiet else None) or now
        minutes = timedelta(minutes=self._rules.answer_minutes)
        return min(awake.astimezone(UTC) + minutes, starts_at)


def part_of_day(instant: datetime, zone: ZoneInfo) -> str:
    """Morning before 12, afternoon before 18, else evening."""
    hour = instant.astimezone(zone).hour
    return "morning" if hour < NOON else "afternoon" if hour < EVENING else "evening"
