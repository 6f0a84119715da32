"""A provider's calendar on a real CalDAV server (Radicale), both ways."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from support_calendars import (
    PASSWORD,
    USER,
    CalDavServer,
    Desk,
    add_connection,
    make_desk,
    radicale,
)
from support_shop import Shop, staff

from barberpro_app.audit.trail import Actor
from barberpro_app.booking.errors import SlotUnavailableError
from barberpro_app.booking.schemas import Booking
from barberpro_app.booking.service import get
from barberpro_app.calendar_sync import service
from barberpro_app.calendar_sync.service import sealer_of


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalDavServer]:
    with radicale(tmp_path_factory.mktemp("radicale")) as running:
        yield running


@pytest.fixture
def server(shared_server: CalDavServer) -> CalDavServer:
    """With an empty calendar."""
    for name in shared_server.objects():
        shared_server.client.delete(f"{shared_server.calendar}{name}.ics")
    return shared_server


@pytest.fixture
def desk(shop: Shop, server: CalDavServer, tmp_path: Path) -> Desk:
    made = make_desk(shop, tmp_path)
    add_connection(made, "caldav", server.calendar, {"user": USER, "password": PASSWORD})
    made.turn()
    return made


def utc(desk: Desk, clock: str) -> str:
    return f"{desk.shop.at(clock).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def test_a_booking_is_written_moved_and_taken_away(desk: Desk, server: CalDavServer) -> None:
    booking = desk.book("10:00")
    assert desk.turn() == 1
    ((name, text),) = server.objects().items()
    assert name == str(booking.id)
    assert f"DTSTART:{utc(desk, '10:00')}" in text
    assert "SUMMARY:Corte" in text
    assert "Clara" not in text
    desk.move(booking, "15:00")
    desk.turn()
    (text,) = server.objects().values()
    assert f"DTSTART:{utc(desk, '15:00')}" in text
    desk.cancel(desk.move(booking_of(desk, booking.id), "16:00"))
    desk.turn()
    assert server.objects() == {}
    assert desk.mirrors() == []


def booking_of(desk: Desk, key: UUID) -> Booking:

    return desk.accounts.run(lambda c: get(c, Actor(), key))


def test_what_was_booked_before_is_written_too(
    shop: Shop, server: CalDavServer, tmp_path: Path
) -> None:
    desk = make_desk(shop, tmp_path)
    booking = desk.book("11:00")
    desk.book("11:00", provider=1)
    add_connection(desk, "caldav", server.calendar, {"user": USER, "password": PASSWORD},
                   detail="full")  # fmt: skip
    desk.turn()
    ((name, text),) = server.objects().items()
    assert name == str(booking.id)
    assert "Clara Sosa" in text.replace("\r\n ", "")


def test_an_outside_event_blocks_its_time_until_it_is_gone(
    desk: Desk, server: CalDavServer
) -> None:
    server.put("dentist", f"DTSTART:{utc(desk, '10:00')}", f"DTEND:{utc(desk, '11:00')}")
    desk.look()
    assert desk.busy() == [(desk.shop.at("10:00"), desk.shop.at("11:00"))]
    with pytest.raises(SlotUnavailableError):
        desk.book("10:30")
    desk.book("11:00")
    server.put("dentist", f"DTSTART:{utc(desk, '16:00')}", f"DTEND:{utc(desk, '17:00')}")
    desk.look()
    assert desk.busy() == [(desk.shop.at("16:00"), desk.shop.at("17:00"))]
    desk.book("10:00")
    server.delete("dentist")
    desk.look()
    assert desk.busy() == []
    # our own events keep nothing busy
    assert len(server.objects()) == 2


def test_recurring_all_day_floating_and_zoned(desk: Desk, server: CalDavServer) -> None:
    day, at = desk.shop.day, desk.shop.at
    stamp = f"{day:%Y%m%d}"
    server.put("weekly", "DTSTART;TZID=America/Argentina/Buenos_Aires:20260105T120000",
               "DURATION:PT30M", "RRULE:FREQ=DAILY", f"EXDATE;TZID=America/Argentina/Buenos_Aires:{stamp}T120000")  # fmt: skip
    server.put("daily", "DTSTART;TZID=America/New_York:20260105T080000",
               "DTEND;TZID=America/New_York:20260105T083000", "RRULE:FREQ=DAILY")  # fmt: skip
    server.put("floating", f"DTSTART:{stamp}T150000", f"DTEND:{stamp}T153000")
    server.put("free", f"DTSTART:{stamp}T160000", f"DTEND:{stamp}T170000", "TRANSP:TRANSPARENT")
    server.put("off", f"DTSTART:{stamp}T160000", f"DTEND:{stamp}T170000", "STATUS:CANCELLED")
    desk.look()
    found = desk.busy()
    assert (at("15:00"), at("15:30")) in found
    assert len(found) == 2
    new_york = next(start for start, _ in found if start != at("15:00"))
    assert new_york.hour in {9, 10}
    server.put("holiday", f"DTSTART;VALUE=DATE:{stamp}")
    desk.look()
    start, end = desk.busy()[0]
    assert (start, end.date() - day) == (at("00:00"), timedelta(days=1))


def test_what_cannot_be_read_stops_nothing_and_is_told(desk: Desk, server: CalDavServer) -> None:
    server.put("often", f"DTSTART:{utc(desk, '09:00')}", f"DTEND:{utc(desk, '09:01')}",
               "RRULE:FREQ=SECONDLY")  # fmt: skip
    server.put("dentist", f"DTSTART:{utc(desk, '10:00')}", f"DTEND:{utc(desk, '11:00')}")
    desk.look()
    assert desk.busy() == [(desk.shop.at("10:00"), desk.shop.at("11:00"))]
    assert desk.rows("SELECT unreadable FROM calendar_connection") == [(1,)]


def test_an_event_on_a_booking_is_a_conflict_until_one_of_them_gives_way(
    desk: Desk, server: CalDavServer
) -> None:
    booking = desk.book("10:00")
    desk.turn()
    server.put("dentist", f"DTSTART:{utc(desk, '10:15')}", f"DTEND:{utc(desk, '11:00')}")
    desk.look()
    assert desk.conflicts() == [("overlap", booking.code)]
    desk.look()
    assert len(desk.conflicts()) == 1
    moved = desk.move(booking, "15:00")
    desk.rows("SELECT calendar_find_conflicts()")
    assert desk.conflicts() == []
    server.put("dentist", f"DTSTART:{utc(desk, '15:15')}", f"DTEND:{utc(desk, '16:00')}")
    desk.look()
    assert desk.conflicts() == [("overlap", moved.code)]
    ((conflict,),) = desk.rows("SELECT id FROM calendar_conflict WHERE state = 'open'")
    desk.rows("SELECT calendar_decide(%s, 'dismissed')", conflict)
    assert desk.busy() == []
    assert desk.conflicts() == []
    desk.rows("UPDATE calendar_connection SET full_at = NULL")
    desk.look()
    assert (desk.busy(), desk.conflicts()) == ([], [])


def test_a_booking_made_while_the_event_came_in_is_found(desk: Desk, server: CalDavServer) -> None:
    """As if the two transactions had not seen each other."""
    server.put("dentist", f"DTSTART:{utc(desk, '10:00')}", f"DTEND:{utc(desk, '11:00')}")
    desk.look()
    booking = desk.book("10:00", override_reason="urgente")
    assert desk.rows("SELECT calendar_find_conflicts()") == [(1,)]
    assert desk.conflicts() == [("overlap", booking.code)]


def test_our_event_moved_or_deleted_there_is_shown_and_put_back(
    desk: Desk, server: CalDavServer
) -> None:
    booking = desk.book("10:00")
    desk.turn()
    desk.look()
    assert desk.conflicts() == []
    uid = f"{booking.id}@barbershop-test.localhost"
    server.put(
        str(booking.id), f"DTSTART:{utc(desk, '12:00')}", f"DTEND:{utc(desk, '12:30')}", uid=uid
    )
    desk.look()
    assert desk.conflicts() == [("moved", booking.code)]
    ((conflict,),) = desk.rows("SELECT id FROM calendar_conflict WHERE state = 'open'")
    desk.rows("SELECT calendar_decide(%s, 'kept')", conflict)
    desk.turn()
    desk.look()
    assert desk.conflicts() == []
    (text,) = server.objects().values()
    assert f"DTSTART:{utc(desk, '10:00')}" in text
    server.delete(str(booking.id))
    desk.look()
    assert desk.conflicts() == [("deleted", booking.code)]
    ((conflict,),) = desk.rows("SELECT id FROM calendar_conflict WHERE state = 'open'")
    desk.rows("SELECT calendar_decide(%s, 'kept')", conflict)
    desk.turn()
    assert len(server.objects()) == 1


def test_a_worker_killed_between_writing_and_noting_writes_once(
    desk: Desk, server: CalDavServer
) -> None:
    booking = desk.book("10:00")
    desk.turn()
    # the note of it is lost, as if the process had ended right after the server's answer
    desk.rows(
        "UPDATE calendar_mirror SET state = 'pending', written = NULL, etag = NULL, remote = NULL"
    )
    desk.later()
    assert list(server.objects()) == [str(booking.id)]
    assert desk.mirrors()[0][0] == "done"
    # the same with a booking that is cancelled meanwhile
    desk.rows(
        "UPDATE calendar_mirror SET state = 'pending', written = NULL, etag = NULL, remote = NULL"
    )
    desk.cancel(booking)
    desk.later()
    assert server.objects() == {}


def test_moved_to_another_provider_it_leaves_the_first_ones_calendar(
    desk: Desk, server: CalDavServer
) -> None:
    booking = desk.book("10:00")
    desk.turn()
    desk.move(booking, "10:00", provider=1)
    desk.turn()
    assert server.objects() == {}


def test_a_server_without_sync_tokens(
    desk: Desk, server: CalDavServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.rows("UPDATE calendar_connection SET cursor = 'ctag:unknown'")
    server.put("dentist", f"DTSTART:{utc(desk, '10:00')}", f"DTEND:{utc(desk, '11:00')}")
    desk.look()
    assert len(desk.busy()) == 1
    ((cursor,),) = desk.rows("SELECT cursor FROM calendar_connection")
    assert cursor.startswith("sync:")
    desk.rows("UPDATE calendar_connection SET cursor = 'ctag:unknown'")
    server.delete("dentist")
    desk.look()
    assert desk.busy() == []


def test_a_sync_token_that_is_no_longer_good(desk: Desk, server: CalDavServer) -> None:
    desk.rows(
        "UPDATE calendar_connection SET cursor = 'sync:http://radicale.org/ns/sync/' || repeat('0', 64)"
    )
    server.put("dentist", f"DTSTART:{utc(desk, '10:00')}", f"DTEND:{utc(desk, '11:00')}")
    desk.look()
    assert len(desk.busy()) == 1


def test_a_password_that_is_no_longer_good_is_told_and_nothing_lost(
    desk: Desk, server: CalDavServer
) -> None:

    ((key,),) = desk.rows("SELECT id FROM calendar_connection")
    sealer = sealer_of(desk.accounts.settings)
    wrong = sealer.seal(key, {"user": USER, "password": "changed"})
    desk.rows("UPDATE calendar_connection SET sealed = %s", wrong)
    desk.book("10:00")
    desk.turn()
    assert desk.rows("SELECT state, last_error FROM calendar_connection") == [("refused", "401")]
    assert desk.mirrors() == [("pending", None)]
    right = sealer.seal(key, {"user": USER, "password": PASSWORD})
    desk.rows("UPDATE calendar_connection SET sealed = %s, state = 'active'", right)
    desk.later()
    assert len(server.objects()) == 1


def test_a_server_that_is_down(desk: Desk, server: CalDavServer) -> None:
    ((address,),) = desk.rows("SELECT calendar FROM calendar_connection")
    desk.rows("UPDATE calendar_connection SET calendar = 'http://127.0.0.1:9/agenda/'")
    desk.book("10:00")
    for _ in range(15):
        desk.later()
    assert desk.mirrors() == [("pending", None)]
    ((failures, state),) = desk.rows("SELECT failures, state FROM calendar_connection")
    assert (failures > 3, state) == (True, "active")
    desk.rows("UPDATE calendar_connection SET calendar = %s", address)
    desk.later()
    assert len(server.objects()) == 1


def test_disconnecting_takes_our_events_away(desk: Desk, server: CalDavServer) -> None:

    server.put("dentist", f"DTSTART:{utc(desk, '12:00')}", f"DTEND:{utc(desk, '12:30')}")
    desk.book("10:00")
    desk.look()
    ((key,),) = desk.rows("SELECT id FROM calendar_connection")
    desk.accounts.run(lambda c: service.remove(c, staff("owner"), key))
    assert desk.busy() == []
    desk.later()
    desk.later()
    assert list(server.objects()) == ["dentist"]
    assert desk.rows("SELECT count(*) FROM calendar_connection") == [(0,)]
