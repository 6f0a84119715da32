"""Check-in and missed bookings: who may, when, and what follows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import pytest
from support_shop import ANONYMOUS_ACTOR, Shop, client, staff

from barberpro_app.attendance import service
from barberpro_app.attendance.schemas import AttendanceRulesChange, Forgiveness
from barberpro_app.booking import service as bookings
from barberpro_app.booking.errors import (
    NotChangeableError,
    NotTodayError,
    NotYetError,
    TooManyNoShowsError,
)
from barberpro_app.booking.schemas import BookRequest, ConfirmRequest, Contact, HoldRequest
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError, StaleVersionError
from barberpro_app.kit.links import BookingLinks

T = TypeVar("T")


def do(shop: Shop, step: Callable[[Connection], Awaitable[T]]) -> T:
    async def run() -> T:
        async with shop.database(2) as database, database.transaction() as connection:
            return await step(connection)

    return asyncio.run(run())


def person(shop: Shop, name: str = "Ana", email: str = "ana@a.example") -> UUID:
    row = shop.rows("INSERT INTO client (name, email) VALUES (%s, %s) RETURNING id", name, email)
    assert isinstance(row[0][0], UUID)
    return row[0][0]


def booked(shop: Shop, who: UUID, start: str, status: str = "confirmed") -> UUID:
    """A booking that starts at now plus an interval."""
    row = shop.rows(
        "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        " starts_at, ends_at, zone, price_centavos, source) SELECT new_booking_code(), %s, %s, %s,"
        " %s, %s, now() + %s::interval, now() + %s::interval + interval '30 min', 'UTC', 1, 'staff'"
        " RETURNING id",
        status, who, shop.providers[0], shop.services["cut"], shop.location, start, start,
    )  # fmt: skip
    assert isinstance(row[0][0], UUID)
    return row[0][0]


def zone_where_it_is_noon(shop: Shop) -> None:
    """So that an hour from now is today whatever the time is."""
    shop.rows(
        "UPDATE booking SET zone = 'Etc/GMT' || CASE WHEN h >= 12 THEN '+' || (h - 12)"
        " ELSE '-' || (12 - h) END FROM (SELECT extract(hour FROM now() AT TIME ZONE 'UTC')"
        "::integer AS h) clock"
    )


def test_the_client_checks_in_shortly_before_the_start(shop: Shop) -> None:
    ana = person(shop)
    soon, late, tomorrow = (booked(shop, ana, at) for at in ("1 hour", "3 hours", "26 hours"))
    zone_where_it_is_noon(shop)
    found = do(shop, lambda c: service.check_in(c, client(ana), soon))
    assert found.status == "arrived"
    assert found.checked_in_at is not None
    again = do(shop, lambda c: service.check_in(c, client(ana), soon))
    assert again == found
    with pytest.raises(NotYetError):
        do(shop, lambda c: service.check_in(c, client(ana), late))
    assert do(shop, lambda c: service.check_in(c, staff(), late)).status == "arrived"
    with pytest.raises(NotTodayError):
        do(shop, lambda c: service.check_in(c, staff(), tomorrow))
    with pytest.raises(NotFoundError):
        do(shop, lambda c: service.check_in(c, client(person(shop, "Eva", "e@a.example")), soon))
    with pytest.raises(NotAllowedError):
        do(shop, lambda c: service.check_in(c, ANONYMOUS_ACTOR, soon))


def test_arrival_is_forgotten_with_the_status(shop: Shop) -> None:
    booking = booked(shop, person(shop), "1 minute")
    for status, known in (("arrived", True), ("completed", True), ("confirmed", False)):
        shop.rows(
            "UPDATE booking SET status = %s, version = version + 1 WHERE id = %s", status, booking
        )
        assert shop.rows("SELECT checked_in_at IS NOT NULL FROM booking") == [(known,)]
    shop.rows("UPDATE booking SET status = 'cancelled' WHERE id = %s", booking)
    with pytest.raises(NotChangeableError):
        do(shop, lambda c: service.check_in(c, staff(), booking))


def rules(shop: Shop, **values: int) -> None:
    async def change(connection: Connection) -> None:
        version = (await service.get_rules(connection)).version
        wanted = AttendanceRulesChange.model_validate({"version": version, **values})
        await service.change_rules(connection, staff("owner"), wanted)

    do(shop, change)


def test_who_missed_too_many_books_with_the_team_alone(shop: Shop) -> None:
    ana = person(shop)
    missed = [booked(shop, ana, f"-{days} days", "no_show") for days in (3, 40, 400)]
    wish = {"service_id": shop.services["cut"], "location_id": shop.location}
    ask = HoldRequest(**wish, starts_at=shop.at("10:00"))
    do(shop, lambda c: bookings.hold(c, shop.app, client(ana), ask))  # nobody is blocked by itself
    rules(shop, block_from=2)
    shop.rows("UPDATE booking SET status = 'expired', hold_expires_at = NULL WHERE status = 'held'")
    shop.rows("UPDATE occupancy SET active = false")
    assert do(shop, lambda c: service.score(c, ana)).missed == 2  # one is too old
    with pytest.raises(TooManyNoShowsError):
        do(shop, lambda c: bookings.hold(c, shop.app, client(ana), ask))
    hold = do(shop, lambda c: bookings.hold(c, shop.app, ANONYMOUS_ACTOR, ask))
    contact = ConfirmRequest(client=Contact(name="A", email="ana@a.example"))
    with pytest.raises(TooManyNoShowsError):
        do(shop, lambda c: bookings.confirm(c, shop.app, ANONYMOUS_ACTOR, hold.id, contact))
    by_team = BookRequest(**wish, starts_at=shop.at("11:00"), client_id=ana)
    assert do(shop, lambda c: bookings.book(c, shop.app, staff(), by_team)).status == "confirmed"
    do(shop, lambda c: service.forgive(c, staff(), missed[0], Forgiveness(reason="Llovía")))
    do(shop, lambda c: service.forgive(c, staff(), missed[0], Forgiveness(reason="Otra")))
    score = do(shop, lambda c: service.score(c, ana))
    assert (score.missed, score.blocked) == (1, False)
    assert [item.counts for item in score.items] == [False, True, False]
    assert score.items[0].pardon is not None
    assert score.items[0].pardon.reason == "Llovía"
    do(shop, lambda c: bookings.confirm(c, shop.app, ANONYMOUS_ACTOR, hold.id, contact))
    rules(shop, block_from=2, days=500)
    assert do(shop, lambda c: service.score(c, ana)).blocked
    actions = shop.rows("SELECT count(*) FROM audit_event WHERE action = 'no_show.forgiven'")
    assert actions == [(1,)]


def test_only_what_was_missed_is_forgiven_and_not_by_clients(shop: Shop) -> None:
    ana = person(shop)
    coming, missed = booked(shop, ana, "1 day"), booked(shop, ana, "-1 day", "no_show")
    why = Forgiveness(reason="x")
    with pytest.raises(NotChangeableError):
        do(shop, lambda c: service.forgive(c, staff(), coming, why))
    with pytest.raises(NotAllowedError):
        do(shop, lambda c: service.forgive(c, client(ana), missed, why))
    with pytest.raises(StaleVersionError):
        do(shop, lambda c: service.change_rules(
            c, staff("owner"), AttendanceRulesChange(version=9)))  # fmt: skip
    with pytest.raises(NotFoundError):
        do(shop, lambda c: service.score(c, missed))


def test_deposits_follow_the_same_count(shop: Shop) -> None:
    ana = person(shop)
    missed = booked(shop, ana, "-5 days", "no_show")
    shop.rows(
        "INSERT INTO deposit_rule (kind, amount_centavos, applies, no_shows)"
        " VALUES ('fixed', 700, 'no_shows', 1)"
    )
    quote = "SELECT deposit FROM deposit_quote(%s, %s, 10000)"
    assert shop.rows(quote, shop.services["cut"], ana) == [(700,)]
    do(shop, lambda c: service.forgive(c, staff(), missed, Forgiveness(reason="x")))
    assert shop.rows(quote, shop.services["cut"], ana) == [(0,)]


def test_short_links_are_of_one_deployment_and_cannot_be_made_up() -> None:
    mine = BookingLinks(b"a" * 32, "https://a.example")
    other = BookingLinks(b"b" * 32, "https://a.example")
    short = mine.short_url("ABCD2345").rpartition("/")[2]
    assert mine.code(short) == "ABCD2345"
    assert other.code(short) is None
    for bad in ("", "ABCD2345", short.lower(), short + "A", "ABCD2346" + short[8:], "á" * 17):
        assert mine.code(bad) is None
