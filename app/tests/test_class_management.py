"""The timetable of a gym: sessions made once, changes that reach them, late cancelling, who owes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from support_series import open_all_year
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, client, staff

from barberpro_app.attendance import service as attendance
from barberpro_app.attendance.schemas import Forgiveness
from barberpro_app.booking import service as bookings
from barberpro_app.booking.errors import (
    LateCancelCostsError,
    NotAGroupError,
    NotChangeableError,
    PaymentOverdueError,
    TooLateToCancelError,
)
from barberpro_app.booking.schemas import (
    Booking,
    BookRequest,
    CancelRequest,
    ConfirmRequest,
    Contact,
    HoldRequest,
    StatusRequest,
)
from barberpro_app.class_management import jobs, service
from barberpro_app.class_management.schemas import (
    ClassChange,
    ClassDraft,
    ClassEnd,
    ClassRulesChange,
    GymClass,
)
from barberpro_app.group_session import service as sessions
from barberpro_app.group_session.schemas import GroupSession, SessionCancel, SessionPatch
from barberpro_app.kit.database import Database
from barberpro_app.kit.errors import StaleVersionError
from barberpro_app.ledger import service as ledger
from barberpro_app.membership import service as membership
from barberpro_app.membership.schemas import PlanDraft, Redemption, Sale
from barberpro_app.series import jobs as series_jobs
from barberpro_app.series import service as series
from barberpro_app.series.schemas import SeriesDraft
from barberpro_app.settings import Secrets, Settings

WEEKS = 3


@dataclass
class Gym:
    """A shop whose service `spin` is given to groups of five."""

    shop: Shop
    database: Database
    spin: UUID
    settings: Settings

    async def add(self, clock: int = 600, **more: object) -> GymClass:
        fields: dict[str, object] = {
            "service_id": self.spin,
            "provider_id": self.shop.providers[0],
            "location_id": self.shop.location,
            "weekday": self.shop.day.isoweekday(),
            "starts": f"{clock // 60:02d}:{clock % 60:02d}",
            "valid_from": self.shop.day - timedelta(days=60),
            **more,
        }
        async with self.database.connection() as connection:
            draft = ClassDraft.model_validate(fields)
            return await service.create_class(connection, self.shop.app, staff("owner"), draft)

    async def change(self, line: GymClass, **more: object) -> GymClass:
        fields: dict[str, object] = {
            "service_id": line.service.id,
            "provider_id": line.provider.id,
            "location_id": line.location.id,
            "weekday": line.weekday,
            "starts": line.model_dump(mode="json")["starts"],
            "place": line.place,
            "capacity": line.capacity,
            "valid_from": line.valid_from,
            "version": line.version,
            **more,
        }
        async with self.database.connection() as connection:
            return await service.change_class(
                connection,
                self.shop.app,
                staff("owner"),
                line.id,
                ClassChange.model_validate(fields),
            )

    async def rules(self, **more: object) -> None:
        async with self.database.transaction() as connection:
            version = (await service.get_rules(connection)).version
            fields = {"weeks_ahead": WEEKS, "version": version, **more}
            wanted = ClassRulesChange.model_validate(fields)
            await service.change_rules(connection, SYSTEM_ACTOR, wanted)

    async def sessions(self) -> list[GroupSession]:
        rows = self.shop.rows("SELECT id FROM group_session ORDER BY starts_at, id")
        async with self.database.connection() as connection:
            return [await sessions.get(connection, row[0]) for row in rows]  # type: ignore[arg-type]

    async def work(self) -> int:
        return await jobs.run(self.database, self.settings)

    async def book(self, session: GroupSession, **more: object) -> Booking:
        wish = {
            "service_id": self.spin, "location_id": self.shop.location,
            "starts_at": session.starts_at, "session_id": session.id,
            "client": Contact(name="Ana", email="ana@gym.example"), **more,
        }  # fmt: skip
        async with self.database.connection() as connection:
            request = BookRequest.model_validate(wish)
            return await bookings.book(connection, self.shop.app, staff(), request)

    async def cancel_as_client(self, booking: Booking, *, accept: bool = True) -> Booking:
        assert booking.client is not None
        asked, who = CancelRequest(accept_late=accept), client(booking.client.id)
        async with self.database.connection() as connection:
            return await bookings.cancel(connection, self.shop.app, who, booking.id, asked)

    def soon(self, session: GroupSession, hours: float) -> None:
        """As if the session, with its bookings, began in so many hours."""
        starts = datetime.now(self.shop.app.zone) + timedelta(hours=hours)
        for table, key in (("group_session", "id"), ("booking", "session_id")):
            self.shop.rows(
                f"UPDATE {table} SET starts_at = %s, ends_at = %s WHERE {key} = %s",
                starts, starts + timedelta(hours=1), session.id,
            )  # fmt: skip


Story = Callable[[Gym], Awaitable[None]]


def tell(shop: Shop, tmp_path: Path, story: Story) -> None:
    async def run() -> None:
        rows = shop.rows(
            "WITH s AS (INSERT INTO service (key, name, minutes, price_centavos, capacity)"
            " VALUES ('spin', '{\"es-AR\": \"Spinning\"}', 45, 500000, 5) RETURNING id),"
            " o AS (INSERT INTO provider_service (provider_id, service_id)"
            " SELECT p.id, s.id FROM provider p, s)"
            " SELECT id FROM s"
        )
        assert isinstance(rows[0][0], UUID)
        async with shop.database() as database:
            settings = Settings(app=shop.app, secrets=Secrets(tmp_path))
            gym = Gym(shop, database, rows[0][0], settings)
            await gym.rules()
            await story(gym)

    asyncio.run(run())


def test_sessions_are_made_once_and_stay_as_somebody_left_them(shop: Shop, tmp_path: Path) -> None:
    async def story(gym: Gym) -> None:
        line = await gym.add(place="Sala 1")
        first = await gym.sessions()
        assert len(first) == line.coming
        assert line.coming in (WEEKS, WEEKS + 1)
        assert {(item.capacity, item.place) for item in first} == {(5, "Sala 1")}
        assert await gym.work() == 0
        async with gym.database.connection() as connection:
            await sessions.cancel(
                connection, shop.app, staff("owner"), first[0].id, SessionCancel()
            )
            moved = SessionPatch(version=first[1].version, starts_at=first[1].starts_at
                                 + timedelta(hours=2))  # fmt: skip
            await sessions.change(connection, shop.app, staff("owner"), first[1].id, moved)
        assert await gym.work() == 0
        assert len(await gym.sessions()) == len(first)
        await gym.rules(weeks_ahead=WEEKS + 2)
        assert await gym.work() == 2

        # what nobody changed follows the timetable, the others stay
        await gym.change(await _again(gym, line), starts="11:30", place="Sala 2")
        now = {item.id: item for item in await gym.sessions()}
        assert now[first[0].id].state == "cancelled"
        assert now[first[1].id].starts_at == first[1].starts_at + timedelta(hours=2)
        others = [item for key, item in now.items() if key not in (first[0].id, first[1].id)]
        assert {item.place for item in others} == {"Sala 2"}
        assert {shop.app.zone.fromutc(item.starts_at.replace(tzinfo=shop.app.zone)).strftime("%H:%M")
                for item in others} == {"11:30"}  # fmt: skip
        with pytest.raises(StaleVersionError):
            await gym.change(line)

    tell(shop, tmp_path, story)


async def _again(gym: Gym, line: GymClass) -> GymClass:
    async with gym.database.connection() as connection:
        return await service.get_class(connection, line.id)


def test_holidays_time_off_and_taken_times_are_skipped_until_they_are_free(
    shop: Shop, tmp_path: Path
) -> None:
    async def story(gym: Gym) -> None:
        shop.rows("INSERT INTO holiday_override VALUES (%s, false, 'Puente')", shop.day)
        week = timedelta(days=7)
        shop.rows(
            "INSERT INTO time_off (provider_id, period) VALUES (%s, tstzrange(%s, %s))",
            shop.providers[0], shop.at("00:00") - week, shop.at("23:00") - week,
        )  # fmt: skip
        line = await gym.add()
        assert {(item.day, item.why) for item in line.skipped} == {
            (shop.day - week, "time_off"), (shop.day, "holiday")}  # fmt: skip
        other = await gym.add(620)
        assert other.coming == 0
        assert {item.why for item in other.skipped} == {"taken", "time_off", "holiday"}
        shop.rows("DELETE FROM holiday_override")
        shop.rows("DELETE FROM time_off")
        assert await gym.work() == 2
        with pytest.raises(NotAGroupError):
            await gym.add(900, service_id=shop.services["solo"])

    tell(shop, tmp_path, story)


def test_ending_a_class_cancels_what_was_to_come_and_tells(shop: Shop, tmp_path: Path) -> None:
    async def story(gym: Gym) -> None:
        line = await gym.add()
        all_of_it = await gym.sessions()
        booking = await gym.book(all_of_it[1])
        shorter = await gym.change(line, valid_to=shop.day - timedelta(days=1))
        left = [item for item in await gym.sessions() if item.state == "scheduled"]
        assert all(item.starts_at < shop.at("00:00") for item in left)
        end = ClassEnd(version=shorter.version, reason="Cambia la grilla")
        async with gym.database.connection() as connection:
            ended = await service.end_class(connection, shop.app, staff("owner"), line.id, end)
            assert ended.coming == 0
            gone = await bookings.get(connection, staff(), booking.id)
            assert gone.status == "cancelled"
            assert (await service.list_classes(connection)).items == []
            again = ClassEnd(version=ended.version)
            with pytest.raises(NotChangeableError):
                await service.end_class(connection, shop.app, staff("owner"), line.id, again)
        assert await gym.work() == 0
        told = shop.rows("SELECT count(*) FROM message WHERE kind = 'booking_cancelled'")
        assert told == [(1,)]

    tell(shop, tmp_path, story)


def test_a_class_moves_to_another_weekday_with_its_sessions_and_series(
    shop: Shop, tmp_path: Path
) -> None:
    open_all_year(shop)

    async def story(gym: Gym) -> None:
        line = await gym.add()
        await gym.add(clock=1080)  # the same service at another hour: nothing of it moves
        before = [item for item in await gym.sessions() if item.starts_at > shop.at("00:00")]
        morning = [item for item in before if item.starts_at.astimezone(shop.app.zone).hour == 10]
        booking = await gym.book(morning[0], seats=2)
        draft = SeriesDraft(every_weeks=1, count=6)
        async with gym.database.connection() as connection:
            made = await series.create(connection, shop.app, staff(), booking.id, draft)
        assert [part.problem for part in made.parts].count("no_session") >= 2
        new = shop.day.isoweekday() % 7 + 1
        await gym.change(line, weekday=new, starts="11:30")
        after = {item.id: item for item in await gym.sessions()}
        shift = timedelta(days=new - line.weekday, hours=1, minutes=30)
        assert before
        for item in before:
            moved = shift if item in morning else timedelta()
            assert after[item.id].starts_at == item.starts_at + moved
        assert await gym.work() == 0
        # the later dates of the series are on the new day and hour, once there are sessions
        await gym.rules(weeks_ahead=WEEKS + 5)
        await gym.work()
        while await series_jobs.run(gym.database, shop.app):
            continue
        async with gym.database.connection() as connection:
            found = await series.get(connection, staff(), made.id)
        times = [part.starts_at for part in found.parts]
        assert times == [booking.starts_at + shift + timedelta(weeks=n) for n in range(6)]
        assert {part.problem for part in found.parts} == {None}

    tell(shop, tmp_path, story)


def test_late_cancelling_costs_the_credit_and_counts(shop: Shop, tmp_path: Path) -> None:
    async def story(gym: Gym) -> None:
        await gym.rules(late_hours=6)
        await gym.add()
        session, other = (await gym.sessions())[:2]
        plan = PlanDraft(name="Cuatro", kind="package", credits=4, days=60, price_centavos=800_000)
        booking = await gym.book(session)
        assert booking.client is not None
        async with gym.database.connection() as connection:
            made = await membership.add_plan(connection, SYSTEM_ACTOR, plan)
            sale = Sale(plan_id=made.id, client_id=booking.client.id, method="cash")
            await membership.sell(connection, shop.app, staff(), sale)
            for each in (booking, await gym.book(other)):
                await membership.redeem(connection, shop.app, staff(), each.id, Redemption())
        in_time = await gym.book(session)
        gym.soon(session, 10)
        await gym.cancel_as_client(in_time, accept=False)
        gym.soon(session, 3)
        with pytest.raises(LateCancelCostsError):
            await gym.cancel_as_client(booking, accept=False)
        gone = await gym.cancel_as_client(booking)
        assert gone.status == "cancelled"
        assert shop.rows("SELECT taken, earned_uses, earned_centavos FROM pass_period") == [
            (2, 1, 200_000)]  # fmt: skip
        async with gym.database.connection() as connection:
            assert (await attendance.score(connection, booking.client.id)).missed == 1
            await attendance.forgive(connection, staff(), booking.id, Forgiveness(reason="fiebre"))
            assert (await attendance.score(connection, booking.client.id)).missed == 0
            # taken back: as if nothing had been
            back = StatusRequest(status="confirmed", override_reason="error")
            await bookings.set_status(connection, staff(), booking.id, back)
            assert shop.rows("SELECT taken, earned_uses, earned_centavos FROM pass_period") == [
                (2, 0, 0)]  # fmt: skip
            # the team cancels: nothing is lost
            off = CancelRequest(override_reason="se cortó la luz")
            await bookings.cancel(connection, shop.app, staff(), booking.id, off)
        assert shop.rows("SELECT taken FROM pass_period") == [(1,)]
        started = await gym.book(other)
        gym.soon(other, -0.2)
        with pytest.raises(TooLateToCancelError):
            await gym.cancel_as_client(started)
        async with gym.database.connection() as connection:
            assert set((await ledger.trial_balance(connection)).difference.values()) == {0}

    tell(shop, tmp_path, story)


def test_the_deposit_of_a_late_one_is_kept(shop: Shop, tmp_path: Path) -> None:
    async def story(gym: Gym) -> None:
        await gym.rules(late_hours=6, late_counts=False)
        await gym.add()
        session = (await gym.sessions())[0]
        booking = await gym.book(session)
        assert booking.client is not None
        shop.rows(
            'SELECT payment_record(\'{"kind": "staff", "staff": true}\', \'{}\', %s,'
            ' \'{"method": "cash", "amount_centavos": 200000}\', \'ARS\', NULL)',
            booking.id,
        )
        gym.soon(session, 2)
        await gym.cancel_as_client(booking)
        assert shop.rows("SELECT paid, gross, income FROM booking_account") == [
            (200_000, 200_000, "deposits-kept")]  # fmt: skip
        async with gym.database.connection() as connection:
            assert (await attendance.score(connection, booking.client.id)).missed == 0

    tell(shop, tmp_path, story)


@pytest.mark.parametrize("why", ["balance", "membership"])
def test_who_owes_books_again_once_it_is_paid(shop: Shop, tmp_path: Path, why: str) -> None:
    async def story(gym: Gym) -> None:
        await gym.rules(block_overdue=True, grace_days=3)
        await gym.add()
        past, coming = (await gym.sessions())[:2]
        booking = await gym.book(past)
        assert booking.client is not None
        person = booking.client.id

        async def try_to_book() -> Booking:
            wish = HoldRequest(service_id=gym.spin, location_id=shop.location,
                               starts_at=coming.starts_at, session_id=coming.id)  # fmt: skip
            contact = ConfirmRequest(client=Contact(name="Ana", email="ana@gym.example"))
            async with gym.database.connection() as connection:
                held = await bookings.hold(connection, shop.app, ANONYMOUS_ACTOR, wish)
                try:
                    return await bookings.confirm(
                        connection, shop.app, ANONYMOUS_ACTOR, held.id, contact
                    )
                except PaymentOverdueError:
                    with pytest.raises(PaymentOverdueError):
                        await bookings.hold(connection, shop.app, client(person), wish)
                    raise

        async with gym.database.connection() as connection:
            if why == "balance":
                gym.soon(past, -24)
                change = StatusRequest(status="completed")
                await bookings.set_status(connection, staff(), booking.id, change)
                await try_to_book()  # within the days of grace
                gym.soon(past, -24 * 5)
            else:
                plan = PlanDraft(name="Mes", kind="membership", credits=8, days=30,
                                 price_centavos=800_000)  # fmt: skip
                made = await membership.add_plan(connection, SYSTEM_ACTOR, plan)
                sale = Sale(plan_id=made.id, client_id=person, method="cash")
                await membership.sell(connection, shop.app, staff(), sale)
                await try_to_book()
                shop.rows("UPDATE pass_period SET starts_at = starts_at - interval '34 days',"
                          " ends_at = ends_at - interval '34 days'")  # fmt: skip
            assert await service.overdue(connection, person) == why
            with pytest.raises(PaymentOverdueError):
                await try_to_book()
            assert (await gym.book(coming)).status == "confirmed"  # the team may
            if why == "balance":
                shop.rows(
                    'SELECT payment_record(\'{"kind": "staff", "staff": true}\', \'{}\', %s,'
                    ' \'{"method": "cash", "amount_centavos": 500000}\', \'ARS\', NULL)',
                    booking.id,
                )
            else:
                (pass_id,) = shop.rows("SELECT id FROM pass")[0]
                again = Sale.model_validate(
                    {**sale.model_dump(exclude_none=True), "pass_id": pass_id}
                )
                await membership.sell(connection, shop.app, staff(), again)
            assert await service.overdue(connection, person) is None
            await try_to_book()

    tell(shop, tmp_path, story)
