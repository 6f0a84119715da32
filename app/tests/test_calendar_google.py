"""A provider's calendar at Google, against the double of its API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from google_calendar import EMAIL, GoogleAccount, google_calendar
from support_accounts import Caller
from support_calendars import Desk, add_connection, make_desk
from support_shop import Shop

from barberpro_app.application import create_application
from barberpro_app.calendar_sync.working import CalendarWorker
from barberpro_app.kit.database import Database
from barberpro_app.kit.metrics import Metrics


@pytest.fixture
def google() -> Iterator[GoogleAccount]:
    with google_calendar() as account:
        yield account


@pytest.fixture
def desk(shop: Shop, google: GoogleAccount, tmp_path: Path) -> Desk:
    made = make_desk(shop, tmp_path, google)
    add_connection(made, "google", EMAIL, {"refresh_token": google.grant()})
    made.turn()
    return made


def live(google: GoogleAccount) -> list[dict[str, Any]]:
    return [event for event in google.events.values() if event["status"] == "confirmed"]


def state(desk: Desk) -> tuple[Any, ...]:
    return desk.rows("SELECT state, last_error FROM calendar_connection")[0]


def test_a_booking_is_written_moved_and_taken_away(desk: Desk, google: GoogleAccount) -> None:
    booking = desk.book("10:00")
    desk.turn()
    (event,) = live(google)
    assert event["id"] == booking.id.hex
    assert event["summary"] == "Corte"
    assert event["extendedProperties"]["private"]["barberproBooking"] == str(booking.id)
    moved = desk.move(booking, "15:00")
    desk.turn()
    (event,) = live(google)
    assert event["start"]["dateTime"].startswith(f"{moved.starts_at:%Y-%m-%dT%H:%M}")
    desk.cancel(moved)
    desk.turn()
    assert live(google) == []
    assert desk.mirrors() == []
    # read back, ours keep nothing busy
    desk.look()
    assert (desk.busy(), desk.conflicts()) == ([], [])


def test_outside_events_block_by_sync_token(desk: Desk, google: GoogleAccount) -> None:
    at = desk.shop.at
    google.page_size = 2
    name = google.add(at("10:00"), at("11:00"))
    google.add(at("12:00"), at("12:30"), transparency="transparent")
    google.add(at("15:00"), at("15:30"), attendees=[{"self": True, "responseStatus": "declined"}])
    google.add(at("16:00"), at("16:30"), attendees=[{"self": True, "responseStatus": "accepted"}])
    google.add(at("17:00"), at("17:30"), eventType="workingLocation")
    desk.look()
    assert desk.busy() == [(at("10:00"), at("11:00")), (at("16:00"), at("16:30"))]
    google.move(name, at("09:00"), at("09:30"))
    google.move(name, at("09:00"), at("09:45"))
    desk.look()
    assert desk.busy()[0] == (at("09:00"), at("09:45"))
    google.drop(name)
    desk.look()
    assert desk.busy() == [(at("16:00"), at("16:30"))]
    day = desk.shop.day
    google.add(f"{day}", f"{day + timedelta(days=1)}")
    desk.look()
    assert desk.busy()[0] == (at("00:00"), at("00:00") + timedelta(days=1))
    assert google.refused == []
    tokens = [path for _, path in google.calls if "syncToken" in path]
    assert len(tokens) >= 3


def test_a_sync_token_that_expired_is_a_full_look(desk: Desk, google: GoogleAccount) -> None:
    at = desk.shop.at
    gone = google.add(at("10:00"), at("11:00"))
    desk.look()
    del google.events[gone]  # so long ago that no change tells of it
    google.add(at("12:00"), at("12:30"))
    google.forget_tokens()
    desk.look()
    assert desk.busy() == [(at("12:00"), at("12:30"))]


@pytest.mark.parametrize("fault", ["500", "lost", "hang", "reset", "401", "429", "403"])
def test_whatever_goes_wrong_it_is_written_once(
    desk: Desk, google: GoogleAccount, fault: str
) -> None:
    google.hang_seconds = 0.1
    booking = desk.book("10:00")
    google.misbehave(fault)
    desk.turn()
    for _ in range(3):
        desk.later()
    assert [event["id"] for event in live(google)] == [booking.id.hex]
    assert desk.mirrors()[0][0] == "done"
    assert state(desk) == ("active", None)


def test_asked_too_often_nothing_is_asked_until_then(desk: Desk, google: GoogleAccount) -> None:
    desk.book("10:00")
    google.misbehave("429")
    desk.turn()
    limited = desk.rows(
        "SELECT extract(epoch FROM limited_until - now()) FROM integration_state"
        " WHERE name = 'google-calendar'"
    )[0][0]
    assert 0 < limited <= google.retry_after
    before = len(google.calls)
    desk.rows("UPDATE calendar_mirror SET next_attempt_at = now()")
    desk.look()
    assert len(google.calls) == before
    desk.later()
    assert len(live(google)) == 1


def test_refused_for_ever_is_a_dead_letter_that_can_be_sent_again(
    desk: Desk, google: GoogleAccount
) -> None:
    desk.book("10:00")
    for _ in range(14):
        google.misbehave("500")
        desk.rows("UPDATE calendar_connection SET next_sync_at = now() + interval '1 day'")
        desk.rows("UPDATE calendar_mirror SET next_attempt_at = now() WHERE state = 'pending'")
        desk.turn()
    assert desk.mirrors()[0][0] == "failed"
    google.faults.clear()
    desk.rows("UPDATE calendar_mirror SET state = 'pending', attempts = 0, next_attempt_at = now()")
    desk.turn()
    assert len(live(google)) == 1


def test_access_that_was_withdrawn(desk: Desk, google: GoogleAccount) -> None:
    google.refresh_tokens.clear()
    desk.book("10:00")
    desk.turn()
    assert state(desk) == ("refused", "invalid_grant")
    assert desk.mirrors() == [("pending", None)]


def test_our_event_deleted_there_is_a_conflict_and_comes_back(
    desk: Desk, google: GoogleAccount
) -> None:
    booking = desk.book("10:00")
    desk.turn()
    google.drop(booking.id.hex)
    desk.look()
    assert desk.conflicts() == [("deleted", booking.code)]
    ((conflict,),) = desk.rows("SELECT id FROM calendar_conflict WHERE state = 'open'")
    desk.rows("SELECT calendar_decide(%s, 'kept')", conflict)
    desk.turn()
    assert [event["id"] for event in live(google)] == [booking.id.hex]
    google.move(booking.id.hex, desk.shop.at("12:00"), desk.shop.at("12:30"))
    desk.look()
    assert desk.conflicts() == [("moved", booking.code)]


def test_google_tells_of_changes(shop: Shop, google: GoogleAccount, tmp_path: Path) -> None:
    """The channel is opened, its notifications heard, forged ones not, and it is renewed."""
    desk = make_desk(shop, tmp_path, google)
    key = add_connection(desk, "google", EMAIL, {"refresh_token": google.grant()})
    desk.turn()
    (first,) = google.channels
    with desk.accounts.browser() as caller:
        google.add(desk.shop.at("10:00"), desk.shop.at("11:00"))
        desk.rows("UPDATE calendar_connection SET next_sync_at = now() + interval '1 hour'")
        assert ring(caller, google.notification(first, "sync")) == 200
        assert desk.turn() == 0
        assert ring(caller, {**google.notification(first), "X-Goog-Channel-Token": "forged"}) == 404
        assert (
            ring(caller, {**google.notification(first), "X-Goog-Channel-ID": str(UUID(int=1))})
            == 404
        )
        assert ring(caller, {}) == 404
        assert desk.turn() == 0
        for number in (3, 2, 2):  # late, early and twice
            assert ring(caller, google.notification(first, number=number)) == 200
        assert desk.turn() == 1
        assert len(desk.busy()) == 1
        desk.rows("UPDATE calendar_connection SET channel_until = now() + interval '1 hour'")
        desk.look()
        (second,) = google.channels
        assert second != first
        old = {**google.notification(second), "X-Goog-Channel-ID": first}
        assert ring(caller, old) == 404
    assert desk.rows("SELECT channel_id FROM calendar_connection WHERE id = %s", key)[0][0] == UUID(
        second
    )


def ring(caller: Caller, headers: dict[str, str]) -> int:
    return caller.post("/webhooks/google-calendar", headers=headers).status_code


def test_disconnecting_gives_the_access_back(desk: Desk, google: GoogleAccount) -> None:
    desk.book("10:00")
    desk.turn()
    assert len(google.channels) == 1
    desk.rows(
        "UPDATE calendar_connection SET state = 'removing', next_sync_at = now();"
        " UPDATE calendar_mirror SET wanted = wanted + 1, state = 'pending', next_attempt_at = now()"
    )
    desk.later()
    desk.later()
    assert (live(google), google.channels, google.refresh_tokens) == ([], {}, set())
    assert desk.rows("SELECT count(*) FROM calendar_connection") == [(0,)]


def test_two_workers_and_lost_answers_end_with_what_is_booked(
    desk: Desk, google: GoogleAccount
) -> None:
    """Bookings made, moved and cancelled while calls fail in every way; then all is quiet and both
    sides are the same."""
    bookings = [desk.book(clock) for clock in ("09:00", "10:00", "11:00", "12:00", "15:00")]
    google.hang_seconds = 0.05
    for number, fault in enumerate(("lost", "reset", "500", "401", "lost", "hang", "429", "403")):
        google.misbehave(fault)
        if number == 2:
            bookings[0] = desk.move(bookings[0], "16:00")
        if number == 4:
            desk.cancel(bookings[1])
            bookings[2] = desk.move(bookings[2], "17:00")
        desk.rows("UPDATE integration_state SET limited_until = NULL")
        desk.rows("UPDATE calendar_mirror SET next_attempt_at = now()")

        async def both(database: Database) -> None:
            workers = [
                CalendarWorker(desk.accounts.settings, database, Metrics()) for _ in range(2)
            ]
            for worker in workers:
                await worker.run()

        desk.accounts.using(both)
    google.faults.clear()
    for _ in range(3):
        desk.later()
    kept = {row[0].hex: row[1] for row in
            desk.rows("SELECT id, starts_at FROM booking WHERE status = 'confirmed'")}  # fmt: skip
    assert {event["id"] for event in live(google)} == set(kept)
    for event in live(google):
        assert event["start"]["dateTime"][:16] == f"{kept[event['id']]:%Y-%m-%dT%H:%M}"
    assert {mirror[0] for mirror in desk.mirrors()} == {"done"}
    assert desk.conflicts() == []


def test_health_of_calendars(desk: Desk, google: GoogleAccount) -> None:
    google.misbehave("500")
    desk.book("10:00")
    desk.turn()
    caller = Caller(create_application(desk.accounts.settings))
    caller.start()
    try:
        token = desk.accounts.token(caller, "settings:read")
        answer = caller.get(
            "/api/integrations/health", headers={"Authorization": f"Bearer {token}"}
        )
        found = {item["name"]: item for item in answer.json()["integrations"]}
        item = found["google-calendar"]
        assert (item["set_up"], item["state"]) == (True, "failing")
        assert item["details"]["waiting"] == 1
        assert item["details"]["last_error"].startswith("500")
        assert found["caldav"]["state"] == "not_set_up"
        assert 'calendar_sync{state="waiting"} 1.0' in caller.get("/metrics").text
    finally:
        caller.stop()
