"""The waiting list: first come first, one time to one person, and nobody is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, client, staff

from barberpro_app.booking import service as bookings
from barberpro_app.booking.errors import ClientRequiredError, DepositRequiredError
from barberpro_app.booking.schemas import (
    Booking,
    BookRequest,
    CancelRequest,
    ConfirmRequest,
    Contact,
)
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.waiting_list import service
from barberpro_app.waiting_list.errors import (
    AlreadyWaitingError,
    NotTheseDaysError,
    WaitingListClosedError,
)
from barberpro_app.waiting_list.jobs import Promoter, look_through, part_of_day
from barberpro_app.waiting_list.schemas import WaitingDraft, WaitingEntry

T = TypeVar("T")
CLOCKS = ("09:00", "09:30", "10:00", "10:30")


def do(shop: Shop, step: Callable[[Connection], Awaitable[T]]) -> T:
    async def run() -> T:
        async with shop.database(2) as database, database.connection() as connection:
            return await step(connection)

    return asyncio.run(run())


def draft(shop: Shop, name: str, **values: object) -> WaitingDraft:
    wish: dict[str, object] = {
        "service_id": shop.services["solo"], "location_id": shop.location,
        "first_day": shop.day, "last_day": shop.day,
        "client": {"name": name, "email": f"{name}@w.example"}, **values,
    }  # fmt: skip
    return WaitingDraft.model_validate(wish)


def join(shop: Shop, name: str, **values: object) -> WaitingEntry:
    return do(
        shop, lambda c: service.join(c, shop.app, ANONYMOUS_ACTOR, draft(shop, name, **values))
    )


def look(shop: Shop) -> int:
    return do(shop, lambda c: look_through(c, shop.app))


def entry(shop: Shop, found: WaitingEntry) -> WaitingEntry:
    return do(shop, lambda c: service.get(c, SYSTEM_ACTOR, found.id))


@pytest.fixture
def full(shop: Shop) -> Shop:
    """One provider, four half hours of one day, all of them taken."""
    shop.rows("DELETE FROM break_time")
    shop.rows("UPDATE working_hours SET opens = 540, closes = 660")
    shop.rows("INSERT INTO holiday_override (day, open) VALUES (%s, true) ON CONFLICT DO NOTHING",
              shop.day)  # fmt: skip
    for clock in CLOCKS:
        taken(shop, clock)
    return shop


def taken(shop: Shop, clock: str) -> Booking:
    asked = BookRequest(
        service_id=shop.services["solo"], location_id=shop.location, starts_at=shop.at(clock),
        client=Contact(name="Otra"),
    )  # fmt: skip
    return do(shop, lambda c: bookings.book(c, shop.app, staff(), asked))


def free(shop: Shop, clock: str) -> None:
    key = shop.rows("SELECT id FROM booking WHERE starts_at = %s AND status = 'confirmed'",
                    shop.at(clock))[0][0]  # fmt: skip
    assert isinstance(key, UUID)
    do(
        shop,
        lambda c: bookings.cancel(c, shop.app, staff(), key, CancelRequest(override_reason="x")),
    )


def kinds(shop: Shop, name: str) -> list[object]:
    return [row[0] for row in shop.rows(
        "SELECT kind FROM message WHERE recipient = %s ORDER BY id", f"{name}@w.example")]  # fmt: skip


def test_what_becomes_free_is_offered_to_the_first_in_line(full: Shop) -> None:
    ana, eva = join(full, "ana"), join(full, "eva")
    assert (ana.position, eva.position) == (1, 2)
    assert look(full) == 0
    free(full, "10:00")
    assert look(full) == 1
    offered, waiting = entry(full, ana), entry(full, eva)
    assert (offered.state, waiting.state, waiting.position) == ("offered", "waiting", 2)
    assert kinds(full, "ana") == ["waiting_joined", "booking_offer"]
    assert look(full) == 0
    booking_id = offered.booking_id
    assert booking_id is not None
    me = client(offered.client.id)
    done = do(full, lambda c: bookings.confirm(c, full.app, me, booking_id, ConfirmRequest()))
    assert done.status == "confirmed"
    assert done.starts_at == full.at("10:00")
    assert entry(full, ana).state == "taken"
    assert entry(full, eva).position == 1


def test_who_does_not_answer_is_out_and_the_next_is_asked(full: Shop) -> None:
    ana, eva = join(full, "ana"), join(full, "eva")
    free(full, "09:30")
    look(full)
    full.rows("UPDATE booking SET hold_expires_at = now() - interval '1 s' WHERE status = 'held'")
    full.rows(
        "UPDATE occupancy SET expires_at = now() - interval '1 s' WHERE expires_at IS NOT NULL"
    )
    assert look(full) == 1  # nobody has to mark the hold as expired first
    assert (entry(full, ana).state, entry(full, eva).state) == ("lapsed", "offered")
    assert kinds(full, "ana")[-1] == "waiting_lapsed"
    assert look(full) == 0


def test_a_time_that_was_not_wanted_is_not_offered_again(full: Shop) -> None:
    ana, eva = join(full, "ana"), join(full, "eva")
    free(full, "09:00")
    look(full)
    booking_id = entry(full, ana).booking_id
    assert booking_id is not None
    me = client(ana.client.id)
    do(full, lambda c: bookings.cancel(c, full.app, me, booking_id, CancelRequest()))
    assert entry(full, ana).state == "waiting"
    assert look(full) == 1
    assert (entry(full, ana).state, entry(full, eva).state) == ("waiting", "offered")
    free(full, "10:30")
    assert look(full) == 1
    assert entry(full, ana).state == "offered"  # kept its place for another time
    left = do(full, lambda c: service.leave(c, full.app, me, ana.id))
    assert left.state == "left"
    assert do(full, lambda c: service.leave(c, full.app, me, ana.id)).state == "left"
    assert full.rows("SELECT count(*) FROM booking WHERE status = 'held'") == [(1,)]


def test_nothing_is_offered_too_late_or_outside_what_was_asked_for(full: Shop) -> None:
    join(full, "tarde", parts=["evening"])
    ana = join(full, "ana")
    free(full, "09:00")
    hours = int((full.at("09:00") - datetime.now(full.app.zone)).total_seconds() // 3600)
    put = "INSERT INTO settings_value (key, value) VALUES ('waiting_list', %s)"
    full.rows(put, f'{{"cutoff_hours": {hours + 1}}}')
    assert look(full) == 0
    full.rows("DELETE FROM settings_value WHERE key = 'waiting_list'")
    full.rows(put, '{"enabled": false}')
    assert look(full) == 0
    full.rows("DELETE FROM settings_value WHERE key = 'waiting_list'")
    assert look(full) == 1
    assert entry(full, ana).state == "offered"


def test_deposits_and_blocks_hold_for_what_is_offered(full: Shop) -> None:
    full.rows(
        "INSERT INTO deposit_rule (kind, amount_centavos, applies) VALUES ('fixed', 9, 'always')"
    )
    full.rows(
        "INSERT INTO settings_value (key, value) VALUES ('attendance', '{\"block_from\": 1}')"
    )
    bad, ana = join(full, "mala"), join(full, "ana")
    full.rows(
        "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id, starts_at,"
        " ends_at, zone, price_centavos) SELECT new_booking_code(), 'no_show', %s, %s, %s, %s,"
        " now() - interval '2 days', now() - interval '47 h', 'UTC', 1",
        bad.client.id, full.providers[0], full.services["solo"], full.location,
    )  # fmt: skip
    free(full, "10:00")
    assert look(full) == 1
    assert entry(full, bad).state == "waiting"  # may be forgiven
    booking_id = entry(full, ana).booking_id
    assert booking_id is not None
    me = client(ana.client.id)
    with pytest.raises(DepositRequiredError):
        do(full, lambda c: bookings.confirm(c, full.app, me, booking_id, ConfirmRequest()))


def test_who_may_join_and_see(full: Shop) -> None:
    ana = join(full, "ana")
    for wrong, error in (
        ({}, AlreadyWaitingError),
        ({"client": {"name": "Sin correo", "phone": "11 2345 6789"}}, ClientRequiredError),
        ({"service_id": UUID(int=4)}, NotFoundError),
        ({"provider_id": full.providers[1]}, NotFoundError),  # does not give it
        ({"first_day": date(2001, 1, 1), "last_day": date(2001, 1, 2)}, NotTheseDaysError),
    ):
        with pytest.raises(error):
            join(full, "ana", **wrong)
    other = client(UUID(int=9))
    with pytest.raises(NotFoundError):
        do(full, lambda c: service.get(c, other, ana.id))
    with pytest.raises(NotAllowedError):
        do(full, lambda c: service.line(c, ANONYMOUS_ACTOR))
    assert do(full, lambda c: service.line(c, other)).items == []
    assert len(do(full, lambda c: service.line(c, staff())).items) == 1
    full.rows(
        "INSERT INTO settings_value (key, value) VALUES ('waiting_list', '{\"enabled\": false}')"
    )
    with pytest.raises(WaitingListClosedError):
        join(full, "eva")


def test_an_entry_whose_days_are_over_ends(full: Shop) -> None:
    ana = join(full, "ana")
    full.rows("UPDATE waiting_entry SET first_day = current_date - 9, last_day = current_date - 2")
    look(full)
    assert entry(full, ana).state == "over"
    assert kinds(full, "ana")[-1] == "waiting_over"


def test_seats_of_a_full_session_go_to_the_first_for_whom_they_suffice(full: Shop) -> None:
    full.rows("UPDATE service SET capacity = 3 WHERE key = 'solo'")
    free(full, "10:00")
    full.rows("DELETE FROM occupancy WHERE NOT active")
    session = full.rows(
        "INSERT INTO group_session (service_id, provider_id, location_id, starts_at, ends_at, zone,"
        " capacity) VALUES (%s, %s, %s, %s, %s, 'America/Argentina/Buenos_Aires', 3) RETURNING id",
        full.services["solo"], full.providers[0], full.location, full.at("10:00"), full.at("10:30"),
    )[0][0]  # fmt: skip
    full.rows("INSERT INTO occupancy (session_id, resource_id, period) VALUES (%s, %s,"
              " tstzrange(%s, %s))", session, full.providers[0], full.at("10:00"), full.at("10:30"))  # fmt: skip

    def seat(number: int) -> Booking:
        asked = BookRequest(
            service_id=full.services["solo"], location_id=full.location,
            starts_at=full.at("10:00"), session_id=session, seats=number,  # type: ignore[arg-type]
            client=Contact(name="X"),
        )  # fmt: skip
        return do(full, lambda c: bookings.book(c, full.app, staff(), asked))

    one, _ = seat(1), seat(2)
    two, ana = join(full, "dos", session_id=session, seats=2), join(full, "ana", session_id=session)
    assert look(full) == 0
    late = CancelRequest(override_reason="x")
    do(full, lambda c: bookings.cancel(c, full.app, staff(), one.id, late))
    assert full.rows("SELECT count(*) FROM freed_time") != [(0,)]
    assert look(full) == 1
    assert (entry(full, two).state, entry(full, ana).state) == ("waiting", "offered")
    assert full.rows("SELECT session_id FROM booking WHERE status = 'held'") == [(session,)]


def test_two_promoters_never_offer_one_time_twice(full: Shop) -> None:
    for name in ("ana", "eva", "sol"):
        join(full, name)
    free(full, "09:00")
    free(full, "10:00")

    async def race() -> list[int]:
        async with shop_database(full) as database:
            return list(
                await asyncio.gather(*(Promoter(database, full.app).run() for _ in range(6)))
            )

    assert sum(asyncio.run(race())) == 2
    assert full.rows(
        "SELECT count(*), count(DISTINCT starts_at) FROM booking WHERE status = 'held'"
    ) == [(2, 2)]
    assert full.rows("SELECT count(*) FROM freed_time") == [(0,)]


def shop_database(shop: Shop) -> Any:
    return shop.database(6)


def test_parts_of_the_day_are_local() -> None:
    zone, at = ZoneInfo("America/Argentina/Salta"), datetime(2026, 5, 4, 15, 0, tzinfo=UTC)
    assert part_of_day(at - timedelta(minutes=1), zone) == "morning"
    assert part_of_day(at, zone) == "afternoon"
    assert part_of_day(at + timedelta(hours=6), zone) == "evening"


OPERATIONS = ("join", "free", "expire", "take", "decline", "leave", "look")


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 7)), max_size=18))
def test_whatever_happens_nobody_is_passed_over_or_forgotten(
    full: Shop, steps: list[tuple[str, int]]
) -> None:
    for table in ("waiting_entry", "message", "booking", "client", "freed_time"):
        full.rows(f"DELETE FROM {table}")
    for clock in CLOCKS:
        taken(full, clock)
    for operation, number in [*steps, ("look", 0)]:
        step(full, operation, number)


def step(shop: Shop, operation: str, number: int) -> None:
    if operation == "join":
        known = shop.rows("SELECT count(*) FROM waiting_entry")[0][0]
        join(shop, f"c{known}")
    elif operation == "free":
        rows = shop.rows("SELECT id FROM booking WHERE status = 'confirmed' ORDER BY starts_at")
        if rows:
            key = rows[number % len(rows)][0]
            what = CancelRequest(override_reason="x")
            do(shop, lambda c: bookings.cancel(c, shop.app, staff(), key, what))  # type: ignore[arg-type]
    elif operation == "look":
        looked(shop)
    else:
        answered(shop, operation, number)


def answered(shop: Shop, operation: str, number: int) -> None:
    rows = shop.rows("SELECT booking_id, client_id, id FROM waiting_entry WHERE state = 'offered'"
                     " ORDER BY joined_at")  # fmt: skip
    if not rows:
        return
    booking: Any
    key: Any
    booking, who, key = rows[number % len(rows)]
    assert isinstance(who, UUID)
    me = client(who)
    if operation == "expire":
        shop.rows(
            "UPDATE booking SET hold_expires_at = now() - interval '1 s' WHERE id = %s", booking
        )
        shop.rows("UPDATE occupancy SET expires_at = now() WHERE booking_id = %s", booking)
        shop.rows("SELECT expire_holds(10)")
    elif operation == "take":
        do(shop, lambda c: bookings.confirm(c, shop.app, me, booking, ConfirmRequest()))
    elif operation == "decline":
        do(shop, lambda c: bookings.cancel(c, shop.app, me, booking, CancelRequest()))
    else:
        do(shop, lambda c: service.leave(c, shop.app, me, key))


def looked(shop: Shop) -> None:
    before = {row[0] for row in shop.rows("SELECT id FROM waiting_entry WHERE state = 'offered'")}
    made = look(shop)
    offered = shop.rows("SELECT e.id, e.joined_at, b.starts_at FROM waiting_entry e JOIN booking b"
                        " ON b.id = e.booking_id WHERE e.state = 'offered' AND b.status = 'held'")  # fmt: skip
    assert len({row[2] for row in offered}) == len(offered)
    new = [row for row in offered if row[0] not in before]
    assert len(new) == made
    waiting = shop.rows("SELECT id, joined_at FROM waiting_entry WHERE state = 'waiting'")
    refused = set(shop.rows("SELECT entry_id, starts_at FROM waiting_refusal"))
    for key, joined, starts in new:
        assert all(
            other[1] > joined or (other[0], starts) in refused  # type: ignore[operator]
            for other in waiting
        ), f"{key} went before somebody"
    gone = {row[0] for row in shop.rows("SELECT starts_at FROM booking WHERE status IN"
                                        " ('held', 'confirmed')")}  # fmt: skip
    for clock in CLOCKS:
        if shop.at(clock) not in gone:
            assert all((row[0], shop.at(clock)) in refused for row in waiting), "forgotten"
