"""Series of visits: each day has all of the services or none, and one message tells of them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from support_series import as_client, do, first, kinds, open_all_year, repeat, run_job, shut, starts
from support_shop import Shop, staff

from barberpro_app.audit.trail import Actor
from barberpro_app.booking import service as bookings
from barberpro_app.booking.errors import NotChangeableError, NotOfferedError
from barberpro_app.booking.schemas import CancelRequest, Contact
from barberpro_app.series import service
from barberpro_app.series.errors import SeriesConflictsError
from barberpro_app.series.schemas import SeriesDraft, SeriesEnd, SeriesMove
from barberpro_app.visit import service as visits
from barberpro_app.visit.schemas import LineRequest, Visit, VisitBookRequest

LINES = (("cut", 1), ("cut", 0))


@pytest.fixture
def week(shop: Shop) -> Shop:
    open_all_year(shop)
    return shop


def visit(shop: Shop, clock: str = "10:00") -> Visit:
    asked = VisitBookRequest(
        location_id=shop.location, starts_at=shop.at(clock), client=Contact(name="Ana", email="ana@v.example"),
        lines=tuple(LineRequest(service_id=shop.services[key], provider_id=shop.providers[n]) for key, n in LINES),
    )  # fmt: skip
    return do(shop, lambda c: visits.book(c, shop.app, staff(), asked))


def whole(shop: Shop) -> None:
    """No day has a part of its visit, and the books balance."""
    assert (
        shop.rows(
            "SELECT visit_id FROM booking WHERE series_id IS NOT NULL GROUP BY visit_id"
            " HAVING count(*) <> 2 OR count(DISTINCT status) <> 1 OR visit_id IS NULL"
        )
        == []
    )
    assert shop.rows("SELECT coalesce(sum(amount), 0) FROM ledger_line") == [(0,)]


def test_each_day_has_the_whole_visit_or_says_why_not(week: Shop) -> None:
    shut(week, week.day + timedelta(weeks=1))
    first(week, week.day + timedelta(weeks=2), "10:45")  # of the second service alone
    made = visit(week)
    draft = SeriesDraft(count=4)
    shown = do(week, lambda c: service.preview(c, week.app, staff(), made.id, draft))
    assert [part.problem for part in shown.parts] == [None, "holiday", "taken", None]
    with pytest.raises(SeriesConflictsError):
        repeat(week, made, count=4)
    found = repeat(week, made, count=4, skip=[week.day + timedelta(weeks=2)])
    assert [part.problem for part in found.parts] == [None, "holiday", "taken", None]
    assert found.service.name["es-AR"] == "Corte + Corte"
    assert week.rows("SELECT count(*) FROM booking WHERE series_id IS NOT NULL") == [(4,)]
    assert kinds(week)[-1] == "series_confirmed"
    assert week.rows(
        "SELECT jsonb_array_length(payload->'bookings'), payload->'bookings'->1->'lines'->1->>'status'"
        " FROM message WHERE kind = 'series_confirmed'"
    ) == [(2, "confirmed")]
    whole(week)
    with pytest.raises(NotChangeableError):
        repeat(week, made, count=4)


def test_all_moves_and_ends_by_any_of_its_bookings(week: Shop) -> None:
    made = visit(week)
    found = repeat(week, made, count=4)
    first(week, week.day + timedelta(weeks=3), "12:30")
    wish = SeriesMove(booking_id=made.lines[1].id, starts_at=week.at("12:00"), scope="all")
    shown = do(week, lambda c: service.preview_move(c, week.app, staff(), found.id, wish))
    assert [item.problem for item in shown.kept] == ["taken"]
    somebody = wish.model_copy(update={"provider_id": week.providers[2]})
    with pytest.raises(NotOfferedError):
        do(week, lambda c: service.move(c, week.app, staff(), found.id, somebody))
    accepted = wish.model_copy(update={"keep": [item.day for item in shown.kept]})
    moved = do(week, lambda c: service.move(c, week.app, staff(), found.id, accepted))
    assert [moment.hour for moment in starts(week, moved)] == [12, 12, 12, 10]
    assert [row[0] for row in week.rows(
        "SELECT (starts_at AT TIME ZONE zone)::time::text FROM booking WHERE series_id IS NOT NULL"
        " ORDER BY starts_at LIMIT 2")] == ["12:00:00", "12:30:00"]  # fmt: skip
    whole(week)
    keys = [part.booking_id for part in moved.parts]
    third = week.rows("SELECT id FROM booking WHERE visit_line = 2 AND visit_id ="
                      " (SELECT visit_id FROM booking WHERE id = %s)", keys[2])[0][0]  # fmt: skip
    assert isinstance(third, UUID)
    what = SeriesEnd(scope="following", booking_id=third)
    ended = do(week, lambda c: service.end(c, week.app, staff(), found.id, what))
    assert [part.status for part in ended.parts] == ["confirmed"] * 2 + ["cancelled"] * 2
    whole(week)
    assert kinds(week)[-2:] == ["series_moved", "series_cancelled"]


def test_one_service_of_a_day_is_cancelled_and_the_other_stands_for_it(week: Shop) -> None:
    found = repeat(week, visit(week), count=3)
    key = found.parts[1].booking_id
    assert key is not None
    do(week, lambda c: bookings.cancel(c, week.app, staff(), key, CancelRequest()))
    again = do(week, lambda c: service.get(c, staff(), found.id))
    assert [part.status for part in again.parts] == ["confirmed"] * 3
    assert again.parts[1].booking_id != key
    do(week, lambda c: service.end(c, week.app, staff(), found.id, SeriesEnd(scope="all")))
    assert week.rows("SELECT DISTINCT status FROM booking") == [("cancelled",)]


def pay(shop: Shop, key: UUID | None, amount: int) -> None:
    shop.rows(
        "SELECT payment_record('{\"kind\": \"staff\", \"id\": \"\", \"staff\": true}',"
        " '{\"hold_minutes\": 10}', %s, jsonb_build_object('method', 'cash', 'amount_centavos', %s::int),"
        " 'ARS', NULL)", key, amount,
    )  # fmt: skip


def test_the_deposits_of_a_day_are_paid_together_or_its_time_is_given_up(week: Shop) -> None:
    week.rows(
        "INSERT INTO deposit_rule (kind, amount_centavos, applies) VALUES ('fixed', 500, 'always')"
    )
    week.rows(
        "INSERT INTO settings_value (key, value) VALUES ('series', '{\"deposit\": \"each\"}')"
    )
    made = visit(week)
    me: Actor = as_client(made)
    found = repeat(week, made, me, count=3)
    assert [part.status for part in found.parts] == ["confirmed", "held", "held"]
    pay(week, found.parts[2].booking_id, 1000)
    whole(week)
    week.rows("UPDATE booking SET hold_expires_at = now() + interval '1 day' WHERE status = 'held'")
    for _ in range(2):
        do(week, lambda _: run_job(week))
    assert kinds(week).count("booking_pay") == 1
    week.rows("UPDATE booking SET hold_expires_at = now() - interval '1 s' WHERE status = 'held'")
    week.rows("SELECT expire_holds(10)")
    again = do(week, lambda c: service.get(c, staff(), found.id))
    assert [part.status for part in again.parts] == ["confirmed", "expired", "confirmed"]
    whole(week)
    assert kinds(week).count("booking_cancelled") == 1
