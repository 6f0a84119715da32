"""Groups: sessions with a capacity, booked by seats; whatever path takes a seat, none is taken twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from support_race import Attempt, race
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, client, staff

from barberpro_app.audit.trail import Actor
from barberpro_app.availability.schemas import AvailabilityQuery
from barberpro_app.availability.service import free_times
from barberpro_app.booking import jobs, service
from barberpro_app.booking.errors import (
    CapacityBelowTakenError,
    HoldExpiredError,
    NotAGroupError,
    NotChangeableError,
    SessionChangedError,
    SessionFullError,
    SlotTakenError,
    SlotUnavailableError,
)
from barberpro_app.booking.schemas import (
    Booking,
    BookRequest,
    CancelRequest,
    ConfirmRequest,
    Contact,
    HoldRequest,
    RescheduleRequest,
    StatusRequest,
)
from barberpro_app.group_session import service as sessions
from barberpro_app.group_session.schemas import (
    GroupSession,
    SessionCancel,
    SessionDraft,
    SessionPatch,
    SessionSearch,
)
from barberpro_app.kit.database import Database
from barberpro_app.kit.errors import AppError, NotAllowedError, NotFoundError, StaleVersionError
from barberpro_app.membership import service as membership
from barberpro_app.membership.schemas import PlanDraft, Sale

CLIENTS, SEATS, CAPACITY = 60, 3, 8


@dataclass
class Studio:
    """A shop whose service `yoga` is given to groups."""

    shop: Shop
    database: Database
    yoga: UUID

    async def session(self, clock: str = "10:00", **more: object) -> GroupSession:
        fields: dict[str, object] = {
            "service_id": self.yoga,
            "provider_id": self.shop.providers[0],
            "location_id": self.shop.location,
            "starts_at": self.shop.at(clock),
            **more,
        }
        actor = fields.pop("actor", staff("owner"))
        assert isinstance(actor, Actor)
        async with self.database.connection() as connection:
            draft = SessionDraft.model_validate(fields)
            return await sessions.create(connection, self.shop.app, actor, draft)

    def wish(self, session: GroupSession, **more: object) -> dict[str, object]:
        return {
            "service_id": self.yoga,
            "location_id": self.shop.location,
            "starts_at": session.starts_at,
            "session_id": session.id,
            **more,
        }

    async def hold(self, session: GroupSession, **more: object) -> Booking:
        async with self.database.connection() as connection:
            request = HoldRequest.model_validate(self.wish(session, **more))
            return await service.hold(connection, self.shop.app, ANONYMOUS_ACTOR, request)

    async def book(self, session: GroupSession, number: int, **more: object) -> Booking:
        contact = Contact(name=f"Client {number}", email=f"c{number}@group.example")
        request = BookRequest.model_validate(self.wish(session, client=contact, **more))
        async with self.database.connection() as connection:
            return await service.book(connection, self.shop.app, staff(), request)

    async def confirm(self, hold_id: UUID, number: int) -> Booking:
        contact = Contact(name=f"C{number}", email=f"c{number}@group.example")
        async with self.database.connection() as connection:
            return await service.confirm(
                connection, self.shop.app, ANONYMOUS_ACTOR, hold_id, ConfirmRequest(client=contact)
            )

    async def move(self, booking_id: UUID, session: GroupSession) -> Booking:
        request = RescheduleRequest(starts_at=session.starts_at, session_id=session.id)
        async with self.database.connection() as connection:
            return await service.reschedule(connection, self.shop.app, staff(), booking_id, request)

    async def cancel(self, booking_id: UUID) -> Booking:
        async with self.database.connection() as connection:
            return await service.cancel(
                connection, self.shop.app, SYSTEM_ACTOR, booking_id, CancelRequest()
            )

    async def status(self, booking_id: UUID, status: str) -> Booking:
        async with self.database.connection() as connection:
            change = StatusRequest.model_validate({"status": status})
            return await service.set_status(connection, staff(), booking_id, change)

    async def again(self, session: GroupSession) -> GroupSession:
        async with self.database.connection() as connection:
            return await sessions.get(connection, session.id)

    async def change(self, session: GroupSession, **more: object) -> GroupSession:
        patch = SessionPatch.model_validate({"version": session.version, **more})
        async with self.database.connection() as connection:
            return await sessions.change(
                connection, self.shop.app, staff("owner"), session.id, patch
            )

    async def call_off(self, session: GroupSession, reason: str = "") -> GroupSession:
        async with self.database.connection() as connection:
            return await sessions.cancel(
                connection, self.shop.app, staff("owner"), session.id, SessionCancel(reason=reason)
            )

    async def starts(self, **more: object) -> list[datetime]:
        query = {"service_id": self.yoga, "location_id": self.shop.location,
                 "first": self.shop.day, "days": 1, **more}  # fmt: skip
        async with self.database.connection() as connection:
            found = await free_times(
                connection, self.shop.app, AvailabilityQuery.model_validate(query)
            )
        return [slot.starts_at for slot in found.days[0].slots]

    def lapse(self, hold: Booking) -> None:
        self.shop.rows(
            "UPDATE booking SET hold_expires_at = now() - interval '1 s' WHERE id = %s", hold.id
        )

    def taken(self, session: GroupSession) -> int:
        rows = self.shop.rows(
            "SELECT coalesce(sum(seats), 0)::integer FROM booking WHERE session_id = %s"
            " AND status IN ('held', 'confirmed', 'arrived')",
            session.id,
        )
        assert isinstance(rows[0][0], int)
        return rows[0][0]


Story = Callable[[Studio], Awaitable[None]]


def tell(shop: Shop, story: Story, connections: int = 4) -> None:
    async def run() -> None:
        rows = shop.rows(
            "WITH s AS (INSERT INTO service (key, name, minutes, price_centavos, capacity)"
            " VALUES ('yoga', '{\"es-AR\": \"Yoga\"}', 60, 500000, %s) RETURNING id),"
            " o AS (INSERT INTO provider_service (provider_id, service_id)"
            " SELECT p.id, s.id FROM provider p, s)"
            " SELECT id FROM s",
            CAPACITY,
        )
        assert isinstance(rows[0][0], UUID)
        async with shop.database(connections) as database:
            await story(Studio(shop, database, rows[0][0]))

    asyncio.run(run())


def test_a_session_takes_its_providers_time_and_is_booked_by_seats(shop: Shop) -> None:
    async def story(studio: Studio) -> None:
        session = await studio.session(place="Sala 1")
        assert (session.capacity, session.free, session.price_centavos) == (CAPACITY, 8, 500_000)
        cut = {"service_id": shop.services["cut"], "session_id": None}
        with pytest.raises(SlotTakenError):
            await studio.book(session, 0, provider_id=shop.providers[0], **cut)
        with pytest.raises(SlotTakenError):
            await studio.session("10:30")

        first = await studio.book(session, 1)
        second = await studio.book(session, 2, seats=3, session_id=None)
        assert (first.seats, first.price_centavos, first.session_id) == (1, 500_000, session.id)
        assert (second.seats, second.price_centavos) == (3, 1_500_000)
        assert second.session_id == session.id
        assert second.provider.id == shop.providers[0]
        assert (await studio.again(session)).free == 4
        with pytest.raises(SessionFullError):
            await studio.book(session, 3, seats=5)

        hold = await studio.hold(session, seats=4)
        assert await studio.starts() == []
        with pytest.raises(SessionFullError):
            await studio.book(session, 4)
        studio.lapse(hold)
        assert await studio.starts() == [session.starts_at]
        await studio.book(session, 4, seats=2)
        with pytest.raises(HoldExpiredError):
            await studio.confirm(hold.id, 5)
        await studio.cancel(second.id)
        assert (await studio.again(session)).free == 5

    tell(shop, story)


def test_what_is_no_group_and_what_is_not_there(shop: Shop) -> None:
    async def story(studio: Studio) -> None:
        session = await studio.session()
        solo = {"service_id": shop.services["solo"], "session_id": None, "seats": 2}
        with pytest.raises(NotAGroupError):
            await studio.book(session, 0, **solo)
        with pytest.raises(NotAGroupError):
            await studio.session("15:00", service_id=shop.services["cut"])
        with pytest.raises(SlotUnavailableError):
            await studio.book(session, 0, session_id=None, starts_at=shop.at("11:00"))
        with pytest.raises(SessionChangedError):
            await studio.book(session, 0, starts_at=shop.at("11:00"))
        with pytest.raises(NotFoundError):
            await studio.book(session, 0, session_id=UUID(int=9))
        with pytest.raises(NotAllowedError):
            await studio.session("16:00", actor=staff("provider", shop.providers[1]))
        # outside the hours is the timetable's business, a holiday is not
        await studio.session("20:00")
        shop.rows("INSERT INTO holiday_override VALUES (%s, false, 'Puente')", shop.day)
        with pytest.raises(SlotUnavailableError):
            await studio.session("07:00")
        assert (await studio.session("07:00", override_reason="pedido")).state == "scheduled"

    tell(shop, story)


def test_a_session_moves_with_its_bookings_and_tells_them(shop: Shop) -> None:
    async def story(studio: Studio) -> None:
        session = await studio.session()
        booking, hold = await studio.book(session, 1), await studio.hold(session)
        gone = await studio.cancel((await studio.book(session, 2)).id)
        moved = await studio.change(
            session, starts_at=shop.at("15:00"), provider_id=shop.providers[1], place="Patio"
        )
        assert (moved.starts_at, moved.provider.id) == (
            shop.at("15:00").astimezone(moved.starts_at.tzinfo), shop.providers[1])  # fmt: skip
        with pytest.raises(StaleVersionError):
            await studio.change(session, capacity=20)
        async with studio.database.connection() as connection:
            for kept in (booking, hold):
                now = await service.get(connection, staff(), kept.id)
                assert (now.starts_at, now.provider.id) == (moved.starts_at, moved.provider.id)
        told = shop.rows("SELECT kind FROM message ORDER BY id")
        assert [kind for (kind,) in told][-1] == "booking_rescheduled"
        assert [kind for (kind,) in told].count("booking_rescheduled") == 1
        # the old time is free, the new one taken, and who comes back follows
        await studio.session("10:00")
        with pytest.raises(SlotTakenError):
            await studio.session("15:30", provider_id=shop.providers[1])
        assert (await studio.status(gone.id, "confirmed")).starts_at == moved.starts_at
        with pytest.raises(CapacityBelowTakenError):
            await studio.change(moved, capacity=2)
        assert (await studio.change(moved, capacity=3)).free == 0

    tell(shop, story)


def test_cancelling_a_session_cancels_and_tells_all_in_it(shop: Shop) -> None:
    async def story(studio: Studio) -> None:
        session = await studio.session()
        here = [await studio.book(session, number) for number in range(3)]
        hold = await studio.hold(session)
        cancelled = await studio.call_off(session, "Se cortó la luz")
        assert (cancelled.state, cancelled.cancel_reason) == ("cancelled", "Se cortó la luz")
        assert (await studio.call_off(session)).version == cancelled.version
        assert studio.taken(session) == 0
        assert shop.rows(
            "SELECT recipient FROM message WHERE kind = 'booking_cancelled' ORDER BY recipient"
        ) == [(f"c{number}@group.example",) for number in range(3)]
        with pytest.raises(SlotTakenError):  # no seat to have back
            await studio.status(here[0].id, "confirmed")
        with pytest.raises(HoldExpiredError if hold.status == "expired" else AppError):
            await studio.confirm(hold.id, 9)
        # its time is free again
        other = await studio.session()
        booking = await studio.book(other, 1)
        await studio.status(booking.id, "arrived")
        with pytest.raises(NotChangeableError):
            await studio.call_off(other)

    tell(shop, story)


def test_a_credit_pays_each_seat(shop: Shop) -> None:
    async def story(studio: Studio) -> None:
        session = await studio.session()
        booking = await studio.book(session, 1, seats=2)
        assert booking.client is not None
        plan = PlanDraft(name="Tres", kind="package", credits=3, days=60, price_centavos=900_000)
        async with studio.database.connection() as connection:
            made = await membership.add_plan(connection, SYSTEM_ACTOR, plan)
            sale = Sale(plan_id=made.id, client_id=booking.client.id, method="cash")
            await membership.sell(connection, shop.app, staff(), sale)
        redeem = (
            "SELECT pass_redeem('{\"kind\": \"staff\", \"staff\": true}', '{}', %s, NULL)->>'left'"
        )
        assert shop.rows(redeem, booking.id) == [("1",)]
        await studio.cancel(booking.id)
        assert shop.rows("SELECT taken FROM pass_period") == [(0,)]
        again = await studio.book(session, 1, seats=3)
        assert shop.rows(redeem, again.id) == [("0",)]
        await studio.status(again.id, "completed")
        assert shop.rows("SELECT taken, earned_uses, earned_centavos FROM pass_period") == [
            (3, 3, 900_000)
        ]

    tell(shop, story)


def test_a_session_takes_its_room_once_and_gives_it_back(shop: Shop) -> None:
    async def story(studio: Studio) -> None:
        for name in ("Sala 1", "Sala 2"):
            shop.rows("INSERT INTO resource (location_id, kind, name) VALUES (%s, 'sala', %s)",
                      shop.location, name)  # fmt: skip
        shop.rows(
            "INSERT INTO service_resource (service_id, kind) VALUES (%s, 'sala')", studio.yoga
        )
        sessions_of = [await studio.session(provider_id=person) for person in shop.providers[:2]]
        with pytest.raises(SlotTakenError):  # both rooms are taken
            await studio.session("10:30", provider_id=shop.providers[2])
        for number in range(3):
            await studio.book(sessions_of[0], number)
        rooms = "SELECT session_id, resource_id FROM occupancy WHERE part <> 'provider' AND active"
        before = dict(shop.rows(rooms))
        assert set(before) == {item.id for item in sessions_of}
        assert len(set(before.values())) == 2
        moved = await studio.change(sessions_of[0], starts_at=shop.at("10:15"))
        assert dict(shop.rows(rooms)) == before
        await studio.call_off(moved)
        third = await studio.session("10:30", provider_id=shop.providers[2])
        assert dict(shop.rows(rooms))[third.id] == before[moved.id]

    tell(shop, story)


def test_a_client_sees_sessions_and_moves_the_own_booking(shop: Shop) -> None:
    async def story(studio: Studio) -> None:
        morning, evening = await studio.session("10:00"), await studio.session("16:00")
        booking = await studio.book(morning, 1)
        assert booking.client is not None
        own, request = client(booking.client.id), RescheduleRequest(starts_at=evening.starts_at)
        async with studio.database.connection() as connection:
            moved = await service.reschedule(connection, shop.app, own, booking.id, request)
            assert (moved.session_id, moved.starts_at) == (evening.id, evening.starts_at)
            with pytest.raises(NotFoundError):
                await service.reschedule(
                    connection, shop.app, client(UUID(int=3)), booking.id, request
                )
            found = await sessions.search(connection, SessionSearch(first=shop.day, days=1))
            assert [(item.id, item.free) for item in found.items] == [
                (morning.id, 8),
                (evening.id, 7),
            ]
            with pytest.raises(NotAllowedError):
                await sessions.cancel(connection, shop.app, own, morning.id, SessionCancel())

    tell(shop, story)


PATHS = ("hold", "book", "by time", "override", "reschedule", "take back", "confirm", "paid late")


async def attempts_of(
    path: str, studio: Studio, session: GroupSession, clients: int
) -> list[Attempt]:
    """What each client does; arranged beforehand, so that they only race."""
    if path == "hold":
        return [lambda _: studio.hold(session)] * clients
    if path == "book":
        return [lambda number: studio.book(session, number)] * clients
    if path == "by time":
        return [lambda number: studio.book(session, number, session_id=None)] * clients
    if path == "override":
        return [lambda number: studio.book(session, number, override_reason="amiga")] * clients
    if path == "reschedule":
        other = await studio.session("16:00", capacity=clients)
        moved = [await studio.book(other, number) for number in range(clients)]
        return [lambda number: studio.move(moved[number].id, session)] * clients
    if path == "take back":
        gone = [
            await studio.cancel((await studio.book(session, number)).id)
            for number in range(clients)
        ]
        return [lambda number: studio.status(gone[number].id, "confirmed")] * clients
    return await attempts_of_lapsed(path, studio, session, clients)


async def attempts_of_lapsed(
    path: str, studio: Studio, session: GroupSession, clients: int
) -> list[Attempt]:
    """Of clients whose holds are over; made one after the other, for they would not fit at once."""
    lapsed = []
    for _ in range(clients):
        lapsed.append(await studio.hold(session))
        studio.lapse(lapsed[-1])
    if path == "confirm":
        fresh = [await studio.hold(session) for _ in range(SEATS)]
        holds = [*lapsed[SEATS:], *fresh]
        return [lambda number: studio.confirm(holds[number].id, number)] * clients
    await jobs.expire_holds(studio.database)

    async def paid(number: int) -> Booking:
        async with studio.database.transaction() as connection:
            cursor = await connection.execute(
                "SELECT booking_hold_again(%s) AS kept", (lapsed[number].id,)
            )
            row = await cursor.fetchone()
            if row is None or not row["kept"]:
                raise SessionFullError
            return await service.get(connection, staff(), lapsed[number].id)

    return [paid] * clients


@pytest.mark.parametrize("path", PATHS)
def test_the_last_seats_go_to_as_many_as_there_are(shop: Shop, path: str) -> None:
    async def story(studio: Studio) -> None:
        session = await studio.session("10:00")
        for number in range(CAPACITY - SEATS):
            await studio.book(session, 100 + number)
        attempts = await attempts_of(path, studio, session, CLIENTS)
        winners, losers = await race(attempts)
        assert len(winners) == SEATS, [repr(loser) for loser in losers[:3]]
        refusal = HoldExpiredError if path == "confirm" else SessionFullError
        assert {type(loser) for loser in losers} == {refusal}
        assert studio.taken(session) == CAPACITY

    tell(shop, story, CLIENTS)


def test_all_paths_at_once_with_cancelling_never_pass_the_capacity(shop: Shop) -> None:
    async def story(studio: Studio) -> None:
        session = await studio.session("10:00")
        here = [await studio.book(session, 100 + number) for number in range(CAPACITY - SEATS)]
        each: list[Attempt] = []
        for path in ("take back", "reschedule", "hold", "book", "by time", "override"):
            prepared = await attempts_of(path, studio, session, 8)
            each += [
                lambda _, attempt=attempt, number=number: attempt(number)
                for number, attempt in enumerate(prepared)
            ]
        each += [lambda _, booking=booking: studio.cancel(booking.id) for booking in here]
        winners, losers = await race(each)
        taken = studio.taken(session)
        assert SEATS <= taken <= CAPACITY
        assert len(winners) == taken + len(here)
        assert {type(loser) for loser in losers} <= {SessionFullError}

    tell(shop, story, CLIENTS)


def test_sessions_of_one_provider_never_overlap(shop: Shop) -> None:
    async def story(studio: Studio) -> None:
        wishes = [shop.at("10:00") + timedelta(minutes=20 * (n % 6)) for n in range(30)]

        async def create(number: int) -> Booking:
            session = await studio.session(starts_at=wishes[number])
            return await studio.book(session, number)

        winners, losers = await race([create] * 30)
        assert winners
        assert {type(loser) for loser in losers} == {SlotTakenError}

    tell(shop, story, 30)
