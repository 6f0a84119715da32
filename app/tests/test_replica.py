"""Reads that may be a little old go to a replica, a real one that streams; never older than promised, never what
a person just wrote, and to the primary where the replica lags or is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from psycopg.conninfo import conninfo_to_dict
from support_postgres import REPLICATED, TestServer
from support_web import Browser, deployment, first_slot, use

from barberpro_app.kit.database import Connection, Database, PoolSettings
from barberpro_app.kit.errors import UnavailableError
from barberpro_app.kit.replica import PIN, Replica
from barberpro_app.settings import Settings

Pair = tuple[TestServer, TestServer]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    primary = TestServer.start(**REPLICATED)
    replica = primary.replicate()
    yield primary, replica
    replica.stop()
    primary.stop()


@pytest.fixture(autouse=True)
def _replays(pair: Pair) -> Iterator[None]:
    yield
    pair[1].execute("SELECT pg_wal_replay_resume()")


async def who(connection: Connection) -> str:
    cursor = await connection.execute("SELECT pg_is_in_recovery() AS replica")
    row = await cursor.fetchone()
    return "replica" if row and row["replica"] else "primary"


async def until(what: str, true: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not await true():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def answers(replica: Replica) -> bool:
    try:
        return await replica.read(who) == "replica"
    except UnavailableError:
        return False


def run(pair: Pair, steps: Callable[[Replica], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        database = Database(pair[0].url("postgres"), PoolSettings(1, 2))
        replica = Replica(pair[1].url("postgres"), database, measure=0.1)
        await database.open()
        await replica.open()
        try:
            await until("the replica answers", lambda: answers(replica))
            await steps(replica)
        finally:
            await replica.close()
            await database.close()

    asyncio.run(all_of_it())


def test_what_was_written_before_a_measurement_is_seen_or_the_primary_is_asked(pair: Pair) -> None:
    primary, other = pair

    async def steps(replica: Replica) -> None:
        async def seen(connection: Connection) -> int:
            cursor = await connection.execute("SELECT count(*) AS n FROM written")
            row = await cursor.fetchone()
            return int(row["n"]) if row else -1

        primary.execute("CREATE TABLE written (a int)")
        for number in range(1, 30):
            primary.execute("INSERT INTO written VALUES (1)")
            replica.outdate()  # as a change that was heard does
            while True:
                try:
                    found = await replica.read(seen)
                except (UnavailableError, psycopg.Error):
                    await asyncio.sleep(0.01)  # the primary would answer
                    continue
                break
            assert found == number
        other.execute("SELECT pg_wal_replay_pause()")
        primary.execute("INSERT INTO written VALUES (1)")

        async def lags() -> bool:
            return not await answers(replica)

        await until("the lag is seen", lags)
        other.execute("SELECT pg_wal_replay_resume()")
        await until("it has caught up", lambda: answers(replica))
        assert await replica.read(seen) == 30

    run(pair, steps)


def test_nothing_is_written_by_it_and_a_lost_one_is_left_alone_until_it_is_back(pair: Pair) -> None:
    async def steps(replica: Replica) -> None:
        async def write(connection: Connection) -> None:
            await connection.execute("CREATE TABLE never (a int)")

        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await replica.read(write)
        await asyncio.to_thread(pair[1].restart)

        async def lost() -> bool:
            return not await answers(replica)

        await until("the next read fails", lost)
        began = time.monotonic()
        for _ in range(50):
            with pytest.raises(UnavailableError):
                await replica.read(who)
            if time.monotonic() - began > 3:
                break
        await until("it answers again", lambda: answers(replica))

    run(pair, steps)


@pytest.fixture
def settings(tmp_path: Path, pair: Pair) -> Iterator[Settings]:
    """The app with a replica of its database."""
    with deployment(tmp_path, pair[0]) as found:
        name = str(conninfo_to_dict(found.secrets.database_url)["dbname"])
        (tmp_path / "secrets" / "database-replica-url").write_text(pair[1].url(name))
        yield found


def test_visitors_read_from_it_and_who_wrote_reads_what_was_written(
    settings: Settings, pair: Pair
) -> None:
    async def steps(application: FastAPI) -> None:
        replica: Replica = application.state.replica
        visitor = Browser(application)

        async def read_there() -> bool:
            before = replica.answered
            assert (await visitor.get("/")).status == 200
            return replica.answered > before

        await until("a visitor's page comes from the replica", read_there)
        pair[1].execute("SELECT pg_wal_replay_pause()")
        client = Browser(application)
        page = await client.get((await client.get("/")).link("/reservar?"))
        slot, address = first_slot(page), page.path
        page = await client.send(page, page.form("/reservar"), inicio=slot)
        assert PIN in client.client.cookies
        done = await client.send(
            page,
            next(f for f in page.forms if "nombre" in f.values),
            nombre="Ana Pérez",
            email="ana@example.com",
        )
        assert done.path.startswith("/reservar/listo/")
        # its own times do not have the hour any more, and, as the change was heard, nobody's have
        assert first_slot(await client.get(address)) != slot

        async def told() -> bool:
            return first_slot(await visitor.get(address)) != slot

        await until("strangers see it too", told)
        token = {"authorization": "Bearer wrong"}
        assert (await Browser(application, **token).get("/api/v1/availability")).status == 401

    use(settings, steps)


def test_pages_go_on_without_it(settings: Settings, pair: Pair, tmp_path: Path) -> None:
    nobody = f"postgresql://postgres@/x?host={tmp_path}"
    (tmp_path / "secrets" / "database-replica-url").write_text(nobody)

    async def steps(application: FastAPI) -> None:
        for path in ("/", "/galeria", "/api/v1/services"):
            assert (await Browser(application).get(path)).status in (200, 404)
        assert application.state.replica.answered == 0

    use(settings, steps)
