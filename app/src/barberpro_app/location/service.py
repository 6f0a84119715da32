"""Locations and holidays: read by everybody, changed by managers. Changes need a transaction."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import DuplicateError, NotFoundError
from barberpro_app.kit.updates import update_versioned
from barberpro_app.location import repository
from barberpro_app.location.holidays import public_holidays
from barberpro_app.location.schemas import (
    Holiday,
    HolidayChoice,
    Location,
    LocationDraft,
    LocationPatch,
)
from barberpro_app.settings import AppConfiguration


async def list_locations(connection: Connection, *, inactive: bool = False) -> list[Location]:
    """In the order of the business; with `inactive`, also those that are closed for good."""
    rows = await repository.locations(connection, None, inactive=inactive)
    return [Location.model_validate(row) for row in rows]


async def get_location(connection: Connection, location_id: UUID) -> Location:
    """Raises `NotFoundError`."""
    rows = await repository.locations(connection, location_id, inactive=True)
    if not rows:
        raise NotFoundError
    return Location.model_validate(rows[0])


async def create_location(
    connection: Connection, app: AppConfiguration, actor: Actor, draft: LocationDraft
) -> Location:
    """Raises `DuplicateError`."""
    values = draft.model_dump()
    values["zone"] = draft.zone or app.timezone
    location_id = await repository.add(connection, values)
    if location_id is None:
        raise DuplicateError(field="key")
    await record(connection, actor, "location.created", _object(location_id), {"key": draft.key})
    return await get_location(connection, location_id)


async def update_location(
    connection: Connection, actor: Actor, location_id: UUID, patch: LocationPatch
) -> Location:
    """Raises `NotFoundError`, `StaleVersionError`. Bookings keep their instants."""
    values = patch.model_dump(exclude_none=True, exclude={"version"})
    await update_versioned(connection, "location", location_id, patch.version, values)
    await record(connection, actor, "location.updated", _object(location_id), values)
    return await get_location(connection, location_id)


async def list_holidays(connection: Connection, app: AppConfiguration, year: int) -> list[Holiday]:
    """The public holidays of a year with the owner's word on them, and on other days."""
    days = {
        day: Holiday(day=day, name=name, open=False, overridden=False)
        for day, name in public_holidays(app.country, year, app.locale).items()
    }
    for row in await repository.overrides(connection, date(year, 1, 1), date(year, 12, 31)):
        known = days.get(row["day"])
        name = row["name"] or (known.name if known else "")
        days[row["day"]] = Holiday(day=row["day"], name=name, open=row["open"], overridden=True)
    return [days[day] for day in sorted(days)]


async def choose_holiday(
    connection: Connection, actor: Actor, day: date, choice: HolidayChoice
) -> None:
    """Opens or closes the business on a day."""
    await repository.set_override(connection, day, choice.name, is_open=choice.open)
    what = AuditedObject("holiday", day.isoformat())
    await record(connection, actor, "holiday.chosen", what, {"open": choice.open})


async def forget_holiday(connection: Connection, actor: Actor, day: date) -> None:
    """The calendar decides again about a day. Raises `NotFoundError`."""
    if not await repository.remove_override(connection, day):
        raise NotFoundError
    await record(connection, actor, "holiday.forgotten", AuditedObject("holiday", day.isoformat()))


def _object(location_id: UUID) -> AuditedObject:
    return AuditedObject("location", str(location_id))
