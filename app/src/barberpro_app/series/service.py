"""What can be done with series, by whom: staff and API clients all, a client the own ones.

Each change is one transaction in the database: a series is made with all its bookings or not at all.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.booking.repository import actor_argument
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError, StaleVersionError
from barberpro_app.kit.idempotency import IdempotencyKey
from barberpro_app.location.holidays import public_holidays
from barberpro_app.series import repository
from barberpro_app.series.schemas import (
    Series,
    SeriesDraft,
    SeriesEnd,
    SeriesMove,
    SeriesRules,
    SeriesRulesChange,
)
from barberpro_app.settings import AppConfiguration

#: Nobody may book further ahead than a year, so no holiday beyond that is asked about.
_AHEAD_DAYS = 380


def holidays_ahead(app: AppConfiguration) -> list[str]:
    """The public holidays of the year to come."""
    today = clock.now().astimezone(ZoneInfo(app.timezone)).date()
    last = today + timedelta(days=_AHEAD_DAYS)
    days = {
        day
        for year in range(today.year, last.year + 1)
        for day in public_holidays(app.country, year, app.locale)
    }
    return [day.isoformat() for day in sorted(days) if day <= last]


async def create(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    booking_id: UUID,
    draft: SeriesDraft,
    key: IdempotencyKey | None = None,
) -> Series:
    """Repeats a booking. Raises `SeriesConflictsError`, `NoCreditError`, `NotChangeableError`."""
    answer = await repository.call(
        connection,
        "series_create",
        actor_argument(actor),
        app.policies.model_dump(),
        _draft(app, actor, booking_id, draft),
        key.as_json() if key else None,
    )
    return Series.model_validate(answer["body"])


async def preview(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    booking_id: UUID,
    draft: SeriesDraft,
) -> Series:
    """What `create` would make, with every conflict; nothing is kept of it."""
    answer = await repository.call(
        connection,
        "series_preview",
        actor_argument(actor),
        app.policies.model_dump(),
        None,
        _draft(app, actor, booking_id, draft),
    )
    return Series.model_validate(answer["body"])


def _draft(
    app: AppConfiguration, actor: Actor, booking_id: UUID, draft: SeriesDraft
) -> dict[str, Any]:
    body = draft.model_dump(mode="json", exclude_none=True)
    return {
        **body,
        "preview": False,
        "booking_id": str(booking_id),
        "source": actor.principal.kind,
        "holidays": holidays_ahead(app),
    }


async def get(connection: Connection, actor: Actor, series_id: UUID) -> Series:
    """Raises `NotFoundError`, also for what is not the actor's."""
    found = await repository.get(connection, actor_argument(actor), series_id)
    if found is None:
        raise NotFoundError
    return Series.model_validate(found)


async def end(
    connection: Connection, app: AppConfiguration, actor: Actor, series_id: UUID, what: SeriesEnd
) -> Series:
    """Ends a series and cancels what it says. Raises `NotFoundError`, `StaleVersionError` and, for the
    booking that is named, `TooLateToCancelError`."""
    _check_override(actor, what.override_reason)
    answer = await repository.call(
        connection,
        "series_cancel",
        actor_argument(actor),
        app.policies.model_dump(),
        series_id,
        what.model_dump(mode="json", exclude_none=True),
    )
    return Series.model_validate(answer["body"])


async def move(
    connection: Connection, app: AppConfiguration, actor: Actor, series_id: UUID, what: SeriesMove
) -> Series:
    """Moves bookings of a series. Raises `SeriesConflictsError`, `NotFoundError`,
    `StaleVersionError`."""
    _check_override(actor, what.override_reason)
    answer = await repository.call(
        connection,
        "series_move",
        actor_argument(actor),
        app.policies.model_dump(),
        series_id,
        _move(app, what),
    )
    return Series.model_validate(answer["body"])


async def preview_move(
    connection: Connection, app: AppConfiguration, actor: Actor, series_id: UUID, what: SeriesMove
) -> Series:
    """What `move` would come to: `kept` are the bookings that cannot be moved."""
    _check_override(actor, what.override_reason)
    answer = await repository.call(
        connection,
        "series_preview",
        actor_argument(actor),
        app.policies.model_dump(),
        series_id,
        _move(app, what),
    )
    return Series.model_validate(answer["body"])


def _move(app: AppConfiguration, what: SeriesMove) -> dict[str, Any]:
    body = what.model_dump(mode="json", exclude_none=True)
    return {**body, "holidays": holidays_ahead(app)}


def _check_override(actor: Actor, reason: str | None) -> None:
    if reason is not None and actor.principal.kind in {"client", "anonymous"}:
        raise NotAllowedError(field="override_reason")


async def series_of(connection: Connection, booking_id: UUID) -> UUID | None:
    """The series that a booking is part of."""
    return await repository.of_booking(connection, booking_id)


async def has_credits(connection: Connection, client_id: UUID) -> bool:
    """Whether a client has a package to pay with."""
    return await repository.has_credits(connection, client_id)


async def get_rules(connection: Connection) -> SeriesRules:
    """What holds now."""
    return SeriesRules.model_validate(await repository.rules(connection))


async def change_rules(
    connection: Connection, actor: Actor, change: SeriesRulesChange
) -> SeriesRules:
    """Needs a transaction. Raises `StaleVersionError`."""
    values = change.model_dump(exclude={"version"})
    if not await repository.set_rules(connection, values, change.version):
        raise StaleVersionError(field="version")
    await record(connection, actor, "series_rules.changed", AuditedObject("settings", ""), values)
    return await get_rules(connection)
