"""Many clients race for one time, round after round, by every path that can take a time.

Against a PostgreSQL of its own, each client on its own connection. Counts the rounds of each path that
had not exactly one winner: there must be none. `--clients` and `--rounds` bound it; the rounds are split
over the paths, as evenly as can be, unless `--path` names some.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from figures import Figure, emit
from support_postgres import TestServer
from support_race import PATHS, Arena, Attempt, at_once, attempts_of, race, takers
from support_race_paths import (
    CROSSROADS,
    Crossroads,
    clear,
    contenders,
    holders_at,
    judge,
    judge_calendar,
    who_calls,
)
from support_shop import Shop, open_shop

from barberpro_app.booking.schemas import Booking
from barberpro_app.kit.database import Database
from barberpro_app.migrations.run import run_migrations

WALK_IN = "walk_in"
#: The last changes the hours of the business.
EVERY = (*PATHS, *CROSSROADS, WALK_IN)
#: These race for a time of its own each round, with what was arranged once.
ROAMING = {"hold", "book", "any provider", "override", "reschedule"}
CLOCKS = ("09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "12:00", "12:30",
          "14:00", "14:30", "15:00", "15:30", "16:00", "16:30", "17:00", "17:30")  # fmt: skip
DAYS = 14


def times(arena: Arena, path: str) -> Iterator[datetime]:
    """When each round is; two hundred and some fit into the agenda before it is emptied."""
    shop = arena.shop
    while path not in ROAMING:
        yield shop.at("09:00")
    while True:
        clear(shop)
        arena.elsewheres.clear()
        for day in range(DAYS):
            for clock in CLOCKS:
                yield shop.at(clock, shop.day + timedelta(days=day))


async def rounds(shop: Shop, database: Database, path: str, clients: int, count: int) -> int:
    """How many of `count` rounds did not have exactly one winner who holds the time."""
    broken = 0
    arena = Arena(shop, database)
    clear(shop)
    attempts: list[Attempt] = []
    for starts_at in islice(times(arena, path), count):
        attempts = await again(path, arena, starts_at, clients, attempts)
        winners, _ = await race(attempts)
        holders = takers(shop, starts_at)
        if len(winners) != 1 or holders != [(winners[0].id,)]:
            print(f"{path}: {len(winners)} winners, {len(holders)} hold it", file=sys.stderr)
            broken += 1
        if path not in ROAMING:
            for winner in winners:
                await arena.cancel(winner.id)
    return broken


async def again(
    path: str, arena: Arena, starts_at: datetime, clients: int, before: list[Attempt]
) -> list[Attempt]:
    """What each client does. What lapsed or was cancelled in the rounds before is so still."""
    if path == "take back" and before:
        return before
    if path != "confirm" or not before:
        return await attempts_of(path, arena, starts_at, clients)
    live = await arena.hold(starts_at)

    async def confirm(number: int) -> Booking:
        return await arena.confirm(live.id, number)

    return [*before[:-1], confirm]


async def mixed(shop: Shop, database: Database, path: str, clients: int, count: int) -> int:
    """As `rounds`, of some who go by the path while others hold the time."""
    broken = 0
    arena = Crossroads(shop, database)
    for _ in range(count):
        clear(shop)
        if path == WALK_IN:
            shop.rows("DELETE FROM walk_in")
            doing, starts_at = await who_calls(shop, arena, clients), datetime.now(UTC)
        else:
            starts_at = shop.at("10:00")
            doing = await contenders(path, arena, starts_at, clients)
        results = await at_once(doing)
        holders = holders_at(shop, datetime.now(UTC) if path == WALK_IN else starts_at)
        if path == "calendar":
            wrong = judge_calendar(shop, results, holders)
        else:
            wrong = judge(results, holders)
        if wrong:
            print(f"{path}: {wrong}", file=sys.stderr)
            broken += 1
    return broken


def always_open(shop: Shop) -> None:
    """Who walks in finds somebody at any hour."""
    shop.rows("DELETE FROM break_time")
    shop.rows("UPDATE working_hours SET opens = 0, closes = 1440")


async def all_paths(shop: Shop, paths: tuple[str, ...], clients: int, count: int) -> int:
    """Races by each path and shows how they ended; how many rounds were not as they must be."""
    broken = 0
    async with shop.database(clients) as database:
        for place, path in enumerate(paths):
            share = count // len(paths) + (place < count % len(paths))
            if path == WALK_IN:
                always_open(shop)
            started = time.perf_counter()
            wrong = await (rounds if path in PATHS else mixed)(shop, database, path, clients, share)
            note = f"{share} rounds, {clients} clients, {time.perf_counter() - started:.0f} s"
            name = f"races by {path.replace('_', ' ')} without exactly one winner"
            emit(Figure(name, wrong, "rounds", 0, note=note))
            broken += wrong
    return broken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--path", action="append", choices=EVERY, default=[])
    arguments = parser.parse_args()
    paths = tuple(path for path in EVERY if path in arguments.path) or EVERY
    server = TestServer.start()
    try:
        server.execute("CREATE DATABASE race")
        run_migrations(server.url("race"))
        shop = asyncio.run(open_shop(server.url("race")))
        shop.rows(
            "INSERT INTO holiday_override SELECT %s::date + n, true FROM generate_series(-16, 70) n",
            shop.day,
        )
        started = time.perf_counter()
        broken = asyncio.run(all_paths(shop, paths, arguments.clients, arguments.rounds))
        spent = time.perf_counter() - started
    finally:
        server.stop()
    note = (
        f"{arguments.clients} clients, {arguments.rounds} rounds, {len(paths)} paths, {spent:.0f} s"
    )
    emit(Figure("races for one time without exactly one winner", broken, "rounds", 0, note=note))


if __name__ == "__main__":
    main()
