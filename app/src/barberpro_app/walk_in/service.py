"""Who walked in: adding, calling, leaving; and how long the wait will be.

Not for clients, but that whoever has the link of a turn sees it and may leave.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from barberpro_app.audit.trail import Actor
from barberpro_app.availability import repository as availability
from barberpro_app.availability.service import Candidate, candidate_of, frame_of
from barberpro_app.booking.repository import actor_argument, location_zone
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.kit.idempotency import IdempotencyKey
from barberpro_app.location.holidays import near
from barberpro_app.settings import AppConfiguration
from barberpro_app.walk_in import repository
from barberpro_app.walk_in.estimate import waits
from barberpro_app.walk_in.schemas import WalkIn, WalkInCall, WalkInDraft, WalkInQueue

#: How long a turn that was called stays on the screen.
CALLED = timedelta(minutes=10)


def _staff(actor: Actor) -> None:
    if actor.principal.kind in {"client", "anonymous"}:
        raise NotAllowedError


async def add(
    connection: Connection, actor: Actor, draft: WalkInDraft, key: IdempotencyKey | None = None
) -> WalkIn:
    """To the end of the queue, with a number. Raises `NotFoundError`."""
    _staff(actor)
    answer = await repository.call(
        connection,
        "walk_in_add",
        actor_argument(actor),
        draft.model_dump(mode="json", exclude_none=True),
        key.as_json() if key else None,
    )
    return WalkIn.model_validate(answer["body"])


async def call(
    connection: Connection, app: AppConfiguration, actor: Actor, walk_in_id: UUID, what: WalkInCall
) -> WalkIn:
    """Turns it into a booking that begins now. Raises `NobodyFreeError`, `NotWaitingError`,
    `NotFoundError`."""
    _staff(actor)
    answer = await repository.call(
        connection,
        "walk_in_call",
        actor_argument(actor),
        app.policies.model_dump(),
        walk_in_id,
        {
            **what.model_dump(mode="json", exclude_none=True),
            "holidays": [day.isoformat() for day in near(app.country, clock.now())],
        },
    )
    return WalkIn.model_validate(answer["body"])


async def end(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    walk_in_id: UUID,
    state: Literal["left", "no_answer"],
) -> WalkIn:
    """Who left, or was called and did not answer; safe to repeat. Raises `NotWaitingError`."""
    _staff(actor)
    answer = await repository.call(
        connection,
        "walk_in_end",
        actor_argument(actor),
        app.policies.model_dump(),
        walk_in_id,
        {"state": state},
    )
    return WalkIn.model_validate(answer["body"])


async def queue(connection: Connection, app: AppConfiguration, location_id: UUID) -> WalkInQueue:
    """The turns of today at a place, with estimates. Raises `NotFoundError`."""
    rows = await repository.today(connection, location_id)
    turns = [WalkIn.model_validate(row) for row in rows]
    waiting = [turn for turn in turns if turn.state == "waiting"]
    minutes = await _estimates(connection, app, location_id, waiting)
    called = [turn for turn in turns if turn.state == "called"]
    return WalkInQueue(
        waiting=[turn.model_copy(update={"wait_minutes": minutes[turn.id]}) for turn in waiting],
        called=sorted(called, key=_called_at, reverse=True),
    )


def _called_at(turn: WalkIn) -> datetime:
    return turn.called_at or turn.joined_at


async def get(connection: Connection, app: AppConfiguration, walk_in_id: UUID) -> WalkIn:
    """One turn, with its estimate. Raises `NotFoundError`."""
    found = await repository.get(connection, walk_in_id)
    if found is None:
        raise NotFoundError
    turn = WalkIn.model_validate(found)
    if turn.state != "waiting":
        return turn
    whole = await queue(connection, app, turn.location.id)
    return next((item for item in whole.waiting if item.id == turn.id), turn)


async def _estimates(
    connection: Connection, app: AppConfiguration, location_id: UUID, turns: list[WalkIn]
) -> dict[UUID, int | None]:
    zone_name = await location_zone(connection, location_id)
    if zone_name is None:
        raise NotFoundError(field="location_id")
    zone, now = ZoneInfo(zone_name), clock.now()
    day = now.astimezone(zone).date()
    candidates: dict[UUID, list[Candidate]] = {}
    for service_id in {turn.service.id for turn in turns}:
        asked = availability.parameters(service_id, location_id, None, day, 1)
        rows = await availability.inputs(connection, app.policies.model_dump(), asked)
        if rows and frame_of(app, rows[0]).holiday(day) is None:
            candidates[service_id] = [candidate_of(row) for row in rows if row["provider_id"]]
    line = [
        (turn.id, turn.service.id, turn.provider.id if turn.provider else None) for turn in turns
    ]
    return waits(line, candidates, day, zone, int(now.timestamp()))
