"""Reports: figures that a count by hand gives, also when clocks change; money that agrees with the books."""

from __future__ import annotations

import asyncio
import csv
import io
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support_accounts import Accounts
from support_app import CONFIGURATION
from support_openapi import formats, try_operations
from support_postgres import TestServer
from support_shop import Shop, configuration
from support_web import Browser, deployment, use

from barberpro_app.identity.principal import SCOPES
from barberpro_app.identity.repository import Subject
from barberpro_app.kit import spreadsheet
from barberpro_app.report import service
from barberpro_app.report.schemas import LONGEST, Report, Span
from barberpro_app.settings import AppConfiguration, Settings
from barberpro_app.web.report import charts

DAYS = st.dates(date(2001, 1, 1), date(2198, 12, 31))
STATUSES = ("confirmed", "arrived", "completed", "no_show", "cancelled")


def report(shop: Shop, first: date, last: date, app: AppConfiguration | None = None) -> Report:
    async def ask() -> Report:
        async with shop.connection() as connection:
            return await service.make_report(
                connection, app or shop.app, Span(first=first, last=last)
            )

    return asyncio.run(ask())


def book(shop: Shop, starts: datetime, minutes: int, status: str, **more: Any) -> None:
    """A booking as it may lie in the database; the rules of booking are not what is tested."""
    zone = shop.rows("SELECT zone FROM location")[0][0]
    shop.rows(
        "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        " starts_at, ends_at, zone, price_centavos) VALUES (new_booking_code(), %s, %s, %s, %s, %s,"
        " %s, %s, %s, 0)",
        status, more.get("client") or people(shop, 1)[0], more.get("provider", shop.providers[0]),
        shop.services["cut"], shop.location, starts, starts + timedelta(minutes=minutes), zone,
    )  # fmt: skip


def people(shop: Shop, count: int) -> list[Any]:
    return [shop.rows("INSERT INTO client (name) VALUES ('X') RETURNING id")[0][0]
            for _ in range(count)]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "first", "opened"),
    [
        ("Europe/Madrid", date(2026, 3, 28), 5),  # the night has an hour less
        ("Europe/Madrid", date(2026, 10, 24), 7),  # and one more
        ("America/Santiago", date(2026, 9, 5), 5),  # at midnight
        ("Australia/Lord_Howe", date(2026, 10, 3), 5),  # by half an hour, at two
        ("America/Argentina/Buenos_Aires", date(2026, 7, 4), 6),
    ],
)
def test_times_are_those_that_passed(shop: Shop, zone: str, first: date, opened: int) -> None:
    """Open from midnight to six on each day; booked at all hours of the three days."""
    shop.rows("UPDATE location SET zone = %s", zone)
    shop.rows("DELETE FROM break_time")
    shop.rows("UPDATE working_hours SET opens = 0, closes = 360")
    last, drawn, expected = first + timedelta(days=2), random.Random(zone), Counter[int]()
    local = ZoneInfo(zone)
    for _ in range(60):
        day = first + timedelta(days=drawn.randrange(3))
        starts = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(
            minutes=5 * drawn.randrange(288)
        )
        minutes, status = 5 * drawn.randint(1, 30), drawn.choice(STATUSES)
        book(shop, starts, minutes, status)
        if status == "cancelled" or not first <= starts.astimezone(local).date() <= last:
            continue
        for minute in range(minutes):
            at = starts + timedelta(minutes=minute)
            expected[at.astimezone(local).isoweekday()] += 1
    found = report(shop, first, last).occupancy
    assert found.booked_minutes == expected.total()
    by_weekday = Counter[int]()
    for item in found.hours:
        by_weekday[item.weekday] += item.booked_minutes
    assert by_weekday.total() == expected.total()
    if zone != "America/Santiago":  # there the hour before midnight is that of the day before
        assert +by_weekday == +expected
    changed = opened * 60 if zone != "Australia/Lord_Howe" else 5 * 60 + 30
    assert found.opened_minutes == 3 * (2 * 360 + changed)
    assert sum(item.opened_minutes for item in found.hours) == found.opened_minutes
    assert sum(item.booked_minutes for item in found.providers) == found.booked_minutes


