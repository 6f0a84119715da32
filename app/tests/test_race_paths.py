"""Visits, groups, series, the waiting list, walk-ins, requests, the agenda: whichever way, one gets the time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from support_race import at_once
from support_race_paths import (
    CROSSROADS,
    Crossroads,
    contenders,
    holders_at,
    judge,
    judge_calendar,
    who_calls,
)
from support_shop import Shop

CONTENDERS = 40


@pytest.fixture
def road(shop: Shop) -> Shop:
    shop.rows(
        "INSERT INTO holiday_override (day, open) SELECT current_date + n, true"
        " FROM generate_series(-5, 70) n ON CONFLICT DO NOTHING"
    )
    return shop


@pytest.mark.parametrize("path", CROSSROADS)
def test_one_of_many_gets_the_time(road: Shop, path: str) -> None:
    async def run() -> None:
        async with road.database(CONTENDERS) as database:
            starts_at = road.at("10:00")
            arena = Crossroads(road, database)
            doing = await contenders(path, arena, starts_at, CONTENDERS)
            assert len(doing) == CONTENDERS
            results = await at_once(doing)
            holders = holders_at(road, starts_at)
            if path == "calendar":
                assert judge_calendar(road, results, holders) == ""
            else:
                assert judge(results, holders) == ""

    asyncio.run(run())


def test_one_of_many_who_walked_in_is_called(road: Shop) -> None:
    road.rows("DELETE FROM break_time")
    road.rows("UPDATE working_hours SET opens = 0, closes = 1440")

    async def run() -> None:
        async with road.database(CONTENDERS) as database:
            arena = Crossroads(road, database)
            results = await at_once(await who_calls(road, arena, CONTENDERS // 2))
            assert judge(results, holders_at(road, datetime.now(UTC))) == ""

    asyncio.run(run())
