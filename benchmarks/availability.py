"""A week of free times, 20 providers, 100,000 bookings: the API against one hand-written statement.

Both answer from the same PostgreSQL, in turn, and are compared: the statement below computes the same
days, times and providers in SQL alone. The API is a real `serve` process, asked over loopback.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

import httpx
import psycopg
from figures import Figure, emit, percentile
from support_app import AppHome
from support_postgres import TestServer
from support_shop import Shop, configuration, open_shop

from barberpro_app.location.holidays import holiday_name
from barberpro_app.migrations.run import run_migrations

PROVIDERS, BOOKINGS, DAYS, ASKED = 20, 100_000, 7, 200

#: 5,000 bookings for each provider, 100 minutes apart, around the week that is asked for.
FILL = """
WITH made AS (
    INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id, starts_at,
                         ends_at, zone, price_centavos)
    SELECT translate(upper(lpad(to_hex(p.sort * 5000 + n), 8, '0')), '01', 'YZ'), 'confirmed', c.id, p.id, s.id,
           l.id, t, t + interval '30 minutes', l.zone, s.price_centavos
    FROM provider p, generate_series(1, 5000) n, client c, service s, location l,
         LATERAL (SELECT %(first)s::timestamptz + (n - 2500) * interval '100 minutes' AS t) at
    WHERE s.key = 'cut'
    RETURNING id, provider_id, starts_at, ends_at
)
INSERT INTO occupancy (booking_id, resource_id, period)
SELECT id, provider_id, tstzrange(starts_at, ends_at + interval '10 minutes') FROM made
"""

#: The same answer by one statement, as quick as we could write it: each provider's bookings are read
#: once, as a multirange; probing the index for each of the 4,000 times takes six times as long.
STATEMENT = """
WITH offer AS MATERIALIZED (
    SELECT p.id AS provider_id, p.sort, p.name, l.zone, l.id AS location_id,
           make_interval(mins => coalesce(ps.minutes, s.minutes)) AS length,
           make_interval(mins => s.buffer_before) AS before,
           make_interval(mins => s.buffer_after) AS after,
           (SELECT range_agg(c.period) FROM occupancy c
            WHERE c.resource_id = p.id AND c.active AND (c.expires_at IS NULL OR c.expires_at > now())
              AND c.period && tstzrange((%(first)s::date - 1)::timestamptz,
                                        (%(first)s::date + %(days)s + 1)::timestamptz)) AS busy,
           (SELECT range_agg(f.period) FROM time_off f
            WHERE f.provider_id = p.id OR f.location_id = l.id) AS away
    FROM location l
    JOIN service s ON s.id = %(service)s AND s.active
    JOIN provider_service ps ON ps.service_id = s.id
    JOIN provider p ON p.id = ps.provider_id AND p.active
    JOIN provider_location pl ON pl.provider_id = p.id AND pl.location_id = l.id
    WHERE l.id = %(location)s AND l.active
), open AS MATERIALIZED (
    SELECT o.*, d::date AS day,
           (d::date + make_interval(mins => h.opens)) AT TIME ZONE o.zone AS opens,
           (d::date + make_interval(mins => h.closes)) AT TIME ZONE o.zone AS closes,
           (SELECT range_agg(tstzrange(
                (d::date + make_interval(mins => b.starts)) AT TIME ZONE o.zone,
                (d::date + make_interval(mins => b.ends)) AT TIME ZONE o.zone))
            FROM break_time b WHERE b.working_hours_id = h.id) AS breaks
    FROM offer o
    CROSS JOIN generate_series(%(first)s::date, %(first)s::date + %(days)s - 1, interval '1 day') d
    JOIN working_hours h ON h.provider_id = o.provider_id AND h.location_id = o.location_id
        AND h.weekday = extract(isodow FROM d) AND h.valid_from <= d
        AND (h.valid_to IS NULL OR h.valid_to >= d)
    WHERE NOT d::date = ANY (%(holidays)s)
), slot AS (
    SELECT o.*, t FROM open o
    CROSS JOIN LATERAL generate_series(o.opens, o.closes - o.length, interval '15 minutes') t
    WHERE t >= now() + interval '60 minutes'
      AND NOT coalesce(o.breaks && tstzrange(t, t + o.length), false)
      AND NOT coalesce(o.away && tstzrange(t, t + o.length), false)
      AND NOT coalesce(o.busy && tstzrange(t - o.before, t + o.length + o.after), false)
), times AS (
    SELECT day, t, max(t + length) AS ends, array_agg(provider_id ORDER BY sort, name) AS who
    FROM slot GROUP BY day, t
)
SELECT json_agg(json_build_object('day', day, 'slots', list) ORDER BY day)::text FROM (
    SELECT day, json_agg(json_build_object('starts_at', t, 'ends_at', ends, 'provider_ids', who)
                         ORDER BY t) AS list
    FROM times GROUP BY day) days
