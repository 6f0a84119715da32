"""SQL of the seed."""

from __future__ import annotations

from uuid import UUID

from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection
from barberpro_app.seed.schemas import (
    SeedClass,
    SeedHours,
    SeedLocation,
    SeedProvider,
    SeedService,
)


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


async def add_class(
    connection: Connection, line: SeedClass, weekday: int, zone: str
) -> UUID | None:
    """Into the timetable from today on, at the provider's first location; None if that is gone."""
    cursor = await connection.execute(
        "INSERT INTO class_rule (service_id, provider_id, location_id, weekday, starts, capacity,"
        " place, valid_from)"
        " SELECT s.id, p.id, l.id, %(weekday)s, %(starts)s, %(capacity)s, %(place)s,"
        " (now() AT TIME ZONE %(zone)s)::date"
        " FROM service s JOIN provider_service ps ON ps.service_id = s.id"
        " JOIN provider p ON p.id = ps.provider_id"
        " JOIN provider_location pl ON pl.provider_id = p.id JOIN location l ON l.id = pl.location_id"
        " WHERE s.key = %(service)s AND p.key = %(provider)s AND s.capacity > 1 AND s.active"
        " AND p.active AND l.active ORDER BY l.sort, l.id LIMIT 1 RETURNING id",
        {
            "weekday": weekday,
            "starts": line.at,
            "capacity": line.capacity,
            "place": line.place,
            "zone": zone,
            "service": line.service,
            "provider": line.provider,
        },
    )
    row = await cursor.fetchone()
    return row["id"] if row else None
