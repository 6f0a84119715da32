"""The report of a span, computed when it is asked for: it is never older than the books."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection
from barberpro_app.location.service import list_holidays
from barberpro_app.report import repository
from barberpro_app.report.schemas import (
    Attendance,
    AttendancePart,
    Clients,
    ClientsPart,
    HourTime,
    Means,
    Occupancy,
    ProviderTime,
    Report,
    Revenue,
    RevenuePart,
    ServiceRevenue,
    Span,
)
from barberpro_app.settings import AppConfiguration


async def make_report(connection: Connection, app: AppConfiguration, span: Span) -> Report:
    """All figures of a span. Money is of the brand's currency, its days those of the brand's zone;
    of bookings, the days of the place."""
    values = {
        "first": span.first,
        "last": span.last,
        "grain": span.grain,
        "zone": app.timezone,
        "currency": app.currency,
        "closed": await _closed(connection, app, span),
    }
    kept = "payment" in app.services
    return Report(
        first=span.first,
        last=span.last,
        grain=span.grain,
        occupancy=await _occupancy(connection, values),
        attendance=await _attendance(connection, span, values),
        clients=await _clients(connection, span, values),
        revenue=await _revenue(connection, span, values) if kept else None,
    )


async def _closed(connection: Connection, app: AppConfiguration, span: Span) -> list[date]:
    """The holidays on which the business is shut."""
    return [
        holiday.day
        for year in range(span.first.year, span.last.year + 1)
        for holiday in await list_holidays(connection, app, year)
        if not holiday.open and span.first <= holiday.day <= span.last
    ]


async def _occupancy(connection: Connection, values: dict[str, Any]) -> Occupancy:
    rows = await repository.times(connection, values)
    people = await repository.providers(connection)
    by_provider: dict[tuple[UUID, str], int] = defaultdict(int)
    by_hour: dict[tuple[int, int, str], int] = defaultdict(int)
    for row in rows:
        by_provider[row["provider_id"], row["kind"]] += row["seconds"]
        by_hour[row["weekday"], row["hour"], row["kind"]] += row["seconds"]
    providers = [
        ProviderTime(
            provider_id=person["id"],
            name=person["name"],
            opened_minutes=by_provider[person["id"], "opened"] // 60,
            booked_minutes=by_provider[person["id"], "booked"] // 60,
        )
        for person in people
    ]
    hours = [
        HourTime(
            weekday=weekday,
            hour=hour,
            opened_minutes=by_hour[weekday, hour, "opened"] // 60,
            booked_minutes=by_hour[weekday, hour, "booked"] // 60,
        )
        for weekday, hour in sorted({(weekday, hour) for weekday, hour, _ in by_hour})
    ]
    return Occupancy(
        opened_minutes=_sum(by_provider, "opened") // 60,
        booked_minutes=_sum(by_provider, "booked") // 60,
        providers=[item for item in providers if item.opened_minutes or item.booked_minutes],
        hours=hours,
    )


def _sum(seconds: Mapping[tuple[UUID, str], int], kind: str) -> int:
    return sum(value for (_, of), value in seconds.items() if of == kind)


def _by_part(span: Span, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each part of the span, also where nothing happened."""
    found = {row["first_day"]: row for row in rows}
    return [found.get(day, {"first_day": day}) for day in span.parts()]


async def _attendance(connection: Connection, span: Span, values: dict[str, Any]) -> Attendance:
    rows = await repository.attendance(connection, values)
    return Attendance(
        came=sum(row["came"] for row in rows),
        missed=sum(row["missed"] for row in rows),
        items=[
            AttendancePart.model_validate({"came": 0, "missed": 0, **row})
            for row in _by_part(span, rows)
        ],
    )


async def _clients(connection: Connection, span: Span, values: dict[str, Any]) -> Clients:
    rows = await repository.clients(connection, values)
    whole = next(row for row in rows if row["first_day"] is None)
    return Clients(
        new=whole["newcomers"],
        returning=whole["regulars"],
        items=[
            ClientsPart(
                first_day=row["first_day"],
                new=row.get("newcomers", 0),
                returning=row.get("regulars", 0),
            )
            for row in _by_part(span, rows)
        ],
    )


async def _revenue(connection: Connection, span: Span, values: dict[str, Any]) -> Revenue:
    rows = await repository.money(connection, values)
    of: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        of[row["figure"]].append(row)
    earned = [{"first_day": row["first_day"], "centavos": row["centavos"]} for row in of["earned"]]
    sold = ("kind", "service_id", "name", "centavos")
    return Revenue(
        currency=values["currency"],
        centavos=sum(row["centavos"] for row in earned),
        items=[
            RevenuePart.model_validate({"centavos": 0, **row}) for row in _by_part(span, earned)
        ],
        services=[
            ServiceRevenue.model_validate({key: row[key] for key in sold}) for row in of["service"]
        ],
        means=[
            Means(
                account=row["account"],
                received_centavos=row["centavos"],
                returned_centavos=row["returned_centavos"],
                fees_centavos=row["fees_centavos"],
            )
            for row in of["means"]
        ],
    )


def this_week(today: date) -> Span:
    """The ISO week of a day."""
    monday = today - timedelta(days=today.weekday())
    return Span(first=monday, last=monday + timedelta(days=6))


def this_month(today: date) -> Span:
    first = today.replace(day=1)
    return Span(first=first, last=(first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def last_three_months(today: date) -> Span:
    """Three months up to a day: from the day after the same one three months before."""
    year, month = divmod(today.year * 12 + today.month - 1 - 3, 12)
    length = calendar.monthrange(year, month + 1)[1]
    same = date(year, month + 1, min(today.day, length))
    return Span(first=same + timedelta(days=1), last=today)
