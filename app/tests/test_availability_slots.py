"""Free times follow from first principles, in every zone and through changes of offset."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from barberpro_app.availability.slots import (
    Calendar,
    Hours,
    Interval,
    Offer,
    local_instant,
    starts_of_day,
)

#: Zones with changes of offset at midnight (São Paulo until 2019), by half an hour (Lord Howe), of
#: a whole day (Apia 2011), against the season (Dublin), and none any more (Buenos Aires).
ZONES = [
    "America/Argentina/Buenos_Aires",
    "America/Sao_Paulo",
    "Europe/Madrid",
    "Europe/Dublin",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Santiago",
    "UTC",
]
#: Days on which some of them changed.
CHANGES = [
    date(2018, 11, 4),
    date(2018, 2, 18),
    date(2026, 3, 29),
    date(2026, 10, 25),
    date(2026, 4, 5),
    date(2026, 9, 6),
    date(2007, 12, 30),
    date(2009, 3, 15),
]
days = st.one_of(st.sampled_from(CHANGES), st.dates(date(2005, 1, 1), date(2035, 12, 31)))
zones = st.sampled_from(ZONES).map(ZoneInfo)
minutes = st.integers(0, 1440)


@st.composite
def calendars(draw: st.DrawFn, day: date, zone: ZoneInfo) -> Calendar:
    opens, closes = sorted(draw(st.lists(minutes, min_size=2, max_size=2, unique=True)))
    breaks = []
    for starts, ends in draw(st.lists(st.tuples(minutes, minutes), max_size=2)):
        if starts != ends:
            breaks.append((min(starts, ends), max(starts, ends)))
    middle = local_instant(day, 720, zone)
    hours = Hours(day.isoweekday(), opens, closes, day, None, tuple(breaks))
    return Calendar([hours], draw(_intervals(middle)), draw(_intervals(middle)))


def _intervals(middle: int) -> st.SearchStrategy[list[Interval]]:
    """Sorted, disjoint intervals within a day of an instant, as the database merges them."""

    def merged(points: list[int]) -> list[Interval]:
        distinct = sorted(set(points))
        return list(zip(distinct[::2], distinct[1::2], strict=False))

    return st.lists(st.integers(middle - 86400, middle + 86400), max_size=8).map(merged)


def meet(a: Interval, b: Interval) -> bool:
    return a[0] < b[1] and b[0] < a[1]


@settings(max_examples=300, deadline=None)
@given(st.data(), days, zones, st.sampled_from([5, 15, 20, 60]))
def test_exactly_the_free_grid_points_are_offered(
    data: st.DataObject, day: date, zone: ZoneInfo, step_minutes: int
) -> None:
    """Against the definition, tried at every grid point."""
    calendar = data.draw(calendars(day, zone))
    length, before, after = (
        data.draw(st.integers(5, 300)) * 60,
        data.draw(st.integers(0, 60)) * 60,
        data.draw(st.integers(0, 60)) * 60,
    )
    step = step_minutes * 60
    hours = calendar.hours[0]
    opens = local_instant(day, hours.opens, zone)
    closes = local_instant(day, hours.closes, zone)
    breaks = [(local_instant(day, a, zone), local_instant(day, b, zone)) for a, b in hours.breaks]

    def free(start: int) -> bool:
        given_service = (start, start + length)
        taken = (start - before, start + length + after)
        return not (
            any(meet(given_service, closed) for closed in [*breaks, *calendar.away] if closed[0] < closed[1])
            or any(meet(taken, booked) for booked in calendar.busy)
        )  # fmt: skip

    expected = [s for s in range(opens, closes - length + 1, step) if free(s)]
    offered = list(starts_of_day(day, zone, Offer(length, before, after), calendar, step))
    assert offered == expected


@given(days, zones)
def test_no_hours_on_other_weekdays_or_outside_their_validity(day: date, zone: ZoneInfo) -> None:
    offer, free = Offer(1800, 0, 0), ([], [])
    other = Hours(day.isoweekday() % 7 + 1, 0, 1440, day, None)
    past = Hours(day.isoweekday(), 0, 1440, date(2000, 1, 1), day - timedelta(days=1))
    future = Hours(day.isoweekday(), 0, 1440, day + timedelta(days=1), None)
    for hours in (other, past, future):
        assert list(starts_of_day(day, zone, offer, Calendar([hours], *free), 900)) == []


def test_a_day_that_springs_forward_has_an_hour_less() -> None:
    madrid = ZoneInfo("Europe/Madrid")
    calendar = Calendar([Hours(7, 0, 1440, date(2000, 1, 1), None)], [], [])
    counts = [
        len(list(starts_of_day(day, madrid, Offer(3600, 0, 0), calendar, 3600)))
        for day in (date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 25))
    ]
    assert counts == [23, 24, 25]


def test_a_midnight_that_was_skipped_opens_an_hour_later() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    opens = local_instant(date(2018, 11, 4), 0, sao_paulo)
    assert datetime.fromtimestamp(opens, UTC) == datetime(2018, 11, 4, 3, tzinfo=UTC)
    assert datetime.fromtimestamp(opens, sao_paulo).hour == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(wishes=st.lists(st.tuples(days, minutes, st.sampled_from(ZONES)), min_size=50, max_size=50))
def test_the_app_and_the_database_read_wall_times_alike(
    migrated_url: str, wishes: list[tuple[date, int, str]]
) -> None:
    """Or a free time that the app shows would be refused when it is taken."""
    with psycopg.connect(migrated_url) as connection:
        rows = connection.execute(
            "SELECT extract(epoch FROM local_instant(d, m, z))::bigint"
            " FROM unnest(%s::date[], %s::int[], %s::text[]) WITH ORDINALITY AS w (d, m, z, n)"
            " ORDER BY n",
            tuple(list(column) for column in zip(*wishes, strict=True)),
        ).fetchall()
    assert [row[0] for row in rows] == [
        local_instant(day, minute, ZoneInfo(zone)) for day, minute, zone in wishes
    ]
