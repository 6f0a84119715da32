"""A provider's calendars, seen and changed by the provider and by who may change providers.

Nothing here talks to a calendar: `connecting` does while a calendar is connected, the worker after.
Changes need a transaction.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.calendar_sync import repository
from barberpro_app.calendar_sync.entries import permitted
from barberpro_app.calendar_sync.errors import PeerError
from barberpro_app.calendar_sync.feed import FeedLinks
from barberpro_app.calendar_sync.schemas import (
    CalendarChoice,
    CalendarConflict,
    CalendarConflicts,
    CalendarConnection,
    CalendarConnections,
    Decision,
    Feed,
    FeedDraft,
)
from barberpro_app.calendar_sync.sealing import Sealer
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import (
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
)
from barberpro_app.provider.service import get_provider
from barberpro_app.settings import Settings


def sealer_of(settings: Settings) -> Sealer:
    return Sealer(settings.secrets.key("token-key"))


def check(actor: Actor, provider_id: UUID) -> None:
    """Raises `NotAllowedError` for another's calendars."""
    principal = actor.principal
    if principal.has_scope("providers:write"):
        return
    if principal.provider_id is None or principal.provider_id != provider_id:
        raise NotAllowedError


def whose(actor: Actor, provider_id: UUID | None) -> UUID | None:
    """Whose calendars a list shows: all where one may, else the own. Raises `NotAllowedError`."""
    if provider_id is None and actor.principal.has_scope("providers:write"):
        return None
    wanted = provider_id or actor.principal.provider_id
    if wanted is None:
        raise NotAllowedError
    check(actor, wanted)
    return wanted


# --- feeds


async def get_feed(
    connection: Connection, settings: Settings, actor: Actor, provider_id: UUID
) -> Feed:
    """Raises `NotFoundError` where there is none, `NotAllowedError`."""
    check(actor, provider_id)
    row = await repository.feed(connection, provider_id)
    if row is None:
        raise NotFoundError("There is no feed for this provider.")
    return _feed(settings, row)


async def set_feed(
    connection: Connection, settings: Settings, actor: Actor, provider_id: UUID, draft: FeedDraft
) -> Feed:
    """Made, changed, or given another address. Raises `NotFoundError`, `NotAllowedError`."""
    check(actor, provider_id)
    await get_provider(connection, provider_id)
    _check_detail(settings, draft.detail)
    row = await repository.set_feed(connection, provider_id, draft.detail, anew=draft.anew)
    await record(connection, actor, "calendar_feed.set", AuditedObject("provider", str(provider_id)),
                 {"detail": draft.detail, "anew": draft.anew})  # fmt: skip
    return _feed(settings, row)


async def remove_feed(connection: Connection, actor: Actor, provider_id: UUID) -> None:
    """Raises `NotFoundError`, `NotAllowedError`."""
    check(actor, provider_id)
    if not await repository.remove_feed(connection, provider_id):
        raise NotFoundError
    await record(connection, actor, "calendar_feed.removed",
                 AuditedObject("provider", str(provider_id)))  # fmt: skip


def _feed(settings: Settings, row: dict[str, Any]) -> Feed:
    links = FeedLinks(sealer_of(settings), settings.app.public_url)
    return Feed(url=links.url(row["feed_id"]), detail=row["detail"], read_at=row["read_at"])


def _check_detail(settings: Settings, detail: str) -> None:
    if detail not in permitted(settings.app):
        raise InvalidRequestError(
            "This business keeps health data: a calendar elsewhere shows that you are busy, no more.",
            field="detail",
        )


# --- connections


async def list_connections(
    connection: Connection, actor: Actor, provider_id: UUID | None = None
) -> CalendarConnections:
    """Raises `NotAllowedError`."""
    rows = await repository.connections(connection, whose(actor, provider_id))
    return CalendarConnections(items=[CalendarConnection.model_validate(row) for row in rows])


async def get_connection(
    connection: Connection, actor: Actor, connection_id: UUID
) -> CalendarConnection:
    """Raises `NotFoundError`, also for another's."""
    row = await repository.connection_by_id(connection, connection_id)
    if row is None:
        raise NotFoundError
    try:
        check(actor, row["provider_id"])
    except NotAllowedError as error:
        raise NotFoundError from error
    return CalendarConnection.model_validate(row)


