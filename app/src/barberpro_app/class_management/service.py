"""The timetable: what is given every week, and the sessions that it makes some weeks ahead.

A session belongs to whoever changes it: what was moved or cancelled by hand stays, and is never made
again. Changes of the timetable are atomic in themselves.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.booking.repository import actor_argument, call
from barberpro_app.class_management import repository
from barberpro_app.class_management.schemas import (
    ClassChange,
    ClassDraft,
    ClassEnd,
    ClassRules,
    ClassRulesChange,
    GymClass,
    GymClassList,
)
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError, StaleVersionError
from barberpro_app.kit.idempotency import IdempotencyKey
from barberpro_app.location.holidays import holiday_name
from barberpro_app.settings import AppConfiguration

#: What holds in a new business with classes: a late one costs, and who owes pays first.
FIRST_RULES = ClassRulesChange(version=0, late_hours=6, block_overdue=True)


async def list_classes(connection: Connection, *, ended: bool = False) -> GymClassList:
    """In order of weekday and hour; with `ended`, also those that are given no more."""
    documents = await repository.classes(connection, ended=ended)
    return GymClassList(items=[GymClass.model_validate(document) for document in documents])


async def get_class(connection: Connection, class_id: UUID) -> GymClass:
    """Raises `NotFoundError`."""
    document = await repository.get(connection, class_id)
    if document is None:
        raise NotFoundError
    return GymClass.model_validate(document)


async def create_class(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    draft: ClassDraft,
    key: IdempotencyKey | None = None,
) -> GymClass:
    """Puts a class into the timetable and makes its sessions. Raises `NotAGroupError`,
    `NotOfferedError`, `NotFoundError`."""
    body = _body(draft) | await _ahead(connection, app)
    stored = key.as_json() if key else None
    answer = await call(connection, repository.CREATE, actor_argument(actor), body, stored)
    return GymClass.model_validate(answer["body"])


async def change_class(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    class_id: UUID,
    change: ClassChange,
) -> GymClass:
    """Raises as `create_class`, `StaleVersionError`, `NotChangeableError`."""
    body = _body(change) | await _ahead(connection, app)
    arguments = (actor_argument(actor), app.policies.model_dump(), class_id, body)
    answer = await call(connection, repository.CHANGE, *arguments)
    return GymClass.model_validate(answer["body"])


async def end_class(
    connection: Connection, app: AppConfiguration, actor: Actor, class_id: UUID, end: ClassEnd
) -> GymClass:
    """Raises `NotFoundError`, `StaleVersionError`, `NotChangeableError` for one that has ended."""
    arguments = (
        actor_argument(actor),
        app.policies.model_dump(),
        class_id,
        end.model_dump(mode="json"),
    )
    answer = await call(connection, repository.END, *arguments)
    return GymClass.model_validate(answer["body"])


async def get_rules(connection: Connection) -> ClassRules:
    """What holds now."""
    return ClassRules.model_validate(await repository.rules(connection))


async def change_rules(
    connection: Connection, actor: Actor, change: ClassRulesChange
) -> ClassRules:
    """Needs a transaction. Raises `StaleVersionError`."""
    values = change.model_dump(exclude={"version"})
    if not await repository.set_rules(connection, values, change.version):
        raise StaleVersionError(field="version")
    await record(connection, actor, "classes.changed", AuditedObject("settings", ""), values)
    return await get_rules(connection)


async def begin(connection: Connection) -> None:
    """The rules of a new business with classes, unless it has some."""
    await repository.begin_rules(connection, FIRST_RULES.model_dump(exclude={"version"}))


async def overdue(connection: Connection, client_id: UUID) -> str | None:
    """Why a client books with the team alone: 'balance', 'membership'; None if not."""
    return await repository.overdue(connection, client_id)


def horizon(app: AppConfiguration, weeks: int) -> tuple[date, list[date]]:
    """The last day for which sessions are made, and the public holidays until then."""
    today = clock.now().astimezone(app.zone).date()
    days = [today + timedelta(days=number) for number in range(-1, weeks * 7 + 2)]
    return days[-2], [day for day in days if holiday_name(app.country, day, "es")]


def _body(draft: ClassDraft) -> dict[str, Any]:
    return draft.model_dump(mode="json") | {"starts": draft.starts}


async def _ahead(connection: Connection, app: AppConfiguration) -> dict[str, Any]:
    until, holidays = horizon(app, (await get_rules(connection)).weeks_ahead)
    return {"until": until.isoformat(), "holidays": [day.isoformat() for day in holidays]}
