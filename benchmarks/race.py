"""Many clients race for one time, round after round, by every path that can take a time.

Against a PostgreSQL of its own, each client on its own connection. Counts the rounds that had not
exactly one winner: there must be none. `--clients` and `--rounds` (of all paths together) bound it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from figures import Figure, emit
from support_postgres import TestServer
from support_race import PATHS, Arena, at_once, attempts_of, race, takers
from support_race_paths import (
    CROSSROADS,
    Crossroads,
    clear,
    contenders,
    holders_at,
    judge,
    who_calls,
)
from support_shop import Shop, open_shop

from barberpro_app.migrations.run import run_migrations

#: Rounds before the table is emptied: what is arranged for a race would fill the calendar.
DAYS = 14
WALK_IN = "walk_in"
EVERY = (*PATHS, *CROSSROADS, WALK_IN)


async def rounds(shop: Shop, path: str, clients: int, count: int) -> int:
    """How many of `count` rounds did not have exactly one winner who holds the time."""
    broken = 0
    async with shop.database(clients) as database:
        arena = Arena(shop, database)
        for number in range(count):
            if number % DAYS == 0 or path == "reschedule":
                shop.rows("DELETE FROM booking")
            starts_at = shop.at("09:00") + timedelta(days=number % DAYS)
            winners, _ = await race(await attempts_of(path, arena, starts_at, clients))
            holders = takers(shop, starts_at)
            if len(winners) != 1 or holders != [(winners[0].id,)]:
                broken += 1
    return broken


async def mixed(shop: Shop, path: str, clients: int, count: int) -> int:
    """As `rounds`, of some who go by the path while others hold the time."""
    broken = 0
    async with shop.database(clients) as database:
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
            starts_at = datetime.now(UTC) if path == WALK_IN else starts_at
            if wrong := judge(results, holders_at(shop, starts_at)):
                print(f"{path}: {wrong}", file=sys.stderr)
                broken += 1
    return broken


def always_open(shop: Shop) -> None:
    """Who walks in finds somebody at any hour."""
    shop.rows("DELETE FROM break_time")
    shop.rows("UPDATE working_hours SET opens = 0, closes = 1440")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=500)
    arguments = parser.parse_args()
    server = TestServer.start()
    try:
        server.execute("CREATE DATABASE race")
        run_migrations(server.url("race"))
        shop = asyncio.run(open_shop(server.url("race")))
        for offset in range(-16, 70):
            day = shop.day + timedelta(days=offset)
            shop.rows("INSERT INTO holiday_override VALUES (%s, true)", day)
        broken, started = 0, time.perf_counter()
        for place, path in enumerate(EVERY):
            share = arguments.rounds // len(EVERY) + (place < arguments.rounds % len(EVERY))
            if path == WALK_IN:
                always_open(shop)
            racing = rounds if path in PATHS else mixed
            broken += asyncio.run(racing(shop, path, arguments.clients, share))
        spent = time.perf_counter() - started
    finally:
        server.stop()
    note = (
        f"{arguments.clients} clients, {arguments.rounds} rounds, {len(EVERY)} paths, {spent:.0f} s"
    )
    emit(Figure("races for one time without exactly one winner", broken, "rounds", 0, note=note))


if __name__ == "__main__":
    main()
