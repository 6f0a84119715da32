"""Further ways to take one provider's time: visits, groups, series, the waiting list, who walks in,
requests, the team's agenda, money that comes late, the provider's own calendar. Each race has some who go
by the path and others who simply hold the time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from support_race import Arena
from support_shop import ANONYMOUS_ACTOR, Shop, client, staff
from support_visits import book, hold, lines

from barberpro_app.agenda import service as agenda
from barberpro_app.approval import service as approval
from barberpro_app.approval.schemas import Decision
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking, ConfirmRequest, Contact
from barberpro_app.calendar_sync import queue as calendars
from barberpro_app.calendar_sync.peers import Changes, OutsideEvent
from barberpro_app.group_session import service as sessions
from barberpro_app.group_session.schemas import SessionDraft
from barberpro_app.kit.errors import AppError
from barberpro_app.payment import service as payments
from barberpro_app.payment.online import OnlinePayments, PaymentDesk
from barberpro_app.payment.provider import Facts
from barberpro_app.payment.schemas import CheckoutRequest
from barberpro_app.series import service as series
from barberpro_app.series.schemas import SeriesDraft
from barberpro_app.settings import Secrets, Settings
from barberpro_app.visit import service as visits
from barberpro_app.visit.schemas import VisitMoveRequest
from barberpro_app.waiting_list import repository as line
from barberpro_app.waiting_list import service as waiting
from barberpro_app.waiting_list.jobs import look_through
from barberpro_app.waiting_list.schemas import WaitingDraft
from barberpro_app.walk_in import service as walk_ins
from barberpro_app.walk_in.schemas import WalkInCall, WalkInDraft

#: What somebody did; None: nothing came of it, and nobody was refused.
Doing = Callable[[], Awaitable[object]]


class Crossroads(Arena):
    """Every other way to the same time; what each needs is there before the race."""

    async def visit_hold(self, starts_at: datetime, count: int) -> list[Doing]:
        async def keep() -> object:
            async with self.database.connection() as connection:
                return await hold(
                    connection, self.shop, starts_at, lines(self.shop, "solo", "solo")
                )

        return [keep] * count

    async def visit_book(self, starts_at: datetime, count: int) -> list[Doing]:
        async def take() -> object:
            async with self.database.connection() as connection:
                wanted = lines(self.shop, "solo", "solo")
                return await book(connection, self.shop, starts_at, wanted, staff())

        return [take] * count

    async def visit_move(self, starts_at: datetime, count: int) -> list[Doing]:
        async def move(visit_id: UUID) -> object:
            request = VisitMoveRequest(starts_at=starts_at, override_reason="moved")
            async with self.database.connection() as connection:
                return await visits.reschedule(
                    connection, self.shop.app, staff(), visit_id, request
                )

        found = []
        for number in range(count):
            async with self.database.connection() as connection:
                made = await book(connection, self.shop, self._apart(number), lines(self.shop, "solo"),
                                  staff())  # fmt: skip
            assert made.visit_id is not None
            found.append(made.visit_id)
        return [lambda key=key: move(key) for key in found]  # type: ignore[misc]

    def _apart(self, number: int) -> datetime:
        """A time of its own in the weeks after the race's, within hours."""
        day, hour = divmod(number, 7)
        clock = (9, 10, 11, 12, 14, 15, 16)[hour]
        return self.shop.at(f"{clock:02d}:00", self.shop.day + timedelta(days=20 + day))

    async def session(self, starts_at: datetime, count: int) -> list[Doing]:
        """The provider's time is taken by a group's session."""
        draft = SessionDraft(service_id=self._group(), provider_id=self.provider,
                             location_id=self.shop.location, starts_at=starts_at)  # fmt: skip

        async def make() -> object:
            async with self.database.connection() as connection:
                return await sessions.create(connection, self.shop.app, staff("owner"), draft)

        return [make] * count

    def _group(self) -> UUID:
        self.shop.rows(
            "INSERT INTO service (key, name, minutes, price_centavos, capacity)"
            " VALUES ('yoga', '{\"es-AR\": \"Yoga\"}', 30, 500000, 4) ON CONFLICT DO NOTHING"
        )
        ((key,),) = self.shop.rows("SELECT id FROM service WHERE key = 'yoga'")
        self.shop.rows("INSERT INTO provider_service (provider_id, service_id) VALUES (%s, %s)"
                       " ON CONFLICT DO NOTHING", self.provider, key)  # fmt: skip
        assert isinstance(key, UUID)
        return key

    async def series(self, starts_at: datetime, count: int) -> list[Doing]:
        """Bookings of earlier weeks, each repeated so that its second day is the race's."""
        weeks = min(count, 2)

        async def repeat(first: UUID, every: int) -> object:
            draft = SeriesDraft(every_weeks=every, count=2)
            async with self.database.connection() as connection:
                return await series.create(connection, self.shop.app, staff(), first, draft)

        doing: list[Doing] = []
        for every in range(1, weeks + 1):
            made = await self.book(
                starts_at - timedelta(weeks=every), every, override_reason="first"
            )
            doing.append(lambda key=made.id, every=every: repeat(key, every))  # type: ignore[misc]
        return doing

    async def offer(self, starts_at: datetime, count: int) -> list[Doing]:
        """Who waits is offered the time, by several who look through the line."""
        await self._wait(starts_at, "anyone")
        self._only(starts_at)

        async def look() -> object:
            async with self.database.connection() as connection:
                return await look_through(connection, self.shop.app) or None

        return [look] * count

    async def _wait(self, starts_at: datetime, name: str) -> tuple[UUID, UUID]:
        """A new place in line for that day; its key and its client's."""
        day = starts_at.astimezone(self.shop.app.zone).date()
        draft = WaitingDraft(
            service_id=self.shop.services["solo"], location_id=self.shop.location,
            provider_id=self.provider, first_day=day, last_day=day,
            client=Contact(name=name, email=f"{name}@race.example"),
        )  # fmt: skip
        async with self.database.connection() as connection:
            made = await waiting.join(connection, self.shop.app, ANONYMOUS_ACTOR, draft)
        return made.id, made.client.id

    def _only(self, starts_at: datetime) -> None:
        """The rest of that day is free time of the provider."""
        hours = timedelta(hours=12)
        for first, last in (
            (starts_at - hours, starts_at),
            (starts_at + timedelta(minutes=30), starts_at + hours),
        ):
            self.shop.rows(
                "INSERT INTO time_off (provider_id, period) VALUES (%s, tstzrange(%s, %s))",
                self.provider, first, last,
            )  # fmt: skip

    async def accept(self, starts_at: datetime, count: int) -> list[Doing]:
        """Offers whose time to answer is over are taken all the same."""

        async def take(booking_id: UUID, who: UUID) -> object:
            async with self.database.connection() as connection:
                return await bookings.confirm(
                    connection, self.shop.app, client(who), booking_id, ConfirmRequest()
                )

        doing: list[Doing] = []
        for number in range(count):
            entry, who = await self._wait(starts_at, f"late{number}")
            async with self.database.connection() as connection:
                await line.offer(connection, self.shop.app.policies.model_dump(), entry, starts_at,
                                 starts_at - timedelta(hours=1), [])  # fmt: skip
            ((key,),) = self.shop.rows("SELECT booking_id FROM waiting_entry WHERE id = %s", entry)
            self._lapse(key)
            doing.append(lambda key=key, who=who: take(key, who))  # type: ignore[misc]
        return doing

    def _lapse(self, booking_id: object) -> None:
        self.shop.rows("UPDATE booking SET hold_expires_at = now() - interval '1 s' WHERE id = %s",
                       booking_id)  # fmt: skip
        self.shop.rows("UPDATE occupancy SET expires_at = now() - interval '1 s'"
                       " WHERE booking_id = %s", booking_id)  # fmt: skip

    async def approve(self, starts_at: datetime, count: int) -> list[Doing]:
        """One request keeps the time while it is answered; those that lapsed do not."""
        self.shop.rows("INSERT INTO approval_rule (applies, deposit) VALUES ('always', 'after')")
        asked = []
        for number in range(count):
            kept = await self.hold(starts_at)
            asked.append(await self.confirm(kept.id, number))
            if number < count - 1:
                self._lapse(kept.id)
        self.shop.rows("DELETE FROM approval_rule")

        async def decide(booking: Booking) -> object:
            yes = Decision(decision="approve")
            async with self.database.connection() as connection:
                return await approval.decide(connection, self.shop.app, staff(), booking.id, yes)

        return [lambda one=one: decide(one) for one in asked]  # type: ignore[misc]

    async def drag(self, starts_at: datetime, count: int) -> list[Doing]:
        """Dragged there in the team's agenda."""

        async def move(booking: Booking) -> object:
            asked = agenda.Move(starts_at, self.provider, booking.version)
            async with self.database.connection() as connection:
                return await agenda.move(
                    connection, self.shop.app, staff(), booking.id, asked, "dragged"
                )

        found = [await self.book(self._apart(number), number) for number in range(count)]
        return [lambda one=one: move(one) for one in found]  # type: ignore[misc]

    async def pay_late(self, starts_at: datetime, count: int) -> list[Doing]:
        """Deposits of holds whose time is over are paid: one gets the time, the others their money."""
        self.shop.rows(
            "INSERT INTO deposit_rule (applies, kind, percent) VALUES ('always', 'percent', 30)"
        )
        nowhere = OnlinePayments(Settings(app=self.shop.app, secrets=Secrets(Path("/nonexistent"))))
        desk = PaymentDesk(self.database, self.shop.app, nowhere)

        async def pay(facts: Facts) -> object:
            done = await payments.apply(desk, facts)
            if done not in {"allocated", "late"}:
                raise AssertionError(f"a late payment is {done}")
            return done if done == "allocated" else None

        found = []
        for number in range(count):
            kept = await self.hold(starts_at)
            asked = CheckoutRequest(client=Contact(name="Late", email=f"pays{number}@race.example"))
            async with self.database.transaction() as connection:
                made = await payments.begin(
                    connection, self.shop.app, ANONYMOUS_ACTOR, kept.id, asked
                )
            self._lapse(kept.id)
            found.append(Facts(str(made.id.int)[-15:], str(made.id), "approved", made.currency,
                               made.amount_centavos, 0, 0, datetime.now(UTC)))  # fmt: skip
        self.shop.rows("DELETE FROM deposit_rule")
        return [lambda facts=facts: pay(facts) for facts in found]  # type: ignore[misc]

    async def calendar(self, starts_at: datetime, count: int) -> list[Doing]:
        """An event of the provider's own calendar comes in at that time, by several looks at once."""
        row = {"id": uuid4(), "lease": uuid4()}
        self.shop.rows("DELETE FROM calendar_connection")
        self.shop.rows(
            "INSERT INTO calendar_connection (id, provider_id, kind, state, title, sealed, lease,"
            " next_sync_at) VALUES (%s, %s, 'caldav', 'active', 'Agenda', '', %s, 'infinity')",
            row["id"], self.provider, row["lease"],
        )  # fmt: skip
        period = (starts_at, starts_at + timedelta(minutes=30))

        async def look() -> object:
            found = Changes([OutsideEvent("event", "1", "event", (period,))])
            async with self.database.transaction() as connection:
                assert await calendars.store(connection, row, found)
            return None

        return [look] * count


