"""Loads first data. Each key is loaded once in the life of a database, so that what the owner
changed, or deleted, stays as the owner left it."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.class_management import repository as timetable
from barberpro_app.class_management import service as classes
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import ConfigurationError
from barberpro_app.provider_verification import repository as verification
from barberpro_app.seed import repository
from barberpro_app.seed.schemas import Seed, SeedProvider
from barberpro_app.settings import AppConfiguration

#: A deployment with this service takes bookings with verified professionals alone.
VERIFICATION = "provider-verification-service"
CLASSES = "class-management-service"


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many of each were new."""

    locations: int
    providers: int
    services: int


async def load_seed(connection: Connection, app: AppConfiguration, seed: Seed) -> Seeded:
    """Loads what was never loaded. Needs a transaction; the owner's account is identity's.

    Raises `ConfigurationError` if the hours of a provider overlap.
    """
    await repository.lock(connection)
    counts = Seeded(
        locations=await _locations(connection, app, seed),
        providers=await _providers(connection, seed),
        services=await _services(connection, seed),
    )
    if CLASSES in app.services:
        await _classes(connection, app, seed)
    await verification.require(connection, required=VERIFICATION in app.services)
    if counts != Seeded(0, 0, 0):
        what = AuditedObject("deployment", app.deployment_id)
        changes = {
            "locations": counts.locations,
            "providers": counts.providers,
            "services": counts.services,
        }
        await record(connection, Actor(), "deployment.seeded", what, changes)
    return counts


async def _locations(connection: Connection, app: AppConfiguration, seed: Seed) -> int:
    count = 0
    for sort, location in enumerate(seed.locations):
        if await repository.first_time(connection, "location", location.key):
            await repository.add_location(connection, location, app.timezone, sort)
            count += 1
    return count


async def _providers(connection: Connection, seed: Seed) -> int:
    count = 0
    for sort, provider in enumerate(seed.providers):
        if await repository.first_time(connection, "provider", provider.key):
            await repository.add_provider(connection, provider, sort)
            await _hours(connection, provider)
            count += 1
    return count


async def _hours(connection: Connection, provider: SeedProvider) -> None:
    """Hours without a location are at the provider's first."""
    try:
        for hours in provider.hours:
            for weekday in sorted(set(hours.weekdays)):
                location = hours.location or provider.locations[0]
                await repository.add_hours(connection, provider.key, location, weekday, hours)
    except psycopg.errors.ExclusionViolation as error:
        raise ConfigurationError(
            f"the hours of provider {provider.key!r} overlap\n  where: seed, providers\n"
            "  mend: let each weekday's hours follow one another"
        ) from error


async def _services(connection: Connection, seed: Seed) -> int:
    count = 0
    for sort, service in enumerate(seed.services):
        if await repository.first_time(connection, "service", service.key):
            await repository.add_service(connection, service, sort)
            count += 1
        for provider in service.providers:
            if await repository.first_time(connection, "offer", f"{service.key}/{provider}"):
                await repository.add_offer(connection, service.key, provider)
    return count


async def _classes(connection: Connection, app: AppConfiguration, seed: Seed) -> None:
    """The timetable with its first sessions, and the rules of classes."""
    await classes.begin(connection)
    until, holidays = classes.horizon(app, (await classes.get_rules(connection)).weeks_ahead)
    for line in seed.classes:
        for weekday in sorted(set(line.weekdays)):
            key = f"{line.service}/{line.provider}/{weekday}/{line.at}"
            if not await repository.first_time(connection, "class", key):
                continue
            made = await repository.add_class(connection, line, weekday, app.timezone)
            if made is not None:
                await timetable.make_sessions(connection, made, until, holidays)
