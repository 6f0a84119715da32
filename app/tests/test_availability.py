"""Free times from a real database: what is shown can be taken, and nothing else."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb
from support_shop import SYSTEM_ACTOR, Shop, configuration, open_shop, staff

from barberpro_app.availability.repository import INPUTS, parameters
from barberpro_app.availability.schemas import AvailabilityQuery, AvailableDay
from barberpro_app.availability.service import free_times
from barberpro_app.booking import service as bookings
from barberpro_app.booking.errors import SlotUnavailableError
from barberpro_app.booking.schemas import HoldRequest
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.location import service as locations
from barberpro_app.location.schemas import HolidayChoice
from barberpro_app.provider import service as providers
from barberpro_app.provider.schemas import TimeOffDraft


def question(shop: Shop, **changes: object) -> AvailabilityQuery:
    return AvailabilityQuery(
        **{
            "service_id": shop.services["cut"],
            "location_id": shop.location,
            "first": shop.day,
            "days": 1,
            **changes,
        }
    )


def days(shop: Shop, **changes: object) -> list[AvailableDay]:
    async def ask() -> list[AvailableDay]:
        async with shop.connection() as connection:
            return (await free_times(connection, shop.app, question(shop, **changes))).days

    return asyncio.run(ask())


def clocks(shop: Shop, day: AvailableDay) -> list[str]:
    return [slot.starts_at.astimezone(shop.app.zone).strftime("%H:%M") for slot in day.slots]


def hold(shop: Shop, clock: str, provider: int = 0, service: str = "cut") -> object:
    async def keep() -> object:
        async with shop.connection() as connection:
            request = HoldRequest(
                service_id=shop.services[service],
                location_id=shop.location,
                provider_id=shop.providers[provider],
                starts_at=shop.at(clock),
            )
            return await bookings.hold(connection, shop.app, SYSTEM_ACTOR, request)

    return asyncio.run(keep())


def test_a_free_day_offers_the_hours_without_the_break(shop: Shop) -> None:
    (day,) = days(shop)
    offered = clocks(shop, day)
    assert offered[0] == "09:00"
    assert offered[-1] == "17:30"
    assert "12:30" in offered
    assert not {"12:45", "13:00", "13:45"} & set(offered)
    assert day.slots[0].provider_ids == shop.providers
    assert day.slots[0].ends_at - day.slots[0].starts_at == timedelta(minutes=30)


def test_a_hold_takes_its_buffers_too_until_it_expires(shop: Shop) -> None:
    hold(shop, "10:00")
    one = {"provider_id": shop.providers[0]}
    offered = clocks(shop, days(shop, **one)[0])
    # 10:00-10:40 is taken; a cut before needs 40 minutes until then
    assert not {"09:30", "09:45", "10:00", "10:15", "10:30"} & set(offered)
    assert {"09:15", "10:45"} <= set(offered)
    assert "10:00" in clocks(shop, days(shop, provider_id=shop.providers[1])[0])
    shop.rows("UPDATE booking SET hold_expires_at = now() - interval '1 second'")
    shop.rows("UPDATE occupancy SET expires_at = now() - interval '1 second'")
    assert "10:00" in clocks(shop, days(shop, **one)[0])


def test_everything_offered_can_be_taken_and_nothing_beside_it(shop: Shop) -> None:
    """The two implementations of the rules agree, start by start."""

    async def compare() -> None:
        async with shop.connection() as connection:
            actor, provider = staff("manager"), shop.providers[0]
            away = TimeOffDraft(starts_at=shop.at("15:10"), ends_at=shop.at("16:05"))
            await providers.add_provider_time_off(connection, actor, provider, away)
            answer = await free_times(connection, shop.app, question(shop, provider_id=provider))
            offered = {slot.starts_at for slot in answer.days[0].slots}
            assert len(offered) > 10
            for quarter in range(-2, 24 * 4 + 2):
                starts_at = shop.at("00:00") + timedelta(minutes=15 * quarter)
                request = HoldRequest(
                    service_id=shop.services["cut"],
                    location_id=shop.location,
                    provider_id=provider,
                    starts_at=starts_at,
                )
                taken = True
                try:
                    async with connection.transaction(force_rollback=True):
                        await bookings.hold(connection, shop.app, SYSTEM_ACTOR, request)
                except SlotUnavailableError:
                    taken = False
                assert taken == (starts_at in offered), starts_at
            off_grid = request.model_copy(update={"starts_at": shop.at("10:07")})
            with pytest.raises(SlotUnavailableError, match="off_grid"):
                await bookings.hold(connection, shop.app, SYSTEM_ACTOR, off_grid)

    asyncio.run(compare())


def test_a_closed_location_closes_everybody(shop: Shop) -> None:
    async def close() -> None:
        draft = TimeOffDraft(starts_at=shop.at("00:00"), ends_at=shop.at("14:00"))
        async with shop.connection() as connection:
            await providers.add_location_time_off(connection, staff(), shop.location, draft)

    asyncio.run(close())
    assert clocks(shop, days(shop)[0])[0] == "14:00"


def test_holidays_close_unless_the_owner_opens_them(migrated_url: str) -> None:
    shop = asyncio.run(
        open_shop(migrated_url, configuration(policies={"booking_window_days": 365}))
    )
    today = datetime.now(shop.app.zone).date()
    christmas = today.replace(month=12, day=25)
    if christmas <= today + timedelta(days=1):
        christmas = christmas.replace(year=today.year + 1)
    (closed,) = days(shop, first=christmas)
    assert (closed.slots, closed.holiday) == ([], "Navidad")

    async def choose(day: object, *, is_open: bool) -> None:
        async with shop.connection() as connection:
            choice = HolidayChoice(open=is_open, name="Inventario")
            await locations.choose_holiday(connection, staff(), day, choice)  # type: ignore[arg-type]

    asyncio.run(choose(christmas, is_open=True))
    assert days(shop, first=christmas)[0].slots
    asyncio.run(choose(shop.day, is_open=False))
    (closed,) = days(shop)
    assert (closed.slots, closed.holiday) == ([], "Inventario")
    with pytest.raises(SlotUnavailableError, match="holiday"):
        hold(shop, "10:00")


def test_notice_and_window_bound_what_is_offered(migrated_url: str) -> None:
    policies = {"booking_window_days": 10, "minimum_notice_minutes": 3 * 24 * 60}
    shop = asyncio.run(open_shop(migrated_url, configuration(policies=policies)))
    now = datetime.now(shop.app.zone)
    found = days(shop, first=now.date(), days=15)
    starts = [slot.starts_at for day in found for slot in day.slots]
    assert starts
    assert min(starts) >= now + timedelta(days=3)
    assert max(starts).astimezone(shop.app.zone).date() <= now.date() + timedelta(days=10)


def test_unknown_service_and_location_are_named(shop: Shop) -> None:
    for field in ("service_id", "location_id"):
        with pytest.raises(NotFoundError) as refused:
            days(shop, **{field: shop.providers[0]})
        assert refused.value.field == field
    assert issubclass(NotFoundError, AppError)


def test_the_plan_uses_both_columns_of_the_exclusion_index(shop: Shop) -> None:
    """Without `resource_id` as an index condition, each provider would read everybody's week."""
    shop.rows(
        "INSERT INTO booking (code, status, provider_id, service_id, location_id, starts_at,"
        " ends_at, zone, price_centavos, cancel_reason)"
        " SELECT translate(lpad(upper(to_hex(n)), 8, '2'), '01', '9Z'), 'cancelled', p.id, s.id,"
        " l.id, t, t + interval '25 minutes', 'UTC', 0, ''"
        " FROM generate_series(1, 6000) n,"
        " LATERAL (SELECT now() + n * interval '30 minutes' AS t) at,"
        " (SELECT id FROM provider WHERE key = 'p0') p, (SELECT id FROM service LIMIT 1) s,"
        " location l ON CONFLICT DO NOTHING"
    )
    shop.rows(
        "INSERT INTO occupancy (booking_id, resource_id, period)"
        " SELECT b.id, p.id, tstzrange(b.starts_at, b.ends_at) FROM booking b"
        " JOIN provider p ON p.sort = mod(get_byte(uuid_send(b.id), 15), 3)"
    )
    shop.rows("ANALYZE occupancy")
    arguments = parameters(shop.services["cut"], shop.location, None, shop.day, 7)
    with psycopg.connect(shop.url) as connection:
        plan = "\n".join(
            row[0]
            for row in connection.execute(
                "EXPLAIN " + INPUTS, arguments | {"policies": Jsonb(shop.app.policies.model_dump())}
            )
        )
    condition = re.search(r"occupancy_no_overlap.*\n.*Index Cond: (.*)", plan)
    assert condition, plan
    assert "resource_id = " in condition[1]
    assert "period &&" in condition[1]
