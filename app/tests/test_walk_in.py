"""Who walked in: numbers, estimates, calling a turn once, and the pages."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from support_postgres import TestServer
from support_shop import ANONYMOUS_ACTOR, Shop, staff
from support_team import query, signed_in
from support_web import Browser, deployment, use

from barberpro_app.availability.service import Candidate
from barberpro_app.availability.slots import Calendar, Hours, Offer
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.settings import Settings
from barberpro_app.walk_in import service
from barberpro_app.walk_in.errors import NobodyFreeError, NotWaitingError
from barberpro_app.walk_in.estimate import waits
from barberpro_app.walk_in.schemas import WalkIn, WalkInCall, WalkInDraft

T = TypeVar("T")
UTC_ZONE = ZoneInfo("UTC")
DAY = date(2026, 5, 5)
HOURS = [Hours(n, 0, 1440, date(2000, 1, 1), None) for n in range(1, 8)]


def do(shop: Shop, step: Callable[[Connection], Awaitable[T]]) -> T:
    async def run() -> T:
        async with shop.database(2) as database, database.connection() as connection:
            return await step(connection)

    return asyncio.run(run())


def add(shop: Shop, name: str, provider: UUID | None = None) -> WalkIn:
    wish = WalkInDraft(
        location_id=shop.location, service_id=shop.services["cut"], provider_id=provider, name=name
    )
    return do(shop, lambda c: service.add(c, staff(), wish))


def call(shop: Shop, turn: WalkIn, provider: UUID | None = None) -> WalkIn:
    what = WalkInCall(provider_id=provider)
    return do(shop, lambda c: service.call(c, shop.app, staff(), turn.id, what))


def at_work(shop: Shop) -> None:
    """Everybody works around the clock, every day."""
    shop.rows("DELETE FROM break_time")
    shop.rows("UPDATE working_hours SET opens = 0, closes = 1440")
    shop.rows("INSERT INTO holiday_override (day, open) SELECT current_date + n, true"
              " FROM generate_series(-1, 1) n")  # fmt: skip


def test_a_turn_becomes_a_booking_with_who_is_free(shop: Shop) -> None:
    at_work(shop)
    turns = [add(shop, name) for name in ("Ana", "Eva", "Sol", "Uma")]
    assert [turn.number for turn in turns] == [1, 2, 3, 4]
    called = [call(shop, turn) for turn in turns[:3]]
    assert len({turn.called_by for turn in called}) == 3
    rows = shop.rows("SELECT status, checked_in_at IS NOT NULL, source FROM booking")
    assert rows == [("arrived", True, "staff")] * 3
    with pytest.raises(NobodyFreeError):
        call(shop, turns[3])
    with pytest.raises(NotWaitingError):
        call(shop, turns[0])
    gone = do(shop, lambda c: service.end(c, shop.app, staff(), turns[0].id, "no_answer"))
    assert gone.state == "no_answer"
    assert call(shop, turns[3]).called_by == called[0].called_by
    whole = do(shop, lambda c: service.queue(c, shop.app, shop.location))
    assert whole.waiting == []
    assert [turn.name for turn in whole.called] == ["Uma", "Sol", "Eva"]


def test_nobody_is_called_to_who_is_away_but_by_name(shop: Shop) -> None:
    at_work(shop)
    shop.rows("INSERT INTO time_off (provider_id, period) SELECT id, tstzrange(now() - interval '1 h',"
              " now() + interval '9 h') FROM provider")  # fmt: skip
    turn = add(shop, "Ana")
    with pytest.raises(NobodyFreeError):
        call(shop, turn)
    assert call(shop, turn, shop.providers[1]).called_by == "Provider 1"


def test_two_desks_call_one_turn_once(shop: Shop) -> None:
    at_work(shop)
    turn = add(shop, "Ana")

    async def race() -> list[object]:
        async with shop.database(6) as database:

            async def one() -> WalkIn:
                async with database.connection() as connection:
                    return await service.call(connection, shop.app, staff(), turn.id, WalkInCall())

            return list(await asyncio.gather(*(one() for _ in range(6)), return_exceptions=True))

    found = asyncio.run(race())
    assert sum(isinstance(item, WalkIn) for item in found) == 1
    assert sum(isinstance(item, NotWaitingError) for item in found) == 5
    assert shop.rows("SELECT count(*) FROM booking") == [(1,)]


def test_who_may_and_what_is_refused(shop: Shop) -> None:
    at_work(shop)
    wish = WalkInDraft(location_id=shop.location, service_id=shop.services["cut"], name="Ana")
    with pytest.raises(NotAllowedError):
        do(shop, lambda c: service.add(c, ANONYMOUS_ACTOR, wish))
    for wrong in ({"service_id": UUID(int=3)}, {"location_id": UUID(int=3)},
                  {"service_id": shop.services["solo"], "provider_id": shop.providers[1]}):  # fmt: skip
        other = wish.model_copy(update=wrong)
        with pytest.raises(NotFoundError):
            do(shop, lambda c, other=other: service.add(c, staff(), other))
    turn = add(shop, "Ana")
    left = do(shop, lambda c: service.end(c, shop.app, staff(), turn.id, "left"))
    assert do(shop, lambda c: service.end(c, shop.app, staff(), turn.id, "left")) == left
    with pytest.raises(NotWaitingError):
        call(shop, turn)
    with pytest.raises(NotFoundError):
        do(shop, lambda c: service.end(c, shop.app, staff(), UUID(int=1), "left"))


def test_waits_add_up_in_the_agenda(shop: Shop) -> None:
    at_work(shop)
    only = shop.providers[0]
    turns = [add(shop, name, only) for name in ("Ana", "Eva", "Sol")]
    whole = do(shop, lambda c: service.queue(c, shop.app, shop.location))
    minutes = [turn.wait_minutes for turn in whole.waiting]
    assert [turn.ahead for turn in whole.waiting] == [0, 1, 2]
    if None not in minutes:  # the day is not nearly over
        assert minutes == [0, 40, 80]  # 30 minutes and 10 after each
    call(shop, turns[0])
    found = do(shop, lambda c: service.get(c, shop.app, turns[1].id))
    assert found.wait_minutes is None or 38 <= found.wait_minutes <= 40


@given(
    lengths=st.lists(st.integers(5, 90), min_size=1, max_size=8),
    people=st.integers(1, 3),
    busy=st.lists(st.integers(0, 500), max_size=4, unique=True),
)
def test_no_two_estimates_overlap_and_the_first_waits_least(
    lengths: list[int], people: int, busy: list[int]
) -> None:
    now = 1777939200 + 8 * 3600  # eight in the morning of that day
    taken = sorted((now + n * 3600, now + n * 3600 + 1800) for n in {x % 5 for x in busy})
    services = [UUID(int=n + 1) for n in range(len(lengths))]
    staffed = [UUID(int=100 + n) for n in range(people)]
    candidates = {
        key: [
            Candidate(who, Offer(minutes * 60, 0, 0), Calendar(HOURS, taken, [])) for who in staffed
        ]
        for key, minutes in zip(services, lengths, strict=True)
    }
    line = [(key, key, staffed[n % people]) for n, key in enumerate(services)]
    found = waits(line, candidates, DAY, UTC_ZONE, now)
    for who in staffed:
        spans = []
        for (key, _, wanted), minutes in zip(line, lengths, strict=True):
            wait = found[key]
            if wanted == who and wait is not None:
                spans.append((now + wait * 60, now + (wait + minutes) * 60))
        every = sorted([*spans, *taken])
        assert all(first[1] <= second[0] for first, second in itertools.pairwise(every))
    free = waits([(key, key, None) for key in services], candidates, DAY, UTC_ZONE, now)
    assert free[services[0]] is not None


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server) as found:
        query(found, "UPDATE working_hours SET opens = 0, closes = 1440")
        query(found, "INSERT INTO holiday_override (day, open) SELECT current_date + n, true"
                     " FROM generate_series(-1, 1) n")  # fmt: skip
        yield found


def test_reception_and_the_screen_and_the_own_page(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        desk = await signed_in(application, settings, "reception")
        page = await desk.get("/agenda/fila")
        form = next(form for form in page.forms if "nombre" in form.values)
        assert (await desk.send(page, form, nombre=" ")).status == 422
        page = await desk.send(page, form, nombre="<b>Ana</b> María Sosa")
        assert "&lt;b&gt;Ana" in page.html
        assert "<svg" in page.html
        await desk.send(page, form, nombre="Eva Luna")
        turn, place = query(settings, "SELECT id, location_id FROM walk_in WHERE number = 2")[0]
        token = application.state.booking_links.other("walk-in").token(turn)
        public = Browser(application)
        screen = await public.get(f"/fila/{place}")
        assert "Eva" in screen.text
        assert "Luna" not in screen.text
        mine = await public.get(f"/fila/turno/{token}")
        assert "Hay 1 persona antes" in mine.text
        assert mine.inline == []
        page = await desk.get("/agenda/fila")
        first = await desk.send(page, page.form("/llamar"))
        assert "ya está en la agenda" in first.text
        again = await desk.send(page, page.form("/llamar"))
        assert again.status == 409
        assert "Es tu turno" in (await public.get(f"/fila/{place}")).text
        left = await public.send(mine, mine.form("/salir"))
        assert "Saliste de la fila" in left.text
        assert (await public.get("/fila/turno/" + "A" * 43)).status == 404
        assert (await public.get(f"/fila/{turn}")).status == 404
        assert (await desk.post(f"/agenda/fila/{turn}/volar")).status == 403
        provider = await signed_in(application, settings, "provider")
        assert (await provider.get("/agenda/fila")).status == 403

    use(settings, steps)
