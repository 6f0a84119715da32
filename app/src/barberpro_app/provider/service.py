"""Providers: seen by everybody, changed by managers. Changes need a transaction.

A login that is a provider and nothing else may see and change the own hours and time off only.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.range import TimestamptzRange

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import (
    DuplicateError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
)
from barberpro_app.kit.minutes import text
from barberpro_app.kit.updates import update_versioned
from barberpro_app.provider import repository
from barberpro_app.provider.schemas import (
    Provider,
    ProviderDraft,
    ProviderPatch,
    TimeOff,
    TimeOffAdded,
    TimeOffDraft,
    Week,
    WeekAnswer,
    WorkingHours,
)


class HoursOverlapError(InvalidRequestError):
    """Two of these hours overlap; a provider is at one place at a time."""

    code = "hours_overlap"
    field = "hours"


async def list_providers(
    connection: Connection,
    *,
    service_id: UUID | None = None,
    location_id: UUID | None = None,
    inactive: bool = False,
) -> list[Provider]:
    """In the order of the business; those who give a service, or work at a location."""
    rows = await repository.providers(
        connection, service_id=service_id, location_id=location_id, inactive=inactive
    )
    return [Provider.model_validate(row) for row in rows]


async def get_provider(connection: Connection, provider_id: UUID) -> Provider:
    """Raises `NotFoundError`."""
    rows = await repository.providers(connection, provider_id=provider_id, inactive=True)
    if not rows:
        raise NotFoundError
    return Provider.model_validate(rows[0])


async def create_provider(connection: Connection, actor: Actor, draft: ProviderDraft) -> Provider:
    """Raises `DuplicateError`, and `NotFoundError` for an unknown location."""
    provider_id = await repository.add(connection, draft.model_dump(exclude={"location_ids"}))
    if provider_id is None:
        raise DuplicateError(field="key")
    await _set_locations(connection, provider_id, draft.location_ids)
    await record(connection, actor, "provider.created", _object(provider_id), {"key": draft.key})
    return await get_provider(connection, provider_id)


async def update_provider(
    connection: Connection, actor: Actor, provider_id: UUID, patch: ProviderPatch
) -> Provider:
    """Raises `NotFoundError`, `StaleVersionError`. Bookings made stay."""
    values = patch.model_dump(exclude_none=True, exclude={"version", "location_ids"})
    await update_versioned(connection, "provider", provider_id, patch.version, values)
    if patch.location_ids is not None:
        await _set_locations(connection, provider_id, patch.location_ids)
    # names, e-mail and bio are personal data: the trail says that they changed, not into what
    changes = {"fields": sorted(patch.model_fields_set - {"version"}), "active": patch.active}
    await record(connection, actor, "provider.updated", _object(provider_id), changes)
    return await get_provider(connection, provider_id)


async def get_hours(connection: Connection, actor: Actor, provider_id: UUID) -> WeekAnswer:
    """Raises `NotFoundError`, `NotAllowedError`."""
    _check_own(actor, provider_id)
    provider = await get_provider(connection, provider_id)
    rows = await repository.hours(connection, provider_id)
    hours = [WorkingHours.model_validate(_as_written(row)) for row in rows]
    return WeekAnswer(version=provider.version, hours=hours)


async def set_hours(
    connection: Connection, actor: Actor, provider_id: UUID, week: Week
) -> WeekAnswer:
    """Replaces all hours. Raises `HoursOverlapError`, `StaleVersionError`, `NotFoundError`,
    `NotAllowedError`. Bookings made stay."""
    _check_own(actor, provider_id)
    await update_versioned(connection, "provider", provider_id, week.version, {})
    await repository.clear_hours(connection, provider_id)
    try:
        for hours in week.hours:
            values = hours.model_dump(exclude={"breaks"})
            values |= {"opens": hours.opens, "closes": hours.closes}
            values["breaks"] = [[pause.starts, pause.ends] for pause in hours.breaks]
            await repository.add_hours(connection, provider_id, values)
    except psycopg.errors.ExclusionViolation as error:
        raise HoursOverlapError from error
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFoundError("There is no such location.", field="location_id") from error
    changes = {"rows": len(week.hours)}
    await record(connection, actor, "provider.hours_set", _object(provider_id), changes)
    return await get_hours(connection, actor, provider_id)


async def list_time_off(
    connection: Connection,
    actor: Actor,
    *,
    provider_id: UUID | None = None,
    location_id: UUID | None = None,
) -> list[TimeOff]:
    """What has not ended, of a provider, of a location, or of all. Raises `NotAllowedError`."""
    if provider_id is not None:
        _check_own(actor, provider_id)
    rows = await repository.time_off(connection, provider_id, location_id)
    return [TimeOff.model_validate(row) for row in rows]


async def add_provider_time_off(
    connection: Connection, actor: Actor, provider_id: UUID, draft: TimeOffDraft
) -> TimeOffAdded:
    """Raises `NotFoundError`, `NotAllowedError`. Bookings within stay; their number is told."""
    _check_own(actor, provider_id)
    return await _add_time_off(connection, actor, draft, _object(provider_id), provider_id, None)


async def add_location_time_off(
    connection: Connection, actor: Actor, location_id: UUID, draft: TimeOffDraft
) -> TimeOffAdded:
    """Closes a whole location for a time. Raises `NotFoundError`."""
    what = AuditedObject("location", str(location_id))
    return await _add_time_off(connection, actor, draft, what, None, location_id)


async def _add_time_off(
    connection: Connection,
    actor: Actor,
    draft: TimeOffDraft,
    what: AuditedObject,
    provider_id: UUID | None,
    location_id: UUID | None,
) -> TimeOffAdded:
    period = TimestamptzRange(draft.starts_at, draft.ends_at)
    try:
        row = await repository.add_time_off(
            connection, provider_id, location_id, period, draft.reason
        )
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFoundError from error
    within = await repository.bookings_within(connection, provider_id, location_id, period)
    # the reason may tell of somebody's health: not into the trail
    changes = {"starts_at": draft.starts_at.isoformat(), "ends_at": draft.ends_at.isoformat()}
    await record(connection, actor, f"{what.kind}.time_off_added", what, changes)
    return TimeOffAdded(time_off=TimeOff.model_validate(row), bookings_within=within)


async def remove_provider_time_off(
    connection: Connection, actor: Actor, provider_id: UUID, time_off_id: UUID
) -> None:
    """Raises `NotFoundError`, `NotAllowedError`."""
    _check_own(actor, provider_id)
    if not await repository.remove_time_off(connection, provider_id, None, time_off_id):
        raise NotFoundError
    await record(connection, actor, "provider.time_off_removed", _object(provider_id))


async def remove_location_time_off(
    connection: Connection, actor: Actor, location_id: UUID, time_off_id: UUID
) -> None:
    """Raises `NotFoundError`."""
    if not await repository.remove_time_off(connection, None, location_id, time_off_id):
        raise NotFoundError
    what = AuditedObject("location", str(location_id))
    await record(connection, actor, "location.time_off_removed", what)


async def _set_locations(
    connection: Connection, provider_id: UUID, locations: tuple[UUID, ...]
) -> None:
    wanted = set(locations)
    if await repository.set_locations(connection, provider_id, sorted(wanted)) != len(wanted):
        raise NotFoundError("There is no such location.", field="location_ids")


def _check_own(actor: Actor, provider_id: UUID) -> None:
    principal = actor.principal
    if principal.own_agenda_only and principal.provider_id != provider_id:
        raise NotAllowedError


def _object(provider_id: UUID) -> AuditedObject:
    return AuditedObject("provider", str(provider_id))


def _as_written(row: dict[str, Any]) -> dict[str, Any]:
    """A row of hours with minutes since midnight as times of the day."""
    breaks = [{name: text(value) for name, value in pause.items()} for pause in row["breaks"]]
    return {**row, "opens": text(row["opens"]), "closes": text(row["closes"]), "breaks": breaks}
