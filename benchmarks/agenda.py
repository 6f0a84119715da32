"""The agenda of 20 providers for a week, the report of that week and the team's first page, with 100,000
bookings behind them and with 1,000 behind them.

Two businesses of one PostgreSQL, each with a `serve` process of its own, are the same in that week; one
has ninety-nine thousand bookings more before and after it, and books with two entries for each that is over. They are asked in turn over loopback, as the
owner in a browser and as a program, and say the same.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / part) for part in ("tests/support", "app/src")]

import httpx  # noqa: E402 - after the path above
import psycopg  # noqa: E402
from figures import Figure, emit, median  # noqa: E402
from support_accounts import OPERATOR, Accounts  # noqa: E402
from support_app import CONFIGURATION  # noqa: E402
from support_postgres import TestServer  # noqa: E402
from support_shop import Shop, configuration, open_shop  # noqa: E402

from barberpro_app.identity.auth import SESSION_COOKIE  # noqa: E402
from barberpro_app.identity.clients import create_api_client  # noqa: E402
from barberpro_app.identity.repository import Subject  # noqa: E402
from barberpro_app.kit.logging import configure_logging  # noqa: E402
from barberpro_app.migrations.run import run_migrations  # noqa: E402

PROVIDERS, FEW, MANY, ASKED, WARM = 20, 1_000, 100_000, 60, 6
#: The usual span of the report, a month, has so long where it is all there.
REPORT_MILLISECONDS = 500
SHOWN = 700  # bookings of the week itself: five a day for each of the twenty

#: So many bookings for each provider, 45 minutes apart from nine on, on so many days.
FILL = """
WITH made AS (
    INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id, starts_at,
                         ends_at, zone, price_centavos)
    SELECT new_booking_code(), CASE WHEN t < current_date THEN 'completed' ELSE 'confirmed' END,
           k.ids[1 + abs(d * 31 + n * 7 + p.sort) %% cardinality(k.ids)], p.id, s.id, l.id, t,
           t + interval '30 minutes', l.zone, s.price_centavos
    FROM provider p, generate_series(%(from)s::int, %(to)s::int) d,
         generate_series(0, %(each)s::int - 1) n, service s, location l,
         (SELECT array_agg(id ORDER BY id) AS ids FROM client) k,
         LATERAL (SELECT ((%(monday)s::date + d) + time '09:00' + n * interval '45 minutes')
                         AT TIME ZONE l.zone AS t) at
    WHERE s.key = 'cut'
    RETURNING id, provider_id, starts_at, ends_at
)
INSERT INTO occupancy (booking_id, resource_id, period)
SELECT id, provider_id, tstzrange(starts_at, ends_at + interval '10 minutes') FROM made
"""


#: Earned and paid, for each that is over.
BOOKS = """
WITH made AS (
    INSERT INTO ledger_entry (at, kind, currency, reference_kind, reference_id, actor_kind, actor_id,
                              key, content_hash)
    SELECT b.starts_at, k, 'ARS', 'booking', b.id::text, 'system', '', k || b.id, ''
    FROM booking b, unnest(ARRAY['booking.earned', 'payment.taken']) k
    WHERE b.status = 'completed' RETURNING id, kind
)
INSERT INTO ledger_line (entry_id, number, account, amount)
SELECT m.id, n.number, CASE WHEN m.kind = 'payment.taken' THEN n.paid ELSE n.earned END, n.amount
FROM made m, (VALUES (1, 'cash', 'receivable', 1000), (2, 'receivable', 'revenue', -1000))
    AS n(number, paid, earned, amount)
