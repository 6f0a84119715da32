"""Kinds of measures, measurements and goals. Changes need a transaction; so does looking, which is
logged where somebody else than the person looks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.body_data import access
from barberpro_app.body_data.errors import consented
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import (
    DuplicateError,
    InvalidRequestError,
    NotFoundError,
    StaleVersionError,
)
from barberpro_app.progress_tracking import repository
from barberpro_app.progress_tracking.errors import (
    CountedKindError,
    GoalOpenError,
    NothingMeasuredError,
    OutOfRangeError,
)
from barberpro_app.progress_tracking.schemas import (
    MeasureKind,
    MeasureKindDraft,
    MeasureKinds,
    MeasureKindSwitch,
    Measurement,
    MeasurementDraft,
    Measurements,
    ProgressGoal,
    ProgressGoalDraft,
    ProgressGoals,
)
from barberpro_app.settings import AppConfiguration

PURPOSE: access.BodyPurpose = "progress_data"
MOST_VALUES, MOST_WEEKS = 2000, 260
#: The kinds that are counted are filled from here.
ACTIVITIES = "biometric-integration-service"


async def kinds(
    connection: Connection, app: AppConfiguration, *, every: bool = False
) -> MeasureKinds:
    """What can be measured here; with `every`, also what is offered no more."""
    found = [MeasureKind.model_validate(row) for row in await repository.kinds(connection)]
    counts = ACTIVITIES in app.services
    return MeasureKinds(
        items=[
            kind
            for kind in found
            if (every or kind.active) and (counts or kind.source != "activities")
        ]
    )


async def add_kind(connection: Connection, actor: Actor, draft: MeasureKindDraft) -> MeasureKind:
    """Raises `DuplicateError`."""
    values = draft.model_dump(exclude={"name_es", "name_en"})
    values["names"] = {"es-AR": draft.name_es, "en": draft.name_en}
    if not await repository.add_kind(connection, values):
        raise DuplicateError("There is a measure with this key.", field="key")
    await record(
        connection, actor, "measure_kind.created", AuditedObject("measure_kind", draft.key)
    )
    return await _kind(connection, draft.key)


async def switch_kind(
    connection: Connection, actor: Actor, key: str, switch: MeasureKindSwitch
) -> MeasureKind:
    """Raises `NotFoundError`, `StaleVersionError`."""
    await _kind(connection, key)
    if not await repository.switch_kind(connection, key, switch.version, active=switch.active):
        raise StaleVersionError
    await record(connection, actor, "measure_kind.updated", AuditedObject("measure_kind", key),
                 {"active": switch.active})  # fmt: skip
    return await _kind(connection, key)


async def _kind(connection: Connection, key: str) -> MeasureKind:
    rows = await repository.kinds(connection, key)
    if not rows:
        raise NotFoundError(field="kind")
    return MeasureKind.model_validate(rows[0])


async def measure(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    client_id: UUID,
    draft: MeasurementDraft,
) -> Measurement:
    """Keeps a value. Raises `OutOfRangeError`, `CountedKindError`, `NotFoundError` for a kind that
    is not offered, `InvalidRequestError` for a day to come, `ConsentNeededError` and as
    `access.require`."""
    await access.require(connection, actor, client_id, PURPOSE, "progress_changed")
    kind = await _kind(connection, draft.kind)
    if not kind.active:
        raise NotFoundError(field="kind")
    if kind.source == "activities":
        raise CountedKindError
    if draft.measured_on > clock.now().astimezone(app.zone).date():
        raise InvalidRequestError("This day is yet to come.", field="measured_on")
    values = draft.model_dump()
    values["value"] = _checked(kind, draft.value, "value")
    with consented():
        row = await repository.save(
            connection, client_id, {**values, "by": access.written_by(actor)}
        )
    await record(connection, actor, "measurement.saved",
                 AuditedObject("measurement", str(row["id"])),
                 {"client_id": str(client_id), "kind": draft.kind})  # fmt: skip
    return Measurement.model_validate(row)


def _checked(kind: MeasureKind, value: float, field: str) -> Decimal:
    """Rounded as the kind is; raises `OutOfRangeError`."""
    rounded = round(Decimal(str(value)), kind.decimals)
    if not kind.least <= rounded <= kind.most:
        raise OutOfRangeError(
            f"{kind.key} is between {kind.least:g} and {kind.most:g} {kind.unit}.", field=field
        )
    return rounded


async def delete(connection: Connection, actor: Actor, measurement_id: UUID) -> UUID:
    """Whose it was. Raises `NotFoundError`, and as `access.require`."""
    client_id = await repository.owner_of(connection, measurement_id)
    if client_id is None:
        raise NotFoundError
    await access.require(connection, actor, client_id, PURPOSE, "progress_changed")
    await repository.delete(connection, measurement_id)
    await record(connection, actor, "measurement.deleted",
                 AuditedObject("measurement", str(measurement_id)),
                 {"client_id": str(client_id)})  # fmt: skip
    return client_id


async def measurements(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    client_id: UUID,
    kind: str | None = None,
) -> Measurements:
    """Oldest first, with what activities give. Raises as `access.require`."""
    await access.require(connection, actor, client_id, PURPOSE, "progress_read")
    return await values_of(connection, app, client_id, kind)


async def values_of(
    connection: Connection, app: AppConfiguration, client_id: UUID, kind: str | None = None
) -> Measurements:
    """As `measurements`, where access was asked for already."""
    rows = await repository.values(connection, client_id, kind, MOST_VALUES)
    if ACTIVITIES in app.services:
        rows += await repository.counted(connection, client_id, app.timezone, kind, MOST_WEEKS)
    rows.sort(key=lambda row: (row["measured_on"], row["kind"]))
    return Measurements(items=[Measurement.model_validate(row) for row in rows])


async def set_goal(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    client_id: UUID,
    draft: ProgressGoalDraft,
) -> ProgressGoal:
    """Raises `GoalOpenError`, `NothingMeasuredError`, `OutOfRangeError`, `InvalidRequestError` for a
    day that is over or a target that is the start, `ConsentNeededError` and as `access.require`."""
    await access.require(connection, actor, client_id, PURPOSE, "progress_changed")
    kind, today = await _kind(connection, draft.kind), clock.now().astimezone(app.zone).date()
    if not kind.active:
        raise NotFoundError(field="kind")
    if not today < draft.by_day <= today + timedelta(days=3650):
        raise InvalidRequestError("Choose a day to come, within ten years.", field="by_day")
    start = draft.start_value
    if start is None:
        known = (await values_of(connection, app, client_id, draft.kind)).items
        start = known[-1].value if known else 0.0 if kind.source == "activities" else None
    if start is None:
        raise NothingMeasuredError
    target = _checked(kind, draft.target, "target")
    begin = _checked(kind, min(max(start, kind.least), kind.most), "start_value")
    if target == begin:
        raise InvalidRequestError("The target is where you are.", field="target")
    values = {"kind": draft.kind, "start_value": begin, "target": target, "start_on": today,
              "by_day": draft.by_day}  # fmt: skip
    with consented():
        goal_id = await repository.add_goal(connection, client_id, values)
    if goal_id is None:
        raise GoalOpenError
    await record(connection, actor, "progress_goal.created",
                 AuditedObject("progress_goal", str(goal_id)),
                 {"client_id": str(client_id), "kind": draft.kind})  # fmt: skip
    found = await goals_of(connection, app, client_id)
    return next(goal for goal in found.items if goal.id == goal_id)


async def end_goal(connection: Connection, actor: Actor, goal_id: UUID) -> UUID:
    """Whose it was. Raises `NotFoundError`, and as `access.require`."""
    client_id = await repository.goal_owner(connection, goal_id)
    if client_id is None:
        raise NotFoundError
    await access.require(connection, actor, client_id, PURPOSE, "progress_changed")
    await repository.end_goal(connection, goal_id)
    await record(connection, actor, "progress_goal.ended",
                 AuditedObject("progress_goal", str(goal_id)), {"client_id": str(client_id)})  # fmt: skip
    return client_id


async def goals(
    connection: Connection, app: AppConfiguration, actor: Actor, client_id: UUID
) -> ProgressGoals:
    """Raises as `access.require`."""
    await access.require(connection, actor, client_id, PURPOSE, "progress_read")
    return await goals_of(connection, app, client_id)


async def goals_of(connection: Connection, app: AppConfiguration, client_id: UUID) -> ProgressGoals:
    """As `goals`, where access was asked for already."""
    values = (await values_of(connection, app, client_id)).items
    today = clock.now().astimezone(app.zone).date()
    items = []
    for row in await repository.goals(connection, client_id):
        own = [v for v in values if v.kind == row["kind"] and v.measured_on >= row["start_on"]]
        reached = next((v.measured_on for v in own if _is_reached(row, v.value)), None)
        latest = own[-1].value if own else None
        items.append(
            ProgressGoal(
                **row,
                latest=latest,
                done=1.0 if reached else _part(row, latest),
                reached_on=reached,
                late=reached is None and row["by_day"] < today,
            )
        )
    return ProgressGoals(items=items)


def _is_reached(goal: Mapping[str, Any], value: float) -> bool:
    start, target = float(goal["start_value"]), float(goal["target"])
    return value >= target if target > start else value <= target


def _part(goal: Mapping[str, Any], latest: float | None) -> float:
    """How much of the way from start to target, 0 to 1."""
    start, target = float(goal["start_value"]), float(goal["target"])
    if latest is None:
        return 0.0
    return round(min(1.0, max(0.0, (latest - start) / (target - start))), 3)