def test_what_is_closed_is_not_open(shop: Shop) -> None:
    """A week of three providers from 9 to 18 with an hour's break, less what is taken off it."""
    monday = date(2026, 8, 3)
    whole = report(shop, monday, monday + timedelta(days=6)).occupancy
    assert whole.opened_minutes == 3 * 7 * 8 * 60
    shop.rows("INSERT INTO holiday_override (day, open) VALUES (%s, false)", monday)
    shop.rows(
        "INSERT INTO time_off (provider_id, period) VALUES (%s, tstzrange(%s, %s))",
        shop.providers[1], shop.at("12:00", date(2026, 8, 4)), shop.at("12:00", date(2026, 8, 5)),
    )  # fmt: skip
    shop.rows("UPDATE provider SET active = false WHERE id = %s", shop.providers[2])
    less = report(shop, monday, monday + timedelta(days=6)).occupancy
    # on Tuesday from 12 to 13 and from 14 to 18, on Wednesday from 9 to 12
    assert less.opened_minutes == 2 * 6 * 8 * 60 - (60 + 240 + 180)
    book(shop, shop.at("10:00", date(2026, 8, 4)), 45, "completed", provider=shop.providers[2])
    gone = report(shop, monday, monday + timedelta(days=6)).occupancy.providers[-1]
    assert (gone.provider_id, gone.opened_minutes, gone.booked_minutes) == (
        shop.providers[2],
        0,
        45,
    )
    july = report(shop, date(2026, 7, 9), date(2026, 7, 9)).occupancy
    assert july.opened_minutes == 0, "Independence Day"


def test_a_session_takes_its_time_once(shop: Shop) -> None:
    starts = shop.at("10:00", date(2026, 8, 4))
    made = [
        shop.rows(
            "INSERT INTO group_session (service_id, provider_id, location_id, starts_at, ends_at,"
            " zone, capacity) VALUES (%s, %s, %s, %s, %s, %s, 9) RETURNING id",
            shop.services["cut"], shop.providers[0], shop.location, starts + timedelta(hours=n),
            starts + timedelta(hours=n, minutes=50), shop.app.timezone,
        )[0][0]
        for n in range(2)
    ]  # fmt: skip
    for client in people(shop, 3):
        book(shop, starts, 50, "completed", client=client)
    shop.rows("UPDATE booking SET session_id = %s", made[0])
    found = report(shop, starts.date(), starts.date())
    assert found.occupancy.booked_minutes == 50
    assert found.attendance.came == 3


@hypothesis_settings(max_examples=60)
@given(st.data())
def test_spans_are_covered_by_their_parts(data: st.DataObject) -> None:
    first = data.draw(DAYS)
    span = Span(first=first, last=first + timedelta(days=data.draw(st.integers(0, LONGEST - 1))))
    parts = span.parts()
    assert parts == sorted(set(parts))
    assert parts[0] <= span.first
    assert parts[-1] <= span.last
    assert len(parts) <= 28
    for usual in (service.this_week, service.this_month, service.last_three_months):
        found = usual(first)
        assert found.first <= first <= found.last
    months = service.last_three_months(first)
    assert 89 <= months.days <= 93


@pytest.mark.parametrize(("first", "last"), [
    (date(2026, 5, 2), date(2026, 5, 1)), (date(2026, 1, 1), date(2027, 12, 1)),
    (date(1, 1, 1), date(1, 1, 2)), (date(9999, 12, 31), date(9999, 12, 31)),
])  # fmt: skip
def test_a_span_that_is_none_is_refused(first: date, last: date) -> None:
    with pytest.raises(ValidationError):
        Span(first=first, last=last)


def test_who_came_and_who_is_new(shop: Shop) -> None:
    """Against a count by hand of drawn bookings, by week and in all."""
    drawn, first = random.Random(7), date(2026, 5, 4)
    last, clients = first + timedelta(days=55), people(shop, 12)
    visits: list[tuple[datetime, Any]] = []
    expected: dict[str, Counter[date]] = {"came": Counter(), "missed": Counter()}
    for _ in range(90):
        day = first + timedelta(days=drawn.randint(-20, 70))
        starts = shop.at(f"{drawn.randint(9, 17):02d}:{drawn.choice((0, 15, 30)):02d}", day)
        client, status = drawn.choice(clients), drawn.choice(STATUSES)
        book(shop, starts, 30, status, client=client)
        if status in ("arrived", "completed"):
            visits.append((starts, client))
        if first <= day <= last and status not in ("confirmed", "cancelled"):
            kind = "missed" if status == "no_show" else "came"
            expected[kind][day - timedelta(days=day.weekday())] += 1
    found = report(shop, first, last)
    assert {item.first_day: item.came for item in found.attendance.items} == {
        day: expected["came"][day] for day in Span(first=first, last=last).parts()
    }
    assert found.attendance.missed == expected["missed"].total()
    born = {client: min(at for at, who in visits if who == client) for _, client in visits}
    inside = {(at.date() - timedelta(days=at.weekday()), who) for at, who in visits
              if first <= at.date() <= last}  # fmt: skip
    new = {(day, who) for day, who in inside
           if day <= born[who].date() < day + timedelta(days=7)}  # fmt: skip
    assert {item.first_day: item.new for item in found.clients.items if item.new} == Counter(
        day for day, _ in new
    )
    assert sum(item.returning for item in found.clients.items) == len(inside) - len(new)
    assert found.clients.new == len(new)
    assert found.clients.returning == len({who for _, who in inside}) - len(new)
    assert found.revenue is None


