"""Series: every planned day has a booking or a reason, a change is whole, and what composes does."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_series import (
    DESK,
    as_client,
    do,
    first,
    kinds,
    open_all_year,
    package,
    repeat,
    run_job,
    shut,
    starts,
)
from support_shop import Shop, client

from barberpro_app.booking import service as bookings
from barberpro_app.booking.errors import NotChangeableError, TooLateToCancelError
from barberpro_app.booking.schemas import CancelRequest
from barberpro_app.kit.errors import NotFoundError, StaleVersionError
from barberpro_app.series import service
from barberpro_app.series.errors import NoCreditError, SeriesConflictsError
from barberpro_app.series.schemas import SeriesDraft, SeriesEnd, SeriesMove

SHUT = {"holiday", "closed", "time_off"}


@pytest.fixture
def week(shop: Shop) -> Shop:
    """Open every day."""
    open_all_year(shop)
    return shop


def test_a_series_reaches_as_far_as_bookings_are_taken_and_the_job_makes_the_rest(
    week: Shop,
) -> None:
    booking = first(week, week.day)
    made = repeat(week, booking, count=12)
    ahead = (60 - 14) // 7 + 1  # the window is 60 days, the first is 14 days ahead
    assert len(made.parts) == ahead
    assert made.more
    assert {part.status for part in made.parts} == {"confirmed"}
    assert starts(week, made) == [
        datetime.combine(week.day + timedelta(weeks=n), datetime.min.time()).replace(hour=10)
        for n in range(ahead)
    ]
    assert kinds(week) == ["booking_confirmed", "series_confirmed"]
    assert do(week, lambda c: run_job(week)) == 0
    week.rows("UPDATE series SET first_day = first_day - 28")
    assert do(week, lambda c: run_job(week)) == 4
    assert do(week, lambda c: run_job(week)) == 0
    again = do(week, lambda c: service.get(c, DESK, made.id))
    assert len(again.parts) == ahead + 4
    assert again.more == (ahead + 4 < 12)
    week.rows("UPDATE series SET first_day = first_day - 70")
    do(week, lambda c: run_job(week))
    done = do(week, lambda c: service.get(c, DESK, made.id))
    assert (done.state, len(done.parts), done.more) == ("done", 12, False)


def test_closed_days_are_left_out_or_moved_and_said(week: Shop) -> None:
    second = week.day + timedelta(weeks=1)
    shut(week, second)
    skipped = repeat(week, first(week, week.day), count=3)
    assert [part.problem for part in skipped.parts] == [None, "holiday", None]
    moved = repeat(week, first(week, week.day, "11:00"), count=3, on_closed="next_day")
    assert [part.problem for part in moved.parts] == [None, None, None]
    days = [moment.date() for moment in starts(week, moved)]
    assert days[1] == second + timedelta(days=1)
    assert moved.parts[1].planned_on == second


def test_conflicts_are_shown_before_and_have_to_be_accepted(week: Shop) -> None:
    taken = week.day + timedelta(weeks=2)
    first(week, taken)
    booking = first(week, week.day)
    before = week.rows("SELECT count(*) FROM booking")
    draft = SeriesDraft(count=4)
    shown = do(week, lambda c: service.preview(c, week.app, DESK, booking.id, draft))
    assert [part.problem for part in shown.parts] == [None, None, "taken", None]
    assert week.rows("SELECT count(*) FROM booking") == before
    assert week.rows("SELECT count(*) FROM series") == [(0,)]
    with pytest.raises(SeriesConflictsError, match=str(taken)):
        repeat(week, booking, count=4)
    assert week.rows("SELECT count(*) FROM booking") == before
    made = repeat(week, booking, count=4, skip=[taken.isoformat()])
    assert [part.problem for part in made.parts] == [None, None, "taken", None]
    with pytest.raises(NotChangeableError):
        repeat(week, booking, count=4)


def test_one_following_or_all_are_cancelled(week: Shop) -> None:
    made = repeat(week, first(week, week.day), count=5)
    keys = [part.booking_id for part in made.parts]
    assert all(keys)
    one = keys[1]
    assert one is not None
    do(week, lambda c: bookings.cancel(c, week.app, DESK, one, CancelRequest(reason="x")))
    what = SeriesEnd(scope="following", booking_id=keys[3], reason="Se muda")
    ended = do(week, lambda c: service.end(c, week.app, DESK, made.id, what))
    assert [part.status for part in ended.parts] == [
        "confirmed", "cancelled", "confirmed", "cancelled", "cancelled",
    ]  # fmt: skip
    assert ended.state == "ended"
    assert kinds(week)[-1] == "series_cancelled"
    assert kinds(week).count("booking_cancelled") == 1
    told = week.rows("SELECT jsonb_array_length(payload->'bookings') FROM message"
                     " WHERE kind = 'series_cancelled'")  # fmt: skip
    assert told == [(2,)]
    do(week, lambda c: service.end(c, week.app, DESK, made.id, SeriesEnd(scope="all")))
    found = do(week, lambda c: service.get(c, DESK, made.id))
    assert {part.status for part in found.parts} == {"cancelled"}


def test_ending_keeps_what_is_booked(week: Shop) -> None:
    made = repeat(week, first(week, week.day), every_weeks=2)
    assert made.more
    ended = do(week, lambda c: service.end(c, week.app, DESK, made.id, SeriesEnd(scope="end")))
    assert {part.status for part in ended.parts} == {"confirmed"}
    assert not ended.more
    week.rows("UPDATE series SET first_day = first_day - 28")
    assert do(week, lambda c: run_job(week)) == 0


def test_a_client_cancels_only_in_time(week: Shop) -> None:
    booking = first(week, week.day)
    me = as_client(booking)
    made = repeat(week, booking, me, count=3)
    week.rows(
        "UPDATE booking SET starts_at = now() + interval '2 hours', ends_at = now()"
        " + interval '3 hours' WHERE id = %s", booking.id,
    )  # fmt: skip
    what = SeriesEnd(scope="following", booking_id=booking.id)
    with pytest.raises(TooLateToCancelError):
        do(week, lambda c: service.end(c, week.app, me, made.id, what))
    found = do(week, lambda c: service.end(c, week.app, me, made.id, SeriesEnd(scope="all")))
    assert [part.status for part in found.parts] == ["confirmed", "cancelled", "cancelled"]
    other = client(UUID(int=5))
    with pytest.raises(NotFoundError):
        do(week, lambda c: service.end(c, week.app, other, made.id, SeriesEnd(scope="all")))
    late = SeriesEnd(scope="all", version=1)
    with pytest.raises(StaleVersionError):
        do(week, lambda c: service.end(c, week.app, me, made.id, late))


@pytest.mark.parametrize(
    ("days", "clock"), [(7, "10:00"), (-7, "10:00"), (1, "09:30"), (0, "10:15")]
)
def test_all_that_follows_moves_by_as_much(week: Shop, days: int, clock: str) -> None:
    made = repeat(week, first(week, week.day + timedelta(days=7)), count=4)
    start = made.parts[1]
    assert start.starts_at is not None
    assert start.booking_id is not None
    to = start.planned_on + timedelta(days=days)
    wish = SeriesMove(booking_id=start.booking_id, starts_at=week.at(clock, to))
    if days == -7:  # onto its neighbour, which stays
        with pytest.raises(SeriesConflictsError):
            do(week, lambda c: service.move(c, week.app, DESK, made.id, wish))
        return
    before = starts(week, made)
    shown = do(week, lambda c: service.preview_move(c, week.app, DESK, made.id, wish))
    assert starts(week, do(week, lambda c: service.get(c, DESK, made.id))) == before
    moved = do(week, lambda c: service.move(c, week.app, DESK, made.id, wish))
    assert starts(week, moved) == starts(week, shown)
    hour = datetime.strptime(clock, "%H:%M").time()  # noqa: DTZ007 - a wall time
    assert starts(week, moved) == [
        before[0],
        *(datetime.combine(old.date() + timedelta(days=days), hour) for old in before[1:]),
    ]
    assert kinds(week)[-1] == "series_moved"
    assert "booking_rescheduled" not in kinds(week)


def test_a_move_says_what_it_leaves_where_it_was(week: Shop) -> None:
    made = repeat(week, first(week, week.day), count=3)
    third = made.parts[2].planned_on
    first(week, third, "12:00")
    lead = made.parts[0].booking_id
    assert lead is not None
    wish = SeriesMove(booking_id=lead, starts_at=week.at("12:00"), scope="all")
    shown = do(week, lambda c: service.preview_move(c, week.app, DESK, made.id, wish))
    assert [(kept.day, kept.problem) for kept in shown.kept] == [(third, "taken")]
    with pytest.raises(SeriesConflictsError):
        do(week, lambda c: service.move(c, week.app, DESK, made.id, wish))
    accepted = wish.model_copy(update={"keep": [third]})
    moved = do(week, lambda c: service.move(c, week.app, DESK, made.id, accepted))
    assert [moment.hour for moment in starts(week, moved)] == [12, 12, 10]


def test_a_package_pays_for_each_as_it_comes_near(week: Shop) -> None:
    booking = first(week, week.day - timedelta(days=7))
    me = as_client(booking)
    with pytest.raises(NoCreditError):
        repeat(week, booking, me, count=4, use_credits=True)
    assert me.principal.client_id is not None
    package(week, me.principal.client_id, 3)
    repeat(week, booking, me, count=5, use_credits=True)
    near = "SELECT count(*) FROM booking WHERE starts_at < now() + interval '14 days'"
    taken = "SELECT coalesce(sum(taken), 0)::bigint FROM pass_period"
    assert week.rows(taken) == week.rows(near)
    week.rows("UPDATE booking SET starts_at = starts_at - interval '6 days',"
              " ends_at = ends_at - interval '6 days' WHERE id <> %s", booking.id)  # fmt: skip
    do(week, lambda c: run_job(week))
    assert week.rows(taken) == week.rows(near)
    week.rows("UPDATE booking SET starts_at = now() + interval '1 day' * ends,"
              " ends_at = now() + interval '1 day' * ends + interval '30 min'"
              " FROM (SELECT id AS key, row_number() OVER (ORDER BY starts_at) AS ends FROM booking) n"
              " WHERE n.key = booking.id")  # fmt: skip
    do(week, lambda c: run_job(week))
    assert week.rows(taken) == [(3,)]  # no more than there are
    assert week.rows("SELECT count(*) FROM booking WHERE status = 'confirmed'") == [(5,)]


def deposits(shop: Shop, each: bool) -> None:
    shop.rows(
        "INSERT INTO deposit_rule (kind, amount_centavos, applies) VALUES ('fixed', 500, 'always')"
    )
    if each:
        shop.rows(
            "INSERT INTO settings_value (key, value) VALUES ('series', '{\"deposit\": \"each\"}')"
        )


def test_deposits_are_of_the_first_alone_where_the_owner_says_so(week: Shop) -> None:
    deposits(week, each=False)
    booking = first(week, week.day)
    made = repeat(week, booking, as_client(booking), count=4)
    assert [part.status for part in made.parts] == ["confirmed"] * 4


def test_deposits_of_each_are_waited_for_and_then_the_time_is_given_up(week: Shop) -> None:
    deposits(week, each=True)
    booking = first(week, week.day)
    made = repeat(week, booking, as_client(booking), count=3)
    assert [part.status for part in made.parts] == ["confirmed", "held", "held"]
    for part in made.parts[1:]:
        assert part.starts_at is not None
        assert part.pay_until == part.starts_at - timedelta(hours=48)
    last = made.parts[2].booking_id
    pay = ("SELECT payment_record('{\"kind\": \"staff\", \"id\": \"\", \"staff\": true}',"
           " '{\"hold_minutes\": 10}', %s, '{\"method\": \"cash\", \"amount_centavos\": 500}',"
           " 'ARS', NULL)")  # fmt: skip
    week.rows("UPDATE booking SET created_at = now() - interval '5 days' WHERE id = %s", last)
    week.rows(pay, last)
    week.rows(
        "UPDATE booking SET hold_expires_at = now() + interval '2 days' WHERE status = 'held'"
    )
    do(week, lambda c: run_job(week))
    do(week, lambda c: run_job(week))
    assert kinds(week).count("booking_pay") == 1
    week.rows("UPDATE booking SET hold_expires_at = now() - interval '1 s' WHERE status = 'held'")
    week.rows("SELECT expire_holds(10)")
    found = do(week, lambda c: service.get(c, DESK, made.id))
    assert [part.status for part in found.parts] == ["confirmed", "expired", "confirmed"]
    assert kinds(week)[-1] == "booking_cancelled"


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_is_in_the_way_each_planned_day_has_a_booking_or_a_reason(
    week: Shop, data: st.DataObject
) -> None:
    for table in ("series", "message", "booking", "client"):
        week.rows(f"DELETE FROM {table}")
    open_all_year(week)
    week.rows("UPDATE holiday_override SET open = true")
    draw = data.draw
    every = draw(st.integers(1, 4), label="every")
    day = week.day - timedelta(days=draw(st.integers(0, 6)))
    for ahead in draw(st.sets(st.integers(1, 50), max_size=8), label="shut"):
        shut(week, day + timedelta(days=ahead))
    for ahead in draw(st.sets(st.integers(1, 6), max_size=3), label="taken"):
        other = day + timedelta(weeks=ahead)
        if week.rows("SELECT open FROM holiday_override WHERE day = %s", other) == [(True,)]:
            first(week, other, "10:15")
    booking = first(week, day)
    end = draw(st.sampled_from([{}, {"count": 3}, {"until": str(day + timedelta(days=40))}]))
    values = {"every_weeks": every, **end, "on_closed": draw(st.sampled_from(["skip", "next_day"]))}
    draft = SeriesDraft.model_validate(values)
    shown = do(week, lambda c: service.preview(c, week.app, DESK, booking.id, draft))
    conflicts = [str(part.planned_on) for part in shown.parts
                 if part.problem and part.problem not in SHUT]  # fmt: skip
    made = repeat(week, booking, **values, skip=conflicts)
    assert [(p.planned_on, p.problem, p.starts_at) for p in made.parts] == [
        (p.planned_on, p.problem, p.starts_at) for p in shown.parts
    ]
    for number, part in enumerate(made.parts):
        assert part.planned_on == day + timedelta(weeks=every * number)
        assert (part.booking_id is None) == (part.problem is not None)
        if part.starts_at is not None:
            local = part.starts_at.astimezone(week.app.zone)
            assert (local.hour, local.minute) == (10, 0)
            assert 0 <= (local.date() - part.planned_on).days < 7
    assert week.rows("SELECT coalesce(sum(amount), 0) FROM ledger_line") == [(0,)]