"""


def canonical(days: list[dict[str, object]]) -> list[tuple[object, ...]]:
    """Days with their times, whatever the spelling of instants; days without any left out."""
    return [
        (day["day"], datetime.fromisoformat(slot["starts_at"]), datetime.fromisoformat(slot["ends_at"]),
         tuple(slot["provider_ids"]))
        for day in days for slot in day["slots"]  # type: ignore[attr-defined]
    ]  # fmt: skip


def prepare(server: TestServer) -> Shop:
    server.execute("CREATE DATABASE free")
    url = server.url("free")
    run_migrations(url)
    shop = asyncio.run(open_shop(url, configuration(), PROVIDERS))
    shop.rows("INSERT INTO client (name) VALUES ('Ana')")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL, {"first": shop.at("09:00")})
        connection.execute("VACUUM ANALYZE")
        row = connection.execute("SELECT count(*) FROM occupancy").fetchone()
        assert row == (BOOKINGS,), row
    return shop


def compare(shop: Shop, client: httpx.Client) -> tuple[list[float], list[float]]:
    """Milliseconds of the API and of the statement, asked in turn; their answers are equal."""
    week = [shop.day + timedelta(days=number) for number in range(DAYS)]
    service, location = shop.services["cut"], shop.location
    parameters = {
        "service": service,
        "location": location,
        "first": shop.day,
        "days": DAYS,
        "holidays": [day for day in week if holiday_name("AR", day, "es-AR")],
    }
    query = {"service_id": str(service), "location_id": str(location), "first": str(shop.day)}
    api: list[float] = []
    statement: list[float] = []
    with psycopg.connect(shop.url, autocommit=True, prepare_threshold=1) as connection:
        for number in range(ASKED + 10):
            started = time.perf_counter()
            answer = client.get("/api/v1/availability", params={**query, "days": DAYS})
            between = time.perf_counter()
            row = connection.execute(STATEMENT, parameters).fetchone()
            ended = time.perf_counter()
            if number == 0:
                assert row is not None
                found = canonical(answer.json()["days"])
                assert found
                assert found == canonical(json.loads(row[0]))
            if number >= 10:
                api.append((between - started) * 1000)
                statement.append((ended - between) * 1000)
    return api, statement


def main() -> None:
    server = TestServer.start()
    try:
        shop = prepare(server)
        with tempfile.TemporaryDirectory() as folder:
            home = AppHome.make(Path(folder), shop.url)
            with home.serving() as served, httpx.Client(base_url=served.url) as client:
                api, statement = compare(shop, client)
    finally:
        server.stop()
    for percent in (50, 99):
        ours, theirs = percentile(api, percent), percentile(statement, percent)
        emit(
            Figure(
                f"availability at the API ÷ one SQL statement, p{percent}",
                ours / theirs,
                "×",
                3,
                note=f"{ours:.1f} ms against {theirs:.1f} ms, {ASKED} requests",
            )
        )


if __name__ == "__main__":
    main()