def test_money_agrees_with_the_books(shop: Shop, tmp_path: Path) -> None:
    """After payments, visits, missed ones, refunds and a package: to the centavo."""
    services = [*CONFIGURATION["services"], "payment"]
    accounts = Accounts.make(tmp_path, shop.url, services=services)
    with accounts.browser() as caller:
        headers = {"Authorization": f"Bearer {accounts.token(caller, *SCOPES)}"}

        def call(path: str, body: dict[str, Any]) -> Any:
            answer = caller.post(f"/api/v1{path}", json=body, headers=headers)
            assert answer.status_code in (200, 201), answer.text
            return answer.json()

        for number, (method, status) in enumerate(
            [("cash", "completed"), ("transfer", "no_show"), ("cash", "completed"), ("cash", "")]
        ):
            wish = {
                "service_id": str(shop.services["cut" if number else "solo"]),
                "location_id": str(shop.location),
                "starts_at": shop.at(f"{14 + number}:00").isoformat(),
                "client": {"name": "Eva", "email": f"eva{number}@api.example"},
            }
            booking = call("/bookings", wish)
            paid = call(
                f"/bookings/{booking['id']}/payments",
                {"method": method, "amount_centavos": 7_000 + number},
            )
            if status:
                past = datetime.now(UTC) - timedelta(hours=2 + number)
                shop.rows(
                    "UPDATE booking SET starts_at = %s, ends_at = %s WHERE id = %s",
                    past, past + timedelta(minutes=30), booking["id"],
                )  # fmt: skip
                call(f"/bookings/{booking['id']}/status", {"status": status})
            if number == 2:
                call(f"/payments/{paid['id']}/refunds", {"amount_centavos": 1_234})
        plan = {"name": "Tres", "credits": 3, "days": 30, "price_centavos": 5000}
        sale = {"client_id": booking["client"]["id"], "method": "transfer"}
        call("/passes", {**sale, "plan_id": call("/plans", plan)["id"]})
        today = datetime.now(shop.app.zone).date()
        query = {"first": str(today - timedelta(days=1)), "last": str(today + timedelta(days=1))}
        answer = caller.get("/api/v1/reports/overview", params=query, headers=headers)
        balance = caller.get("/api/v1/ledger/trial-balance", headers=headers).json()["items"]
        money = answer.json()["revenue"]
        earned = -sum(item["balance"] for item in balance if item["kind"] == "revenue")
        assert money["centavos"] == earned != 0
        assert sum(item["centavos"] for item in money["items"]) == earned
        assert sum(item["centavos"] for item in money["services"]) == earned
        assert {item["service_id"] for item in money["services"]} >= {
            str(shop.services["cut"]), str(shop.services["solo"])
        }  # fmt: skip
        assert {
            item["account"]: item["received_centavos"] - item["returned_centavos"] - item["fees_centavos"]
            for item in money["means"]
        } == {
            item["code"]: item["balance"] for item in balance if item["code"] in ("cash", "bank")
        }  # fmt: skip
        later = {"first": str(today + timedelta(days=2)), "last": str(today + timedelta(days=3))}
        none = caller.get("/api/v1/reports/overview", params=later, headers=headers).json()
        assert none["revenue"]["centavos"] == 0
        with formats({"date": DAYS.map(str) | st.text(max_size=12)}):
            tried = try_operations(
                caller.app.openapi(),
                {"reports"},
                lambda case, _: caller.get(case.formatted_path, params=case.query, headers=headers),
                examples=20,
            )
        assert tried >= 1


