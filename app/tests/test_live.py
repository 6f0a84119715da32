"""Open pages hear of changes: what they are told, what they are not, and that nothing is lost."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sysconfig
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from support_app import AppHome, ServedApp, free_port
from support_postgres import TestServer
from support_shop import Shop
from support_web import Browser, deployment, use

from barberpro_app.kit.errors import AppError
from barberpro_app.live.endpoints import PER_NETWORK, Listeners
from barberpro_app.live.hub import LOOK_AGAIN, QUEUE, Change, Hub, Interest, read_change
from barberpro_app.live.stream import BEAT_SECONDS

DAY = date(2027, 3, 4)
HEARS = Interest(None, DAY, DAY)
Event = tuple[str, dict[str, object]]


@pytest.fixture
def served(tmp_path: Path, shop: Shop) -> Iterator[tuple[ServedApp, Shop]]:
    with AppHome.make(tmp_path, shop.url).serving() as app:
        _listens(app)
        yield app, shop


def _listens(app: ServedApp) -> None:
    """Waits until the app hears the database: that tells everybody to look again, once more."""
    deadline = time.monotonic() + 60
    while _position(app.url, {"what": "times", "first": DAY, "last": DAY}).endswith("-0"):
        assert time.monotonic() < deadline, app.log.read_text(encoding="utf-8")


@asynccontextmanager
async def listening(
    base: str, *, headers: dict[str, str] | None = None, **query: object
) -> AsyncIterator[Callable[[], Awaitable[Event]]]:
    """Opens `/events` and gives its events but beats, one per call."""
    async with (
        httpx.AsyncClient(base_url=base, timeout=20) as client,
        client.stream("GET", "/events", params=query, headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()

        async def hear() -> Event:
            name, data = "", ""
            async for line in lines:
                field, _, value = line.partition(":")
                if field == "event":
                    name = value.strip()
                elif field == "data":
                    data = value.strip()
                elif not line and name != "beat":
                    return name, json.loads(data or "{}")
            return "end", {}

        yield hear


def block(shop: Shop, provider: int = 0) -> None:
    shop.rows(
        "INSERT INTO time_off (provider_id, period) VALUES (%s, tstzrange(%s, %s))",
        shop.providers[provider], shop.at("10:00"), shop.at("11:00"),
    )  # fmt: skip


def test_anybody_hears_that_times_changed_and_nothing_else(
    served: tuple[ServedApp, Shop],
) -> None:
    app, shop = served

    async def steps() -> None:
        asked = {"what": "times", "first": shop.day, "last": shop.day}
        async with listening(app.url, **asked) as hear:
            assert [(await hear())[0], (await hear())[0]] == ["hello", "again"]
            block(shop)
            name, data = await hear()
            assert name == "change"
            assert set(data) == {"day"}

    asyncio.run(steps())


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"what": "agenda", "first": DAY, "last": DAY}, 401),
        ({"what": "times", "first": DAY, "last": DAY + timedelta(days=63)}, 422),
        ({"what": "times", "first": DAY, "last": DAY - timedelta(days=1)}, 422),
        ({"what": "money", "first": DAY, "last": DAY}, 422),
        ({"what": "times", "first": "0000-00-00", "last": DAY}, 422),
        ({"what": "times", "first": DAY, "last": DAY, "provider": "x"}, 422),
        ({"what": "times", "first": DAY, "last": DAY, "since": "x" * 41}, 422),
    ],
)
def test_what_is_refused(
    served: tuple[ServedApp, Shop], query: dict[str, object], status: int
) -> None:
    app, _ = served
    answer = httpx.get(f"{app.url}/events", params=query)  # type: ignore[arg-type]
    assert answer.status_code == status
    cross = {"sec-fetch-site": "cross-site"}
    times = {"what": "times", "first": str(DAY), "last": str(DAY)}
    assert httpx.get(f"{app.url}/events", params=times, headers=cross).status_code == 403
    assert httpx.head(f"{app.url}/events", params=times).status_code == 200


def test_whoever_comes_back_hears_what_was_missed(served: tuple[ServedApp, Shop]) -> None:
    app, shop = served
    ask = {"what": "times", "first": shop.day, "last": shop.day}

    async def steps() -> None:
        async with listening(app.url, **ask) as hear:
            await hear()
            await hear()
        position = _position(app.url, ask)
        block(shop)
        async with listening(app.url, **ask, since=position) as hear:
            assert [(await hear())[0], (await hear())[0]] == ["hello", "change"]
        # another process, another count: look again
        async with listening(app.url, **ask, headers={"last-event-id": "abcd-1"}) as hear:
            assert [(await hear())[0], (await hear())[0]] == ["hello", "again"]

    asyncio.run(steps())


@contextmanager
def router(upstream: str, port: int, folder: Path) -> Iterator[str]:
    """A Caddy that gives up on slow readers 200 times as soon as the product's does (60 s)."""
    server = {
        "listen": [f"127.0.0.1:{port}"],
        "read_header_timeout": "200ms",
        "read_timeout": "300ms",
        "routes": [{"handle": [{"handler": "reverse_proxy",
                                "upstreams": [{"dial": upstream.removeprefix("http://")}]}]}],
    }  # fmt: skip
    settings = {"admin": {"disabled": True}, "apps": {"http": {"servers": {"public": server}}}}
    file = folder / f"caddy-{port}.json"
    file.write_text(json.dumps(settings))
    program = Path(sysconfig.get_path("scripts")) / "caddy"
    with (folder / "caddy.log").open("ab") as log:
        process = subprocess.Popen([program, "run", "--config", file], stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        ServedApp(process, address, folder / "caddy.log").wait()
        yield address
    finally:
        process.kill()
        process.wait(10)


def test_behind_the_router_a_quiet_answer_lives_and_a_cut_one_is_made_good(
    served: tuple[ServedApp, Shop], tmp_path: Path
) -> None:
    app, shop = served
    ask = {"what": "times", "first": shop.day, "last": shop.day}
    port = free_port()
    assert BEAT_SECONDS * 2 < 60  # the router's own pause

    async def steps() -> str:
        with router(app.url, port, tmp_path) as address:
            position = _position(address, ask)
            opened = time.monotonic()
            async with listening(address, **ask, since=position) as hear:
                assert (await hear())[0] == "hello"
                while time.monotonic() < opened + 0.7:  # longer than the router waits for readers
                    seen = await asyncio.to_thread(httpx.get, f"{address}/health")
                    assert seen.status_code == 200
                block(shop)
                assert (await hear())[0] == "change"
                return position

    position = asyncio.run(steps())
    block(shop, 1)  # while nobody can be reached

    async def again() -> None:
        with router(app.url, port, tmp_path) as address:
            async with listening(address, **ask, headers={"last-event-id": position}) as hear:
                assert [(await hear())[0] for _ in range(3)] == ["hello", "change", "change"]

    asyncio.run(again())


def _position(base: str, query: dict[str, object]) -> str:
    with httpx.stream("GET", f"{base}/events", params=query) as answer:  # type: ignore[arg-type]
        for line in answer.iter_lines():
            if line.startswith("id: "):
                return line.removeprefix("id: ")
    raise AssertionError("no position")


def test_a_cut_connection_to_the_database_is_made_good(served: tuple[ServedApp, Shop]) -> None:
    app, shop = served

    async def steps() -> None:
        asked = {"what": "times", "first": shop.day, "last": shop.day}
        async with listening(app.url, **asked) as hear:
            await hear()
            await hear()
            shop.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'barberpro-live' AND datname = current_database()"
            )
            assert (await hear())[0] == "again"
            block(shop)
            assert (await hear())[0] == "change"

    asyncio.run(steps())