"""


def fill(shop: Shop, monday: datetime, bookings: int) -> None:
    """The week, and days before and after it until there are so many bookings."""
    with psycopg.connect(shop.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO client (name, email) SELECT 'Persona ' || n, n || '@example.com'"
            " FROM generate_series(1, %s) n",
            (bookings // 10,),
        )
        week = {"monday": monday.date(), "from": 0, "to": 6, "each": 5}
        connection.execute(FILL, week)
        each = 15 if bookings > FEW else 1
        days, rest = divmod(bookings - SHOWN, each * PROVIDERS)
        assert rest == 0
        for first, last in ((-(days // 2), -1), (7, 6 + days - days // 2)):
            connection.execute(FILL, {**week, "from": first, "to": last, "each": each})
        connection.execute("SET session_replication_role = replica")  # so many at once, unchecked
        connection.execute(BOOKS)
        connection.execute("VACUUM ANALYZE")
        row = connection.execute("SELECT count(*) FROM booking").fetchone()
    assert row == (bookings,), row


@contextmanager
def business(server: TestServer, bookings: int) -> Iterator[dict[str, tuple[httpx.Client, str]]]:
    """A served business; what is asked for, with a client that may ask."""
    name = f"agenda_{bookings}"
    server.execute(f"CREATE DATABASE {name}")
    run_migrations(server.url(name))
    shop = asyncio.run(open_shop(server.url(name), configuration(), PROVIDERS))
    today = datetime.now(shop.app.zone).date()
    monday = shop.at("00:00") + (today - timedelta(days=today.weekday()) - shop.day)
    fill(shop, monday, bookings)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        services = [*CONFIGURATION["services"], "payment"]
        accounts = Accounts.make(folder, shop.url, services=services)
        session = accounts.session(Subject(staff_id=accounts.staff("owner").id))
        program = accounts.run(
            lambda c: create_api_client(c, OPERATOR, "program", ("bookings:read",))
        )
        served = stack.enter_context(accounts.home.serving())
        browser = stack.enter_context(
            httpx.Client(base_url=served.url, headers={"cookie": f"{SESSION_COOKIE}={session}"})
        )
        token = browser.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(program.name, program.secret),
        ).json()["access_token"]
        api = stack.enter_context(
            httpx.Client(base_url=served.url, headers={"authorization": f"Bearer {token}"})
        )
        until = monday + timedelta(days=7)
        query = httpx.QueryParams(
            starts_from=monday.isoformat(), starts_before=until.isoformat(), limit=200
        )
        yield {
            "agenda page of a week": (browser, f"/agenda?vista=semana&dia={monday.date()}"),
            "agenda page of a day": (browser, f"/agenda?vista=dia&dia={monday.date()}"),
            "report page of a week": (
                browser,
                f"/informe?desde={monday.date()}&hasta={(until - timedelta(days=1)).date()}",
            ),
            "first page of the team": (browser, "/agenda/hoy"),
            "bookings of a week by the API": (api, f"/api/v1/bookings?{query}"),
        }


def ask(client: httpx.Client, path: str) -> tuple[float, str]:
    """Milliseconds, and what came with all that differs from business to business taken out."""
    started = time.perf_counter()
    answer = client.get(path)
    elapsed = (time.perf_counter() - started) * 1000
    assert answer.status_code == 200, answer.text
    return elapsed, re.sub(
        r"[0-9a-f]{8}-[0-9a-f-]{27}|[A-Za-z0-9_-]{40,}|[2-9A-Z]{8}|\d+", "", answer.text
    )


def main() -> None:
    configure_logging("warning")
    server = TestServer.start()
    try:
        with ExitStack() as stack:
            small = stack.enter_context(business(server, FEW))
            large = stack.enter_context(business(server, MANY))
            for what in small:
                measure(what, small[what], large[what])
            report_of_a_month(large["report page of a week"][0])
    finally:
        server.stop()


def measure(what: str, few: tuple[httpx.Client, str], many: tuple[httpx.Client, str]) -> None:
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(ASKED + WARM):
        answers = [ask(*asked) for asked in (few, many)]
        sizes = [len(text) for _, text in answers]
        assert abs(sizes[0] - sizes[1]) <= sizes[0] // 50, sizes
        if number >= WARM:
            for kept, (elapsed, _) in zip(times, answers, strict=True):
                kept.append(elapsed)
    small, large = median(times[0]), median(times[1])
    note = f"medians of {ASKED}: {large:.1f} ms ÷ {small:.1f} ms, 20 providers, {SHOWN} bookings in the week"
    name = f"{what}, 100,000 bookings behind it ÷ 1,000"
    emit(Figure(name, large / small, "", 1.2, note=note))


def report_of_a_month(browser: httpx.Client) -> None:
    """The last thirty days, which are full: 9,300 bookings and their books."""
    last = datetime.now(UTC).date() - timedelta(days=1)
    path = f"/informe?desde={last - timedelta(days=29)}&hasta={last}"
    times = [ask(browser, path)[0] for _ in range(ASKED // 3 + WARM)][WARM:]
    note = f"median of {len(times)}: {median(times):.0f} ms, 300 bookings a day"
    emit(Figure("report page of a month, 100,000 bookings ÷ 0.5 s", median(times) / REPORT_MILLISECONDS,
                "", 1.0, note=note))  # fmt: skip


if __name__ == "__main__":
    main()