async def choose(
    connection: Connection, settings: Settings, actor: Actor, connection_id: UUID,
    choice: CalendarChoice,
) -> CalendarConnection:  # fmt: skip
    """The calendar of a new connection, or other options of one that works. A calendar that is
    connected already gets the new password. Raises `NotFoundError`, `InvalidRequestError`,
    `ConflictError`."""
    await get_connection(connection, actor, connection_id)
    row = await repository.lock_connection(connection, connection_id)
    if row is None:
        raise NotFoundError
    _check_detail(settings, choice.detail)
    if row["state"] == "choosing":
        titles = {item["calendar"]: item["title"] for item in row["choices"]}
    elif row["state"] == "active":
        titles = {row["calendar"]: row["title"]}
    else:
        raise ConflictError("This connection cannot be changed any more; connect it anew.")
    if choice.calendar not in titles:
        raise InvalidRequestError("Choose one of the calendars.", field="calendar")
    values = {**choice.model_dump(), "title": titles[choice.calendar], "sealed": row["sealed"]}
    other = await repository.same_calendar(connection, row, choice.calendar)
    if other is not None:
        sealer = sealer_of(settings)
        try:
            credentials = sealer.open(row["id"], bytes(row["sealed"]))
        except PeerError as error:
            raise ConflictError("Connect the calendar anew.") from error
        values["sealed"] = sealer.seal(other, credentials)
        await repository.delete_connection(connection, connection_id)
    await repository.activate(connection, other or connection_id, values)
    facts = {"kind": row["kind"], "detail": choice.detail, "writes": choice.writes,
             "blocks": choice.blocks}  # fmt: skip
    await record(
        connection, actor, "calendar_connection.set", _object(other or connection_id), facts
    )
    return await get_connection(connection, actor, other or connection_id)


async def remove(connection: Connection, actor: Actor, connection_id: UUID) -> None:
    """Outside events stop to block at once; the worker takes our events away where it is let in.
    Raises `NotFoundError`."""
    found = await get_connection(connection, actor, connection_id)
    if found.state == "active":
        await repository.begin_removal(connection, connection_id)
    else:
        await repository.delete_connection(connection, connection_id)
    await record(connection, actor, "calendar_connection.removed", _object(connection_id),
                 {"kind": found.kind})  # fmt: skip


async def sync_now(connection: Connection, actor: Actor, connection_id: UUID) -> None:
    """The worker reads at its next turn, and tries again what had failed. Raises `NotFoundError`."""
    await get_connection(connection, actor, connection_id)
    await repository.sync_now(connection, connection_id)
    await record(connection, actor, "calendar_connection.synced", _object(connection_id))


def _object(connection_id: UUID) -> AuditedObject:
    return AuditedObject("calendar_connection", str(connection_id))


# --- conflicts


async def list_conflicts(
    connection: Connection, actor: Actor, provider_id: UUID | None = None
) -> CalendarConflicts:
    """Those whose agenda one sees. Raises `NotAllowedError`."""
    own = actor.principal.provider_id if actor.principal.own_agenda_only else None
    if actor.principal.own_agenda_only and (own is None or provider_id not in (None, own)):
        raise NotAllowedError
    rows = await repository.conflicts(connection, own or provider_id)
    return CalendarConflicts(items=[CalendarConflict.model_validate(row) for row in rows])


async def decide(
    connection: Connection, actor: Actor, conflict_id: UUID, decision: Decision
) -> None:
    """Raises `NotFoundError`, `ConflictError` for one that is decided or over."""
    row = await repository.conflict(connection, conflict_id)
    principal = actor.principal
    if row is None or (principal.own_agenda_only and principal.provider_id != row["provider_id"]):
        raise NotFoundError
    if row["state"] != "open":
        raise ConflictError("This is decided already, or over.")
    await repository.decide(connection, conflict_id, decision.decision)
    await record(connection, actor, f"calendar_conflict.{decision.decision}",
                 AuditedObject("booking", str(row["subject_id"])), {"kind": row["kind"]})  # fmt: skip
