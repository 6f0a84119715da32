"""Series of seats in a group: each takes the session of its day, or says why there is none."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from uuid import UUID

import pytest
from support_series import as_client, do, kinds, open_all_year, package, repeat, run_job, starts
from support_shop import Shop, staff

from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking, BookRequest, Contact
from barberpro_app.group_session import service as sessions
from barberpro_app.group_session.schemas import GroupSession, SessionDraft
from barberpro_app.series import service
from barberpro_app.series.errors import SeriesConflictsError
from barberpro_app.series.schemas import SeriesDraft, SeriesEnd, SeriesMove

SEATS = 4


@pytest.fixture
def yoga(shop: Shop) -> UUID:
    """A service that two providers give to groups of four."""
    open_all_year(shop)
    ((key,),) = shop.rows(
        "INSERT INTO service (key, name, minutes, price_centavos, capacity)"
        " VALUES ('yoga', '{\"es-AR\": \"Yoga\"}', 30, 500000, %s) RETURNING id", SEATS,
    )  # fmt: skip
    assert isinstance(key, UUID)
    for provider in shop.providers[:2]:
        shop.rows("INSERT INTO provider_service (provider_id, service_id) VALUES (%s, %s)",
                  provider, key)  # fmt: skip
    return key


def session(
    shop: Shop, yoga: UUID, weeks: int, clock: str = "10:00", provider: int = 0
) -> GroupSession:
    draft = SessionDraft(
        service_id=yoga, provider_id=shop.providers[provider], location_id=shop.location,
        starts_at=shop.at(clock, week_day(shop, weeks)),
    )  # fmt: skip
    return do(shop, lambda c: sessions.create(c, shop.app, staff("owner"), draft))


def week_day(shop: Shop, weeks: int) -> date:
    return shop.day + timedelta(weeks=weeks)


def seat(shop: Shop, found: GroupSession, name: str, seats: int = 1) -> Booking:
    asked = BookRequest(
        service_id=found.service.id, location_id=shop.location, starts_at=found.starts_at,
        session_id=found.id, seats=seats, client=Contact(name=name, email=f"{name}@y.example"),
    )  # fmt: skip
    return do(shop, lambda c: bookings.book(c, shop.app, staff(), asked))


def taken(shop: Shop) -> list[tuple[object, ...]]:
    return shop.rows(
        "SELECT coalesce((SELECT sum(b.seats) FROM booking b WHERE b.session_id = g.id"
        " AND takes_seats(b.status)), 0)::integer FROM group_session g ORDER BY g.starts_at, g.id"
    )


def test_each_takes_its_session_and_full_or_missing_ones_are_said(shop: Shop, yoga: UUID) -> None:
    found = [session(shop, yoga, weeks) for weeks in (0, 1, 2)]
    session(shop, yoga, 4, provider=1)  # somebody else gives it that day
    seat(shop, found[1], "otro", SEATS - 1)
    booking = seat(shop, found[0], "ana", 2)
    with pytest.raises(SeriesConflictsError, match="session_full"):
        repeat(shop, booking, count=5)
    made = repeat(shop, booking, count=5, skip=[week_day(shop, 1)])
    assert [part.problem for part in made.parts] == [None, "session_full", None, "no_session", None]
    assert made.seats == 2
    assert taken(shop) == [(2,), (SEATS - 1,), (2,), (2,)]
    assert do(shop, lambda _: run_job(shop)) == 0
    session(shop, yoga, 3)  # the missing one comes
    assert do(shop, lambda _: run_job(shop)) == 1
    assert do(shop, lambda _: run_job(shop)) == 0
    assert taken(shop) == [(2,), (SEATS - 1,), (2,), (2,), (2,)]
    again = do(shop, lambda c: service.get(c, staff(), made.id))
    assert [part.problem for part in again.parts] == [None, "session_full", None, None, None]
    assert kinds(shop)[-1] == "booking_confirmed"


def test_who_has_no_session_hears_of_it_a_week_before(shop: Shop, yoga: UUID) -> None:
    made = repeat(shop, seat(shop, session(shop, yoga, 0), "ana"), count=3)
    assert [part.problem for part in made.parts] == [None, "no_session", "no_session"]
    do(shop, lambda _: run_job(shop))
    assert "series_gap" not in kinds(shop)
    shop.rows("UPDATE series_part SET planned_on = planned_on - 17 WHERE number = 1")
    for _ in range(2):
        do(shop, lambda _: run_job(shop))
    assert kinds(shop).count("series_gap") == 1


def test_one_or_all_move_into_other_sessions_and_all_are_cancelled(shop: Shop, yoga: UUID) -> None:
    found = [session(shop, yoga, weeks) for weeks in range(4)]
    made = repeat(shop, seat(shop, found[0], "ana"), count=4)
    later = [session(shop, yoga, weeks, "12:00") for weeks in range(3)]
    seat(shop, later[2], "otro", SEATS)
    lead = made.parts[0].booking_id
    assert lead is not None
    wish = SeriesMove(booking_id=lead, starts_at=later[0].starts_at, scope="all")
    shown = do(shop, lambda c: service.preview_move(c, shop.app, staff(), made.id, wish))
    assert [item.problem for item in shown.kept] == ["no_session", "session_full"]
    with pytest.raises(SeriesConflictsError):
        do(shop, lambda c: service.move(c, shop.app, staff(), made.id, wish))
    accepted = wish.model_copy(update={"keep": [item.day for item in shown.kept]})
    moved = do(shop, lambda c: service.move(c, shop.app, staff(), made.id, accepted))
    assert [moment.hour for moment in starts(shop, moved)] == [12, 12, 10, 10]
    assert kinds(shop)[-1] == "series_moved"
    ended = do(shop, lambda c: service.end(c, shop.app, staff(), made.id, SeriesEnd(scope="all")))
    assert {part.status for part in ended.parts} == {"cancelled"}
    assert sum(int(str(row[0])) for row in taken(shop)) == SEATS
    assert kinds(shop)[-1] == "series_cancelled"


def test_a_package_pays_by_the_seat(shop: Shop, yoga: UUID) -> None:
    shop.day -= timedelta(days=10)
    found = [session(shop, yoga, weeks) for weeks in (0, 1)]
    booking = seat(shop, found[0], "ana", 2)
    me = as_client(booking)
    assert me.principal.client_id is not None
    package(shop, me.principal.client_id, 5)
    repeat(shop, booking, me, count=2, use_credits=True)
    assert shop.rows("SELECT coalesce(sum(taken), 0)::bigint FROM pass_period") == [(4,)]
    assert shop.rows("SELECT coalesce(sum(amount), 0) FROM ledger_line") == [(0,)]


def test_no_seat_is_taken_twice_by_series_that_race(shop: Shop, yoga: UUID) -> None:
    """Some forwards, some moved backwards, all at once: nobody waits for another in a ring."""
    early = [session(shop, yoga, weeks, provider=1) for weeks in range(4)]
    late = [session(shop, yoga, weeks, "12:00") for weeks in range(4)]
    mine = [seat(shop, early[0], f"a{n}") for n in range(SEATS)]
    movers = [repeat(shop, seat(shop, late[0], f"b{n}"), count=4) for n in range(2)]

    async def attempts() -> None:
        async with shop.database(6) as database:

            async def create(booking: Booking) -> object:
                draft = SeriesDraft(count=4, skip=[week_day(shop, n) for n in (1, 2, 3)])
                async with database.connection() as connection:
                    return await service.create(connection, shop.app, staff(), booking.id, draft)

            async def move(number: int) -> object:
                made = movers[number]
                key = made.parts[number].booking_id
                assert key is not None
                wish = SeriesMove(
                    booking_id=key, starts_at=early[number].starts_at,
                    keep=[week_day(shop, n) for n in range(4)],
                )  # fmt: skip
                async with database.connection() as connection:
                    return await service.move(connection, shop.app, staff(), made.id, wish)

            doing = [create(booking) for booking in mine] + [move(number) for number in (0, 1)]
            await asyncio.gather(*doing)

    asyncio.run(attempts())
    assert all(int(str(row[0])) <= SEATS for row in taken(shop))
    wrong = (
        "SELECT count(*) FROM series_part r JOIN booking b ON b.id = r.booking_id"
        " WHERE b.session_id IS NULL"
    )
    assert shop.rows(wrong) == [(0,)]