def test_open_answers_end_when_the_process_does(served: tuple[ServedApp, Shop]) -> None:
    app, shop = served

    async def steps() -> None:
        asked = {"what": "times", "first": shop.day, "last": shop.day}
        async with listening(app.url, **asked) as hear:
            await hear()
            await hear()
            app.process.send_signal(signal.SIGTERM)
            assert (await hear())[0] == "end"
            await asyncio.to_thread(app.process.wait, 30)

    asyncio.run(steps())


def test_a_slow_reader_is_told_to_look_again_and_keeps_little() -> None:
    hub = Hub("")
    slow = hub.subscribe(HEARS, hub.position)
    for _ in range(QUEUE * 20):
        hub.publish(Change("booking", None, DAY, DAY))
    assert slow._waiting.qsize() <= QUEUE
    first = asyncio.run(slow.next())
    assert first is not None
    assert first[1] is LOOK_AGAIN


def test_who_was_away_too_long_is_told_to_look_again() -> None:
    hub = Hub("")
    position = hub.position
    for _ in range(1000):
        hub.publish(Change("booking", None, DAY, DAY))
    back = asyncio.run(hub.subscribe(HEARS, position).next())
    assert back is not None
    assert back[1] is LOOK_AGAIN
    assert hub.subscribe(HEARS, hub.position)._waiting.empty()