def test_the_day_of_money_is_the_business_day(shop: Shop) -> None:
    """An entry a minute before midnight in Buenos Aires is of that day, though UTC has the next."""
    shop.rows(
        'SELECT ledger_post(\'{"kind": "system"}\', \'test\', \'ARS\', \'{"kind": "t", "id": "1"}\','
        " 'k', jsonb_build_array(ledger_part('cash', 5), ledger_part('revenue', -5)))"
    )
    with psycopg.connect(shop.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ALL")
        connection.execute("UPDATE ledger_entry SET at = '2026-06-16T02:59:00Z'")
        connection.execute("ALTER TABLE ledger_entry ENABLE TRIGGER ALL")
    app = configuration(services=["payment"])
    for day, earned in ((15, 5), (16, 0)):
        found = report(shop, date(2026, 6, day), date(2026, 6, day), app).revenue
        assert found is not None
        assert found.centavos == earned
        assert found.currency == "ARS"


@given(st.lists(st.lists(st.integers(-9, 10**9), min_size=1, max_size=2), min_size=1, max_size=40))
def test_columns_stay_in_their_drawing(values: list[list[int]]) -> None:
    drawn = charts.columns(
        [charts.Value([float(abs(n)) for n in item], "a", "") for item in values]
    )
    assert len(drawn.columns) == len(values)
    for column in drawn.columns:
        assert charts.LEFT <= column.x <= charts.RIGHT - drawn.width + 1
        for part in column.parts:
            assert charts.TOP - 1 <= part.y <= part.y + part.height <= charts.BOTTOM + 1.1
    assert 2 <= len(drawn.ticks) <= 7
    charts.columns([charts.Value([float(sum(item))], "a", "") for item in values])


@given(st.text(max_size=20))
def test_no_cell_is_a_formula(value: str) -> None:
    rows = [[spreadsheet.text(value), spreadsheet.number(-1250, 2, ",")]]
    text = spreadsheet.sheet([value, "b"], rows).decode("utf-8-sig")
    cells = [
        cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=";") for cell in row
    ]
    assert len(cells) == 4
    assert not cells[0].lstrip().startswith(("=", "+", "-", "@"))
    assert cells[3] == "-12,50"
    assert cells[0].removeprefix("'").replace("\r\n", "\n") == value.removeprefix("'").replace(
        "\r\n", "\n"
    )


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server, services=("payment",)) as found:
        yield found


async def team(application: FastAPI, settings: Settings, role: str) -> Browser:
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO staff_user (email, name, role) VALUES (%s, 'X', %s) ON CONFLICT DO NOTHING",
            (f"{role}@example.com", role),
        )
        row = connection.execute("SELECT id FROM staff_user WHERE role = %s", (role,)).fetchone()
    assert row is not None
    browser = Browser(application)
    await browser.sign_in(application, Subject(staff_id=row[0]))
    return browser


def test_owner_and_manager_read_it_and_nobody_else(settings: Settings) -> None:
    async def steps(application: FastAPI) -> None:
        for role, status in (
            ("owner", 200),
            ("manager", 200),
            ("reception", 403),
            ("provider", 403),
        ):
            who = await team(application, settings, role)
            assert (await who.get("/informe")).status == status, role
            assert (await who.get("/informe/ingresos.csv")).status == status, role
            assert ("/informe" in (await who.get("/agenda")).links) == (status == 200), role
        stranger = await Browser(application).get("/informe")
        assert "/entrar" in stranger.path

    use(settings, steps)


def test_pages_and_files(settings: Settings) -> None:
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        connection.execute("UPDATE provider SET name = '=HYPERLINK(\"x\")<b>;' || sort")

    async def steps(application: FastAPI) -> None:
        owner = await team(application, settings, "owner")
        for asked in ("", "?periodo=semana", "?periodo=mes", "?periodo=trimestre", "?periodo=nunca",
                      "?desde=2026-01-01&hasta=2026-12-31"):  # fmt: skip
            page = await owner.get(f"/informe{asked}")
            assert page.status == 200, asked
            assert not page.inline
            assert len(set(page.ids)) == len(page.ids)
            assert "<b>" not in page.html
            for link in page.links:
                if ".csv" in link:
                    file = await owner.client.get(link)
                    assert file.status_code == 200, link
                    assert file.content.startswith(b"\xef\xbb\xbf")
                    assert file.headers["content-type"] == "text/csv; charset=utf-8"
                    assert "attachment" in file.headers["content-disposition"]
        text = (await owner.client.get("/informe/ocupacion.csv?periodo=mes")).text
        rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=";"))
        assert rows[0][1:] == ["Abierto (min)", "Ocupado (min)", "Ocupación (%)"]
        assert rows[1][0].startswith("'=HYPERLINK")
        assert rows[1][3] == "0,0"
        for wrong in ("?desde=2026-02-01&hasta=2026-01-01", "?desde=ayer&hasta=hoy", "?desde=",
                      "?desde=0001-01-01&hasta=9999-12-31", "?hasta=2026-02-30"):  # fmt: skip
            page = await owner.get(f"/informe{wrong}")
            assert page.status == 422, wrong
            assert "problems" in page.ids
            assert (await owner.get(f"/informe/ocupacion.csv{wrong}")).status == 404, wrong
        assert (await owner.get("/informe/nada.csv")).status == 404

    use(settings, steps)
