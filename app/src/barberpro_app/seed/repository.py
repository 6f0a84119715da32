"""SQL of the seed."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection
from barberpro_app.seed.schemas import SeedHours, SeedLocation, SeedProvider, SeedService


async def lock(connection: Connection) -> None:
    """One seed at a time; until the end of the transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock(7303)")


async def first_time(connection: Connection, kind: str, key: str) -> bool:
    """Whether this key was never loaded; from now on it was."""
    cursor = await connection.execute(
        "INSERT INTO seeded (kind, key) VALUES (%s, %s) ON CONFLICT DO NOTHING", (kind, key)
    )
    return cursor.rowcount == 1


async def add_location(
    connection: Connection, location: SeedLocation, zone: str, sort: int
) -> None:
    await connection.execute(
        "INSERT INTO location (key, name, address, phone, zone, sort)"
        " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (key) DO NOTHING",
        (location.key, location.name, location.address, location.phone, zone, sort),
    )


async def add_provider(connection: Connection, provider: SeedProvider, sort: int) -> None:
    await connection.execute(
        "INSERT INTO provider (key, name, email, bio, sort) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (key) DO NOTHING",
        (provider.key, provider.name, provider.email, provider.bio, sort),
    )
    await connection.execute(
        "INSERT INTO provider_location (provider_id, location_id)"
        " SELECT p.id, l.id FROM provider p, location l WHERE p.key = %s AND l.key = ANY (%s)"
        " ON CONFLICT DO NOTHING",
        (provider.key, list(provider.locations)),
    )


async def add_hours(
    connection: Connection, provider: str, location: str, weekday: int, hours: SeedHours
) -> None:
    await connection.execute(
        "WITH added AS ("
        " INSERT INTO working_hours (provider_id, location_id, weekday, opens, closes)"
        " SELECT p.id, l.id, %(weekday)s, %(opens)s, %(closes)s FROM provider p, location l"
        " WHERE p.key = %(provider)s AND l.key = %(location)s RETURNING id)"
        " INSERT INTO break_time (working_hours_id, starts, ends)"
        " SELECT added.id, (pause->>0)::integer, (pause->>1)::integer"
        " FROM added, jsonb_array_elements(%(breaks)s) pause",
        {
            "provider": provider,
            "location": location,
            "weekday": weekday,
            "opens": hours.opens,
            "closes": hours.closes,
            "breaks": Jsonb([list(pause) for pause in hours.breaks]),
        },
    )


async def add_service(connection: Connection, service: SeedService, sort: int) -> None:
    await connection.execute(
        "INSERT INTO service (key, name, description, minutes, buffer_before, buffer_after,"
        " price_centavos, capacity, sort) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (key) DO NOTHING",
        (
            service.key,
            Jsonb(service.name),
            Jsonb(service.description),
            service.minutes,
            service.buffer_before,
            service.buffer_after,
            service.price_centavos,
            service.capacity,
            sort,
        ),
    )


async def add_offer(connection: Connection, service: str, provider: str) -> None:
    await connection.execute(
        "INSERT INTO provider_service (provider_id, service_id)"
        " SELECT p.id, s.id FROM provider p, service s WHERE p.key = %s AND s.key = %s"
        " ON CONFLICT DO NOTHING",
        (provider, service),
    )
