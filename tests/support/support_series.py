"""Steps of tests about series: bookings that are repeated, days that are shut, packages that pay."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from support_shop import Shop, client, staff

from barberpro_app.audit.trail import Actor
from barberpro_app.booking import service as bookings
from barberpro_app.booking.schemas import Booking, BookRequest, Contact
from barberpro_app.kit.database import Connection
from barberpro_app.series import jobs, service
from barberpro_app.series.schemas import Series, SeriesDraft

T = TypeVar("T")
DESK = staff()
_emails = itertools.count()


def do(shop: Shop, step: Callable[[Connection], Awaitable[T]]) -> T:
    async def run() -> T:
        async with shop.database(2) as database, database.connection() as connection:
            return await step(connection)

    return asyncio.run(run())


def open_all_year(shop: Shop) -> None:
    """Holidays of the calendar do not close this business, so that tests say which days do."""
    shop.rows(
        "INSERT INTO holiday_override (day, open) SELECT current_date + n, true"
        " FROM generate_series(0, 400) n ON CONFLICT DO NOTHING"
    )


def shut(shop: Shop, day: date) -> None:
    shop.rows("UPDATE holiday_override SET open = false, name = 'Cierre' WHERE day = %s", day)


def first(shop: Shop, day: date, clock: str = "10:00", provider: int = 0) -> Booking:
    contact = Contact(name="Ana", email=f"ana{next(_emails)}@s.example")
    asked = BookRequest(
        service_id=shop.services["cut"], location_id=shop.location, client=contact,
        provider_id=shop.providers[provider], starts_at=shop.at(clock, day),
    )  # fmt: skip
    return do(shop, lambda c: bookings.book(c, shop.app, DESK, asked))


def repeat(shop: Shop, booking: Booking, who: Actor = DESK, **values: object) -> Series:
    draft = SeriesDraft.model_validate(values)
    return do(shop, lambda c: service.create(c, shop.app, who, booking.id, draft))


def as_client(booking: Booking) -> Actor:
    assert booking.client is not None
    return client(booking.client.id)


def starts(shop: Shop, made: Series) -> list[datetime]:
    return [
        part.starts_at.astimezone(shop.app.zone).replace(tzinfo=None)
        for part in made.parts
        if part.starts_at is not None and part.status in ("held", "confirmed")
    ]


def kinds(shop: Shop) -> list[object]:
    return [row[0] for row in shop.rows("SELECT kind FROM message ORDER BY id")]


async def run_job(shop: Shop) -> int:
    async with shop.database(2) as database:
        return await jobs.run(database, shop.app)


def package(shop: Shop, client_id: UUID, number: int) -> None:
    """A client buys so many credits at the desk."""
    shop.rows(
        "WITH p AS (INSERT INTO plan (name, kind, credits, days, price_centavos)"
        " VALUES ('Diez', 'package', %s, 365, 1000) RETURNING id) SELECT 1 FROM p",
        number,
    )
    shop.rows(
        'SELECT pass_sell(\'{"kind": "staff", "id": "", "staff": true}\','
        " '{\"hold_minutes\": 10}', jsonb_build_object('plan_id', (SELECT id FROM plan),"
        " 'client_id', %s::text, 'method', 'cash'), 'ARS', 30, NULL)",
        client_id,
    )