def test_interest() -> None:
    provider, other = uuid4(), uuid4()
    mine = Interest(frozenset({provider}), DAY, DAY + timedelta(days=6))
    assert mine.covers(Change("booking", provider, DAY, DAY))
    assert mine.covers(Change("hours"))
    assert mine.covers(Change("time_off", None, DAY - timedelta(days=3), DAY))
    assert not mine.covers(Change("booking", other, DAY, DAY))
    later = DAY + timedelta(days=7)
    assert not mine.covers(Change("booking", provider, later, later))
    assert not Interest(frozenset(), DAY, DAY).covers(Change("booking", UUID(int=1), DAY, DAY))


@pytest.mark.parametrize("payload", ["", "{", "[]", "null", '{"kind": 1, "provider": "x"}', "{}"])
def test_an_unreadable_notice_may_be_anything(payload: str) -> None:
    assert read_change(payload) is LOOK_AGAIN


def test_listeners_are_counted_and_limited() -> None:
    listeners = Listeners()
    for _ in range(PER_NETWORK):
        listeners.enter("10.0.0.1", visitor=True)
    with pytest.raises(AppError):
        listeners.enter("10.0.0.1", visitor=True)
    listeners.enter("staff:1", visitor=False)
    listeners.leave("10.0.0.1", visitor=True)
    listeners.enter("10.0.0.1", visitor=True)
    assert (listeners.total, listeners.visitors) == (PER_NETWORK + 1, PER_NETWORK)


def test_every_change_of_an_agenda_is_told(shop: Shop) -> None:
    with psycopg.connect(shop.url, autocommit=True) as ears:
        ears.execute("LISTEN agenda")
        block(shop)
        shop.rows("UPDATE working_hours SET closes = 1020")
        shop.rows("INSERT INTO holiday_override (day, open) VALUES ('2027-01-01', true)")
        heard = [read_change(n.payload) for n in ears.notifies(timeout=60, stop_after=3)]
    assert [change.kind for change in heard] == ["time_off", "hours", "hours"]
    assert heard[0].provider == shop.providers[0]
    assert heard[0].first == shop.day - timedelta(days=1)


def test_head_is_get_without_a_body(tmp_path: Path, postgres_server: TestServer) -> None:
    async def steps(application) -> None:  # type: ignore[no-untyped-def]
        browser = Browser(application)
        for path in ("/", "/privacidad", "/entrar", "/health", "/openapi.json", "/no-hay"):
            seen = await browser.client.get(path)
            head = await browser.client.head(path)
            assert head.status_code == seen.status_code
            assert head.content == b""
            assert head.headers["content-type"] == seen.headers["content-type"]
        assert (await browser.client.head("/salir")).status_code == 405

    with deployment(tmp_path, postgres_server) as settings:
        use(settings, steps)
