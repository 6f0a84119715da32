"""Prices by rule, deposits by condition, and that a booking keeps what was quoted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, staff

from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import BookRequest, Contact, HoldRequest
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError, StaleVersionError
from barberpro_app.pricing import service
from barberpro_app.pricing.schemas import (
    DepositRuleDraft,
    PriceRuleDraft,
    Quote,
    QuoteRequest,
    RuleSwitch,
)

BASE = 1_500_000


async def quoted(
    shop: Shop, connection: Connection, *, clock: str = "10:00", client: UUID | None = None
) -> Quote:
    request = QuoteRequest(
        service_id=shop.services["cut"],
        location_id=shop.location,
        starts_at=shop.at(clock),
        provider_id=shop.providers[0],
    )
    return await service.quote(connection, shop.app, request, client)


def test_the_most_specific_price_counts_and_the_booking_keeps_it(shop: Shop) -> None:
    async def story() -> None:
        async with shop.connection() as connection:
            cut, first = shop.services["cut"], shop.providers[0]
            assert (await quoted(shop, connection)).price_centavos == BASE
            weekday = shop.day.isoweekday()
            for draft, expected in (
                (PriceRuleDraft(kind="percent", percent=110), 1_650_000),
                (PriceRuleDraft(kind="percent", percent=90, weekdays=(weekday,)), 1_350_000),
                (PriceRuleDraft(kind="percent", percent=120, from_minute=600, to_minute=660), 1_800_000),
                (PriceRuleDraft(kind="fixed", amount_centavos=7, provider_id=first), 7),
                (PriceRuleDraft(kind="fixed", amount_centavos=1_234_567, service_id=cut), 1_234_567),
                (PriceRuleDraft(kind="percent", percent=50, service_id=cut, provider_id=first), 750_000),
                (PriceRuleDraft(kind="percent", percent=200, weekdays=(weekday % 7 + 1,)), 750_000),
            ):  # fmt: skip
                await service.add_price_rule(connection, SYSTEM_ACTOR, draft)
                assert (await quoted(shop, connection)).price_centavos == expected, draft
            request = HoldRequest(
                service_id=cut, location_id=shop.location, starts_at=shop.at("10:00"),
                provider_id=first,
            )  # fmt: skip
            held = await bookings.hold(connection, shop.app, ANONYMOUS_ACTOR, request)
            assert held.price_centavos == 750_000
            newest = (await service.price_rules(connection))[1]
            await service.switch_rule(
                connection, SYSTEM_ACTOR, "price_rule", newest.id,
                RuleSwitch(version=1, active=False),
            )  # fmt: skip
            assert (await quoted(shop, connection)).price_centavos == 1_234_567
            with pytest.raises(StaleVersionError):
                await service.switch_rule(
                    connection, SYSTEM_ACTOR, "price_rule", newest.id,
                    RuleSwitch(version=1, active=True),
                )  # fmt: skip
            await service.remove_rule(connection, SYSTEM_ACTOR, "price_rule", newest.id)
            with pytest.raises(NotFoundError):
                await service.remove_rule(connection, SYSTEM_ACTOR, "price_rule", newest.id)
            again = await bookings.get(connection, staff(), held.id)
            assert again.price_centavos == 750_000

    asyncio.run(story())


def test_deposits_by_service_and_by_who_asks(shop: Shop) -> None:
    async def story() -> None:
        async with shop.connection() as connection:
            cut = shop.services["cut"]
            for draft in (
                DepositRuleDraft(kind="percent", percent=10),
                DepositRuleDraft(kind="percent", percent=30, applies="new_client"),
                DepositRuleDraft(kind="percent", percent=50, applies="no_shows", no_shows=2),
                DepositRuleDraft(kind="fixed", amount_centavos=900_000_000, applies="no_shows",
                                 no_shows=3),
            ):  # fmt: skip
                await service.add_deposit_rule(connection, SYSTEM_ACTOR, draft)
            unknown = await quoted(shop, connection)
            assert (unknown.deposit_centavos, unknown.deposit_may_be_centavos) == (150_000, BASE)
            ((ana,),) = shop.rows("INSERT INTO client (name) VALUES ('Ana') RETURNING id")
            assert isinstance(ana, UUID)
            assert (await quoted(shop, connection, client=ana)).deposit_centavos == 450_000
            past(shop, ana, "completed", 1)
            assert (await quoted(shop, connection, client=ana)).deposit_centavos == 150_000
            past(shop, ana, "no_show", 2)
            assert (await quoted(shop, connection, client=ana)).deposit_centavos == 150_000
            past(shop, ana, "no_show", 3)
            assert (await quoted(shop, connection, client=ana)).deposit_centavos == 750_000
            past(shop, ana, "no_show", 4)
            assert (await quoted(shop, connection, client=ana)).deposit_centavos == BASE
            await service.add_deposit_rule(
                connection, SYSTEM_ACTOR,
                DepositRuleDraft(kind="fixed", amount_centavos=0, service_id=cut),
            )  # fmt: skip
            assert (await quoted(shop, connection)).deposit_centavos == 0

    asyncio.run(story())


def past(shop: Shop, client: UUID, status: str, days_ago: int) -> None:
    shop.rows(
        "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        " starts_at, ends_at, zone, price_centavos, source) VALUES (new_booking_code(), %s, %s, %s,"
        " %s, %s, now() - make_interval(days => %s), now(), 'UTC', 0, 'system')",
        status, client, shop.providers[0], shop.services["cut"], shop.location, days_ago,
    )  # fmt: skip


def test_staff_book_without_a_deposit_and_a_visitor_is_told_of_it(shop: Shop) -> None:
    async def story() -> None:
        async with shop.connection() as connection:
            await service.add_deposit_rule(
                connection, SYSTEM_ACTOR, DepositRuleDraft(kind="fixed", amount_centavos=500_00)
            )
            place = {"service_id": shop.services["cut"], "location_id": shop.location}
            by_staff = await bookings.book(
                connection, shop.app, staff(),
                BookRequest(**place, starts_at=shop.at("09:00"), client=Contact(name="Ana")),
            )  # fmt: skip
            held = await bookings.hold(
                connection, shop.app, ANONYMOUS_ACTOR,
                HoldRequest(**place, starts_at=shop.at("09:00")),
            )  # fmt: skip
            for booking, deposit in ((by_staff, 0), (held, 500_00)):
                found = await service.quote_of_booking(connection, shop.app, booking.id)
                assert found.deposit_centavos == deposit

    asyncio.run(story())


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "fixed"},
        {"kind": "fixed", "amount_centavos": -1},
        {"kind": "fixed", "amount_centavos": 10**12},
        {"kind": "percent", "percent": 1001},
        {"kind": "percent", "percent": 5, "amount_centavos": 5},
        {"kind": "percent", "percent": 5, "weekdays": []},
        {"kind": "percent", "percent": 5, "weekdays": [8]},
        {"kind": "percent", "percent": 5, "from_minute": 600},
        {"kind": "percent", "percent": 5, "from_minute": 600, "to_minute": 600},
        {"kind": "percent", "percent": 5, "extra": 1},
        {"kind": "gift"},
    ],
)
def test_a_rule_that_means_nothing_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PriceRuleDraft.model_validate(values)


@dataclass(frozen=True)
class Drawn:
    """A rule as drawn: indexes instead of keys."""

    service: bool
    provider: bool
    weekday: int | None
    band: tuple[int, int] | None
    fixed: int | None
    percent: int

    def draft(self, shop: Shop) -> PriceRuleDraft:
        return PriceRuleDraft(
            service_id=shop.services["cut"] if self.service else None,
            provider_id=shop.providers[0] if self.provider else None,
            weekdays=(self.weekday,) if self.weekday else None,
            from_minute=self.band[0] if self.band else None,
            to_minute=self.band[1] if self.band else None,
            kind="percent" if self.fixed is None else "fixed",
            amount_centavos=self.fixed,
            percent=self.percent if self.fixed is None else None,
        )


drawn = st.builds(
    Drawn,
    service=st.booleans(),
    provider=st.booleans(),
    weekday=st.none() | st.integers(1, 7),
    band=st.none() | st.sampled_from([(0, 1440), (540, 600), (600, 601), (601, 1440)]),
    fixed=st.none() | st.integers(0, 10**11),
    percent=st.integers(0, 1000),
)


def expected(rules: Sequence[Drawn], local: datetime) -> int:
    """The same by hand: oldest first, so that the last of equals is the newest."""
    minute = local.hour * 60 + local.minute
    best: tuple[tuple[bool, bool, bool, bool], int] | None = None
    for rule in rules:
        if rule.weekday not in (None, local.isoweekday()):
            continue
        if rule.band and not rule.band[0] <= minute < rule.band[1]:
            continue
        price = rule.fixed
        if price is None:
            exact = Decimal(BASE) * rule.percent / 100
            price = int(exact.to_integral_value(ROUND_HALF_UP))
        rank = (rule.service, rule.provider, rule.band is not None, rule.weekday is not None)
        if best is None or rank >= best[0]:
            best = (rank, price)
    return best[1] if best else BASE


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rules=st.lists(drawn, max_size=6), minutes=st.integers(0, 10_079))
def test_the_price_is_what_a_person_would_work_out(
    shop: Shop, rules: list[Drawn], minutes: int
) -> None:
    async def story() -> None:
        async with shop.connection() as connection:
            shop.rows("DELETE FROM price_rule")
            for rule in rules:
                await service.add_price_rule(connection, SYSTEM_ACTOR, rule.draft(shop))
            starts_at = shop.at("00:00") + timedelta(minutes=minutes)
            request = QuoteRequest(
                service_id=shop.services["cut"], location_id=shop.location, starts_at=starts_at,
                provider_id=shop.providers[0],
            )  # fmt: skip
            found = await service.quote(connection, shop.app, request, None)
            assert found.price_centavos == expected(rules, starts_at.astimezone(shop.app.zone))

    asyncio.run(story())
