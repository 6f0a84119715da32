"""Addresses that are refused, calendars that are read, feeds, and what XML may do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_calendars import Desk, event, make_desk
from support_shop import Shop, api, staff

from barberpro_app.calendar_sync import caldav_xml, feed, service
from barberpro_app.calendar_sync.connecting import connect_caldav
from barberpro_app.calendar_sync.errors import (
    CalendarAddressError,
    CalendarUnreachableError,
    PeerError,
)
from barberpro_app.calendar_sync.expand import read
from barberpro_app.calendar_sync.guard import Web
from barberpro_app.calendar_sync.peers import Window
from barberpro_app.calendar_sync.schemas import CalDavDraft, FeedDraft
from barberpro_app.calendar_sync.sealing import Sealer
from barberpro_app.kit.addresses import is_permitted
from barberpro_app.kit.errors import AppError, NotAllowedError, NotFoundError
from barberpro_app.notification.calendar import Event, render_feed

ZONE = ZoneInfo("America/Argentina/Buenos_Aires")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WINDOW = Window(NOW, NOW + timedelta(days=30), ZONE)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "::1", "::",
     "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
     "224.0.0.1", "100.64.0.1", "255.255.255.255"],
)  # fmt: skip
def test_private_addresses_are_refused(address: str) -> None:
    assert not is_permitted(ip_address(address), own_network=False)


def test_the_own_network_where_it_is_wanted_but_never_the_clouds_own_address() -> None:
    assert is_permitted(ip_address("192.168.0.1"), own_network=True)
    assert is_permitted(ip_address("127.0.0.1"), own_network=True)
    assert not is_permitted(ip_address("169.254.169.254"), own_network=True)
    assert is_permitted(ip_address("8.8.8.8"), own_network=False)


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "https://localhost/", "https://[::1]:8443/",
            "ftp://example.com/", "https://2130706433/", "file:///etc/passwd", "https://", "https://a b/"],
)  # fmt: skip
def test_requests_do_not_leave_for_such_an_address(url: str) -> None:
    async def ask() -> None:
        web = Web(own_network=False)
        try:
            await web.send("GET", url)
        finally:
            await web.close()

    with pytest.raises(PeerError) as caught:
        asyncio.run(ask())
    assert caught.value.verdict == "unreachable"


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:5432/", "https://user:pass@example.com/", "ftp://x/", "javascript:1",
                "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data/", "//", "https://[::1"],
)  # fmt: skip
def test_hostile_addresses_are_one_clear_refusal(shop: Shop, tmp_path: Path, address: str) -> None:
    desk = make_desk(shop, tmp_path)
    closed = desk.accounts.settings.app.model_copy(
        update={
            "calendars": desk.accounts.settings.app.calendars.model_copy(
                update={"own_network": False}
            )
        }
    )
    strict = desk.accounts.settings.model_copy(update={"app": closed})
    draft = CalDavDraft(address=address, user="u", password="p")
    with pytest.raises((CalendarAddressError, CalendarUnreachableError)):
        desk.accounts.using(
            lambda database: connect_caldav(strict, database, staff("owner"), desk.provider, draft)
        )
    assert desk.rows("SELECT count(*) FROM calendar_connection") == [(0,)]


def test_xml_that_is_an_attack_is_not_read() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><multistatus>&a;</multistatus>'
    outside = (
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><multistatus>&a;</multistatus>'
    )
    for content in (bomb, outside, b"", b"<html>", b"\xff\xfe", b"<a/>"):
        with pytest.raises(PeerError):
            caldav_xml.multistatus(content)


lines = st.lists(
    st.sampled_from([
        "DTSTART:20261125T100000Z", "DTSTART;VALUE=DATE:20261125", "DTSTART:20261125T100000",
        "DTSTART;TZID=Nowhere/City:20261125T100000", "DTSTART;TZID=America/New_York:20261101T013000",
        "DTEND:20261125T090000Z", "DTEND:20261126T100000Z", "DURATION:PT1H", "DURATION:-P1D", "DURATION:x",
        "RRULE:FREQ=DAILY;COUNT=5", "RRULE:FREQ=SECONDLY", "RRULE:FREQ=DAILY;BYHOUR=1,2;BYMINUTE=0,30",
        "RRULE:garbage", "RRULE:FREQ=YEARLY;BYMONTH=13", "EXDATE:20261126T100000Z", "RDATE:20261127T100000Z",
        "RECURRENCE-ID:20261126T100000Z", "TRANSP:TRANSPARENT", "STATUS:CANCELLED", "BEGIN:VALARM", "END:VEVENT",
        "DTSTART:99991231T235959Z", "DTSTART:00010101T000000", "X-\x00:1", "ATTENDEE:mailto:a@b.example",
    ]), max_size=6,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(lines, st.text(max_size=20))
def test_any_calendar_is_read_or_said_to_be_unreadable(parts: list[str], more: str) -> None:
    text = event(*parts, more, uid="x")
    found = read("s", "e", text, WINDOW, "host")
    for start, end in found.periods:
        assert start < end
        assert start.tzinfo is not None


def test_the_hour_that_a_change_of_offset_repeats() -> None:
    text = event(
        "DTSTART;TZID=America/New_York:20261101T013000",
        "DURATION:PT30M",
        "RRULE:FREQ=DAILY",
        uid="x",
    )
    found = read("s", "e", text, Window(datetime(2026, 10, 30, tzinfo=UTC), NOW, ZONE), "host")
    assert found.readable
    assert len({start for start, _ in found.periods}) == len(found.periods) > 20


def test_sealed_passwords_open_only_where_they_belong() -> None:
    sealer, key = Sealer(b"k" * 32), uuid4()
    sealed = sealer.seal(key, {"password": "secreto"})
    assert b"secreto" not in sealed
    assert sealer.open(key, sealed) == {"password": "secreto"}
    for other, opener in ((uuid4(), sealer), (key, Sealer(b"l" * 32))):
        with pytest.raises(PeerError):
            opener.open(other, sealed)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=60), st.integers(0, 500)), max_size=5), st.text(max_size=40)
)
def test_a_feed_is_a_calendar_whatever_the_names(texts: list[tuple[str, int]], name: str) -> None:
    events = [
        Event(str(uuid4()), 1, NOW + timedelta(hours=hours), NOW + timedelta(hours=hours + 1), NOW, text, text,
              text, "https://x.example/")
        for text, hours in texts
    ]  # fmt: skip
    rendered = render_feed(events, "BarberPro", name)
    parsed = icalendar.Calendar.from_ical(rendered)
    assert len(parsed.walk("VEVENT")) == len(events)
    assert all(len(line.encode()) <= 75 for line in rendered.split("\r\n"))


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> Desk:
    return make_desk(shop, tmp_path)


def test_the_feed_changes_with_the_agenda_and_not_otherwise(desk: Desk) -> None:
    made = desk.accounts.run(
        lambda c: service.set_feed(
            c, desk.accounts.settings, staff("owner"), desk.provider, FeedDraft(detail="full")
        )
    )
    links = feed.FeedLinks(
        service.sealer_of(desk.accounts.settings), desk.accounts.settings.app.public_url
    )
    token = made.url.rpartition("/")[2].removesuffix(".ics")
    key = links.feed_id(token)
    assert isinstance(key, UUID)
    for broken in (
        token[:-1],
        token[:-1] + "!",
        "",
        "ñ" * 64,
        token.swapcase(),
        "0" * 32 + token[32:],
    ):
        assert links.feed_id(broken) is None

    def render() -> feed.RenderedFeed:
        return desk.accounts.run(lambda c: feed.render(c, desk.accounts.settings.app, key))

    empty = render()
    booking = desk.book("10:00")
    desk.book("10:00", provider=1)
    first, again = render(), render()
    assert first.etag == again.etag != empty.etag
    (found,) = icalendar.Calendar.from_ical(first.content).walk("VEVENT")
    assert found["UID"] == f"{booking.id}@barbershop-test.localhost"
    assert found["DTSTART"].dt == booking.starts_at
    assert "Clara Sosa" in found["SUMMARY"]
    assert first.is_known(f'W/{first.etag}, "x"', "")
    assert first.is_known("", first.last_modified)
    assert not first.is_known('"x"', first.last_modified)
    assert not first.is_known("", "no date")
    desk.cancel(booking)
    assert render().etag == empty.etag


def test_only_the_own_calendars_are_a_providers(desk: Desk) -> None:
    own, other = desk.shop.providers[:2]
    who = staff("provider", own)
    settings = desk.accounts.settings
    desk.accounts.run(lambda c: service.set_feed(c, settings, who, own, FeedDraft()))
    refusals: list[type[AppError]] = []
    for work in (
        lambda c: service.set_feed(c, settings, who, other, FeedDraft()),
        lambda c: service.get_feed(c, settings, who, other),
        lambda c: service.list_connections(c, who, other),
        lambda c: service.list_conflicts(c, who, other),
        lambda c: service.get_feed(c, settings, staff("reception"), own),
        lambda c: service.list_connections(c, api("providers:read")),
        lambda c: service.get_feed(c, settings, staff("owner"), uuid4()),
    ):
        with pytest.raises(AppError) as caught:
            desk.accounts.run(work)  # type: ignore[arg-type]
        refusals.append(caught.type)
    assert refusals == [NotAllowedError] * 6 + [NotFoundError]
