"""A small business in a real database, for tests of the app's domains.

Open every day from 9 to 18 with a break from 13 to 14; three providers; `cut` takes 30 minutes and
10 after it. Times are on a day two weeks ahead that is no holiday.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor
from barberpro_app.identity.principal import (
    ROLE_SCOPES,
    SYSTEM,
    Principal,
    client_principal,
    staff_principal,
)
from barberpro_app.kit.database import Connection, Database, PoolSettings
from barberpro_app.location.holidays import holiday_name
from barberpro_app.seed.schemas import Seed
from barberpro_app.seed.service import load_seed
from barberpro_app.settings import AppConfiguration

ZONE = "America/Argentina/Buenos_Aires"
WHOLE_WEEK = [1, 2, 3, 4, 5, 6, 7]


def configuration(**changes: object) -> AppConfiguration:
    """A plain `app.json`."""
    values = {
        "schema_version": 1,
        "deployment_id": "shop",
        "brand": {"name": "Shop"},
        "vertical": "barbershop",
        "timezone": ZONE,
        "public_url": "https://shop.localhost:8443",
        "policies": {},
        **changes,
    }
    return AppConfiguration.model_validate_json(json.dumps(values))


def seed(providers: int = 3) -> Seed:
    """First data with so many providers."""
    people = [
        {
            "key": f"p{number}",
            "name": f"Provider {number}",
            "locations": ["centre"],
            "hours": [
                {
                    "weekdays": WHOLE_WEEK,
                    "from": "09:00",
                    "to": "18:00",
                    "breaks": [["13:00", "14:00"]],
                }
            ],
        }
        for number in range(providers)
    ]
    services = [
        {
            "key": "cut",
            "name": {"es-AR": "Corte", "en": "Cut"},
            "minutes": 30,
            "buffer_after": 10,
            "price_centavos": 1_500_000,
            "providers": [person["key"] for person in people],
        },
        {
            "key": "solo",
            "name": {"es-AR": "Solo", "en": "Solo"},
            "minutes": 30,
            "price_centavos": 900_000,
            "providers": ["p0"],
        },
    ]
    return Seed.model_validate_json(
        json.dumps(
            {
                "schema_version": 1,
                "owner": {"name": "Owner", "email": "owner@shop.example"},
                "locations": [{"key": "centre", "name": "Centre"}],
                "providers": people,
                "services": services,
            }
        )
    )


def open_day(ahead: int = 14) -> date:
    """A day so far ahead, or the next after it, that is no holiday in Argentina."""
    day = datetime.now(configuration().zone).date() + timedelta(days=ahead)
    while holiday_name("AR", day, "es-AR"):
        day += timedelta(days=1)
    return day


@dataclass
class Shop:
    """The business: where it is stored, its keys, and who may act in it."""

    url: str
    app: AppConfiguration
    location: UUID
    providers: list[UUID]
    services: dict[str, UUID]
    day: date = field(default_factory=open_day)

    def at(self, clock: str, day: date | None = None) -> datetime:
        """A local time of the day, e.g. `at("10:30")`."""
        return datetime.combine(day or self.day, time.fromisoformat(clock), self.app.zone)

    @asynccontextmanager
    async def database(self, connections: int = 4) -> AsyncIterator[Database]:
        database = Database(self.url, PoolSettings(minimum=1, maximum=connections, wait_seconds=60))
        await database.open()
        try:
            yield database
        finally:
            await database.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with self.database(1) as database, database.connection() as connection:
            yield connection

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """What the superuser sees; also for arranging what the app would not do."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []


SYSTEM_ACTOR = Actor(SYSTEM, "test-request")
ANONYMOUS_ACTOR = Actor(Principal("anonymous"))


def staff(role: str = "reception", provider_id: UUID | None = None) -> Actor:
    return Actor(staff_principal(UUID(int=7), "Staff", role, provider_id), "staff-request")


def api(*scopes: str) -> Actor:
    wanted = frozenset(scopes) or ROLE_SCOPES["owner"]
    return Actor(Principal("api", "api-1", "Program", scopes=wanted), "api-request")


def client(client_id: UUID) -> Actor:
    return Actor(client_principal(client_id))


async def open_shop(url: str, app: AppConfiguration | None = None, providers: int = 3) -> Shop:
    """Seeds a migrated database."""
    settings = app or configuration()
    database = Database(url)
    await database.open()
    try:
        async with database.transaction() as connection:
            await load_seed(connection, settings, seed(providers))
            keys = await (
                await connection.execute(
                    "SELECT 'location' AS kind, key, id, sort FROM location"
                    " UNION ALL SELECT 'provider', key, id, sort FROM provider"
                    " UNION ALL SELECT 'service', key, id, sort FROM service ORDER BY sort"
                )
            ).fetchall()
    finally:
        await database.close()
    return Shop(
        url=url,
        app=settings,
        location=next(row["id"] for row in keys if row["kind"] == "location"),
        providers=[row["id"] for row in keys if row["kind"] == "provider"],
        services={row["key"]: row["id"] for row in keys if row["kind"] == "service"},
    )
