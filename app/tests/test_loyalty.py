"""Loyalty: each visit counts once, a card is never below nothing, a stamp ends to the instant."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_shop import SYSTEM_ACTOR, Shop

from barberpro_app.kit.errors import NotFoundError
from barberpro_app.loyalty import jobs, service
from barberpro_app.loyalty.schemas import RuleDraft
from barberpro_app.loyalty.service import CardNotFullError, NotRedeemableError


def arrange(
    shop: Shop, count: int, *, stamps: int = 2, percent: int = 50, per_centavos: int | None = None
) -> tuple[UUID, UUID, list[UUID]]:
    """A rule, a client, and so many confirmed bookings of the client in the past hours."""

    async def rule() -> UUID:
        async with shop.connection() as connection:
            draft = RuleDraft(
                name="Tarjeta", stamps=stamps, percent=percent, valid_days=30,
                per_centavos=per_centavos,
            )  # fmt: skip
            return (await service.add_rule(connection, SYSTEM_ACTOR, draft)).id

    shop.rows("UPDATE loyalty_rule SET active = false")
    rule_id = asyncio.run(rule())
    client = shop.rows("INSERT INTO client (name) VALUES ('Ana') RETURNING id")[0][0]
    assert isinstance(client, UUID)
    bookings = []
    for number in range(count):
        row = shop.rows(
            "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
            " starts_at, ends_at, zone, price_centavos) SELECT new_booking_code(), 'confirmed', %s,"
            " %s, %s, %s, now() - interval '1 h' * %s, now() - interval '1 h' * %s"
            " + interval '30 min', 'America/Argentina/Buenos_Aires', 10001 RETURNING id",
            client, shop.providers[0], shop.services["cut"], shop.location, number + 1, number + 1,
        )[0][0]  # fmt: skip
        assert isinstance(row, UUID)
        bookings.append(row)
    return rule_id, client, bookings


def become(shop: Shop, booking: UUID, status: str) -> None:
    shop.rows(
        "UPDATE booking SET status = %s, version = version + 1 WHERE id = %s", status, booking
    )


def stamps_of(shop: Shop, client: UUID) -> int:
    async def read() -> int:
        async with shop.connection() as connection:
            return (await service.cards(connection, client)).items[0].stamps

    return asyncio.run(read())


def redeem(shop: Shop, rule: UUID, booking: UUID) -> int:
    async def spend() -> int:
        async with shop.connection() as connection:
            return await service.redeem(connection, SYSTEM_ACTOR, rule, booking)

    return asyncio.run(spend())


def test_a_full_card_gives_its_discount_once(shop: Shop) -> None:
    rule, client, bookings = arrange(shop, 4)
    with pytest.raises(CardNotFullError):
        redeem(shop, rule, bookings[3])
    for booking in bookings[:2]:
        become(shop, booking, "completed")
    assert stamps_of(shop, client) == 2
    with pytest.raises(NotRedeemableError):
        redeem(shop, rule, bookings[0])
    with pytest.raises(NotFoundError):
        redeem(shop, rule, UUID(int=1))
    assert redeem(shop, rule, bookings[2]) == 5000
    assert stamps_of(shop, client) == 0
    assert shop.rows("SELECT price_centavos FROM booking WHERE id = %s", bookings[2]) == [(5001,)]
    with pytest.raises(NotRedeemableError):
        redeem(shop, rule, bookings[2])
    become(shop, bookings[2], "cancelled")
    assert stamps_of(shop, client) == 2
    assert shop.rows("SELECT price_centavos FROM booking WHERE id = %s", bookings[2]) == [(10001,)]


def test_a_stamp_is_good_to_the_end_of_its_day_in_the_zone_of_the_shop(shop: Shop) -> None:
    _, client, bookings = arrange(shop, 1)
    late = datetime.combine(date(2026, 3, 1), time(23, 30), shop.app.zone)
    shop.rows(
        "UPDATE booking SET starts_at = %s, ends_at = %s WHERE id = %s",
        late, late + timedelta(minutes=30), bookings[0],
    )  # fmt: skip
    become(shop, bookings[0], "completed")
    ends = datetime.combine(date(2026, 4, 1), time(), shop.app.zone)
    assert shop.rows("SELECT expires_at FROM loyalty_stamp") == [(ends,)]
    shop.rows("UPDATE loyalty_stamp SET expires_at = now()")
    assert stamps_of(shop, client) == 0

    async def run() -> int:
        async with shop.database() as database:
            return await jobs.run(database)

    assert asyncio.run(run()) == 1
    assert shop.rows("SELECT state FROM loyalty_stamp") == [("expired",)]
    become(shop, bookings[0], "no_show")
    become(shop, bookings[0], "completed")
    assert stamps_of(shop, client) == 0


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["completed", "confirmed", "no_show", "cancelled", "redeem", "expire"]),
        st.integers(0, 3),
    ),
    max_size=14,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, per_centavos=st.sampled_from([None, 4000, 20000]), level=st.integers(1, 3))
def test_never_below_nothing_and_the_books_say_the_same(
    shop: Shop, steps: list[tuple[str, int]], per_centavos: int | None, level: int
) -> None:
    """However many stamps a visit gives: one, by its price, more by the client's level."""
    rule, client, bookings = arrange(shop, 4, per_centavos=per_centavos)
    shop.rows("DELETE FROM loyalty_level")
    shop.rows("INSERT INTO loyalty_level (name, visits, stamps) VALUES ('Oro', 2, %s)", level)
    for step, number in steps:
        if step == "redeem":
            try:
                redeem(shop, rule, bookings[number])
            except (CardNotFullError, NotRedeemableError):
                continue
        elif step == "expire":
            shop.rows("UPDATE loyalty_stamp SET state = 'expired' WHERE state = 'active'"
                      " AND booking_id = %s", bookings[number])  # fmt: skip
        else:
            become(shop, bookings[number], step)
        held = shop.rows(
            "SELECT coalesce(-sum(amount), 0)::int FROM ledger_line WHERE account = 'points'"
            " AND client_id = %s", client,
        )[0][0]  # fmt: skip
        assert isinstance(held, int)
        assert held == stamps_of(shop, client) >= 0
    counted = shop.rows("SELECT count(*), count(DISTINCT (booking_id, number)) FROM loyalty_stamp"
                        " WHERE rule_id = %s", rule)[0]  # fmt: skip
    assert counted[0] == counted[1]
    assert shop.rows("SELECT coalesce(sum(amount), 0)::int FROM ledger_line") == [(0,)]