#: The paths by their names; the race's time must be free when each is arranged.
CROSSROADS = ("visit_hold", "visit_book", "visit_move", "session", "series", "offer", "accept",
              "approve", "drag", "pay_late", "calendar")  # fmt: skip
#: Refusals that say no more than that the time is not to be had.
LOST = {"slot_taken", "slot_unavailable", "hold_expired", "series_conflicts", "request_lapsed",
        "not_requested", "stale_version"}  # fmt: skip


async def contenders(path: str, arena: Crossroads, starts_at: datetime, count: int) -> list[Doing]:
    """A quarter of all go by the path, the others hold the time; in turn. Beside an event of a calendar
    they book it: a booking that stands is what the calendar has to disagree with."""
    some = await getattr(arena, path)(starts_at, max(2, min(count // 4, 20)))

    async def other(number: int) -> object:
        if path == "calendar":
            return await arena.book(starts_at, number)
        return await arena.hold(starts_at)

    doing: list[Doing] = []
    for number in range(count - len(some)):
        if number % 4 == 0 and number // 4 < len(some):
            doing.append(some[number // 4])
        doing.append(partial(other, number))
    return doing + some[len([one for one in doing if one in some]) :]


async def who_calls(shop: Shop, arena: Crossroads, count: int) -> list[Doing]:
    """Turns of who walked in, all called at once; one provider is there."""

    async def call(turn_id: UUID) -> object:
        async with arena.database.connection() as connection:
            return await walk_ins.call(connection, shop.app, staff(), turn_id, WalkInCall())

    doing: list[Doing] = []
    for number in range(count):
        wish = WalkInDraft(location_id=shop.location, service_id=shop.services["solo"],
                           name=f"Pasó {number}")  # fmt: skip
        async with arena.database.connection() as connection:
            turn = await walk_ins.add(connection, staff(), wish)
        doing.append(lambda key=turn.id: call(key))  # type: ignore[misc]
    return doing


def judge(results: list[Any], holders: int) -> str:
    """Empty if one won and holds the time and the others were refused in words; else what is wrong."""
    winners, faults = _winners(results), _faults(results)
    if faults or (len(winners), holders) != (1, 1):
        return f"{len(winners)} winners, {holders} hold the time; {faults}"
    return ""


def judge_calendar(shop: Shop, results: list[Any], holders: int) -> str:
    """As `judge`, beside an event of the provider's calendar: it wins alone, or the one booking that was
    there before is shown with it, once. What is booked after it is refused."""
    winners, faults = _winners(results), _faults(results)
    shop.rows("SELECT calendar_find_conflicts()")
    found = shop.rows(
        "SELECT (SELECT count(*) FROM busy_time)::integer, (SELECT count(*) FROM calendar_conflict"
        " WHERE state = 'open' AND kind = 'overlap')::integer"
    )
    shop.rows("DELETE FROM calendar_connection")
    if faults or len(winners) > 1 or holders != len(winners) or found != [(1, holders)]:
        return f"{len(winners)} winners, {holders} hold the time, {found} outside; {faults}"
    return ""


def _winners(results: list[Any]) -> list[Any]:
    return [r for r in results if r is not None and not isinstance(r, BaseException)]


def _faults(results: list[Any]) -> str:
    """What was neither a success nor a refusal in words; who waited for a lock in vain was refused."""
    faults = [r for r in results if isinstance(r, BaseException)
              and not isinstance(r, psycopg.errors.LockNotAvailable)
              and not (isinstance(r, AppError) and r.code in LOST | {"nobody_free"})]  # fmt: skip
    return f"{len(faults)} faults, such as {faults[0]!r}" if faults else ""


def holders_at(shop: Shop, starts_at: datetime) -> int:
    """How many live occupations of the provider lie there."""
    ((count,),) = shop.rows(
        "SELECT count(*)::integer FROM occupancy WHERE active AND resource_id = %s"
        " AND period @> %s::timestamptz AND (expires_at IS NULL OR expires_at > now())",
        shop.providers[0],
        starts_at,
    )
    assert isinstance(count, int)
    return count


def clear(shop: Shop) -> None:
    """Back to an empty agenda."""
    for table in ("waiting_refusal", "waiting_entry", "series_part", "booking", "series", "visit",
                  "group_session", "time_off"):  # fmt: skip
        shop.rows(f"DELETE FROM {table}")
