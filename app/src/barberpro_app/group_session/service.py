"""What can be done with sessions. Everybody sees them; staff and programs change them, a provider's
login the own ones. Booking in one is `booking`'s: a booking names the session or its time."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from barberpro_app.audit.trail import Actor
from barberpro_app.booking.repository import actor_argument, call
from barberpro_app.group_session import repository
from barberpro_app.group_session.schemas import (
    MOST_SESSIONS,
    GroupSession,
    GroupSessionList,
    SessionCancel,
    SessionDraft,
    SessionPatch,
    SessionSearch,
)
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.kit.idempotency import IdempotencyKey
from barberpro_app.location.holidays import near
from barberpro_app.settings import AppConfiguration


async def search(connection: Connection, query: SessionSearch) -> GroupSessionList:
    """In order of start, cancelled ones too. Raises `NotFoundError` for an unknown location."""
    filters = {
        "location_id": query.location_id,
        "service_id": query.service_id,
        "provider_id": query.provider_id,
    }
    rows = await repository.search(connection, query.first, query.days, filters, MOST_SESSIONS)
    if not rows:
        raise NotFoundError("There is no such location.", field="location_id")
    items = [GroupSession.model_validate(row["document"]) for row in rows if row["document"]]
    return GroupSessionList(zone=rows[0]["zone"], items=items)


async def get(connection: Connection, session_id: UUID) -> GroupSession:
    """Raises `NotFoundError`."""
    document = await repository.get(connection, session_id)
    if document is None:
        raise NotFoundError
    return GroupSession.model_validate(document)


async def create(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    draft: SessionDraft,
    key: IdempotencyKey | None = None,
) -> GroupSession:
    """Raises `SlotTakenError`, `SlotUnavailableError` (holiday, time off), `NotOfferedError`,
    `NotAGroupError`, `TooSoonError`, `NotFoundError`."""
    _check_agenda(actor, draft.provider_id)
    body = draft.model_dump(mode="json", exclude_none=True) | _holidays(app, draft.starts_at)
    stored = key.as_json() if key else None
    answer = await call(connection, repository.CREATE, actor_argument(actor), body, stored)
    return GroupSession.model_validate(answer["body"])


async def change(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    session_id: UUID,
    patch: SessionPatch,
) -> GroupSession:
    """Moves it, or changes capacity and place. Raises as `create`, `StaleVersionError`,
    `NotChangeableError`, `CapacityBelowTakenError`."""
    if patch.provider_id is not None:
        _check_agenda(actor, patch.provider_id)
    body = patch.model_dump(mode="json", exclude_none=True)
    starts_at = patch.starts_at or (await get(connection, session_id)).starts_at
    body |= _holidays(app, starts_at)
    answer = await call(connection, repository.CHANGE, actor_argument(actor), session_id, body)
    return GroupSession.model_validate(answer["body"])


async def cancel(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    session_id: UUID,
    request: SessionCancel,
) -> GroupSession:
    """Cancels it with all bookings in it, who are told; a cancelled one is answered as it is.
    Raises `NotChangeableError` if somebody has come already, `StaleVersionError`."""
    _check_agenda(actor, None)
    body = request.model_dump(mode="json", exclude_none=True)
    arguments = (actor_argument(actor), app.policies.model_dump(), session_id, body)
    answer = await call(connection, repository.CANCEL, *arguments)
    return GroupSession.model_validate(answer["body"])


def _holidays(app: AppConfiguration, starts_at: datetime) -> dict[str, Any]:
    return {"holidays": [day.isoformat() for day in near(app.country, starts_at)]}


def _check_agenda(actor: Actor, provider_id: UUID | None) -> None:
    """A provider's login makes sessions for itself only; clients make none."""
    principal = actor.principal
    if principal.kind in {"client", "anonymous"}:
        raise NotAllowedError
    if principal.own_agenda_only and provider_id not in (None, principal.provider_id):
        raise NotAllowedError(field="provider_id")
