"""Importing, listing and deleting activities. Changes need a transaction."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.biometric_integration import repository
from barberpro_app.biometric_integration.errors import AlreadyImportedError
from barberpro_app.biometric_integration.files import Parsed, parse
from barberpro_app.biometric_integration.schemas import Activities, ActivityShown, Imported, Week
from barberpro_app.body_data import access
from barberpro_app.body_data.errors import consented
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.kit.ratelimit import Limit
from barberpro_app.settings import AppConfiguration

PURPOSE: access.BodyPurpose = "activity_data"
#: A year of a watch at once, and then one now and then.
IMPORTS_PER_PERSON = Limit("activity-imports", 60, 3600)
MOST_LISTED = 500


async def take(
    database: Database,
    app: AppConfiguration,
    actor: Actor,
    client_id: UUID,
    content: bytes,
    turn: asyncio.Semaphore,
) -> Imported:
    """Reads a file and keeps its activities, all that are new, or nothing.

    Raises `FileRefusedError`, `AlreadyImportedError` where nothing is new, `ConsentNeededError` and
    as `access.require`. Opens the transactions itself: none is open while the file is read, on a thread, in its
    `turn`, so that pages are answered meanwhile.
    """
    async with database.transaction() as connection:
        await access.require(connection, actor, client_id, PURPOSE, "activities_imported")
    async with turn:
        parsed = await asyncio.to_thread(parse, content, app.zone)
    async with database.transaction() as connection:
        return await _keep(connection, actor, client_id, content, parsed)


async def _keep(
    connection: Connection, actor: Actor, client_id: UUID, content: bytes, parsed: Parsed
) -> Imported:
    digest = hashlib.sha256(content).digest()
    with consented():
        import_id = await repository.add_import(
            connection, client_id, digest, parsed.format, len(content), access.written_by(actor)
        )
    if import_id is None:
        raise AlreadyImportedError
    new = 0
    # in one order, so that two imports at once never wait for each other
    for activity in sorted(parsed.activities, key=lambda item: item.starts_at):
        if await repository.add(connection, client_id, import_id, activity) is not None:
            new += 1
    if not new:
        raise AlreadyImportedError  # and the file is not kept either
    await record(connection, actor, "activity_import.created",
                 AuditedObject("activity_import", str(import_id)),
                 {"client_id": str(client_id), "format": parsed.format, "activities": new})  # fmt: skip
    rows = await repository.of_import(connection, import_id)
    return Imported(
        format=parsed.format,
        items=[ActivityShown.model_validate(row) for row in rows],
        duplicates=len(parsed.activities) - new,
    )


async def activities(
    connection: Connection,
    actor: Actor,
    client_id: UUID,
    before: datetime | None = None,
    limit: int = 50,
) -> Activities:
    """Those that began before an instant, newest first. Raises as `access.require`."""
    await access.require(connection, actor, client_id, PURPOSE, "activities_read")
    rows = await repository.activities(connection, client_id, before, min(limit, MOST_LISTED))
    return Activities(items=[ActivityShown.model_validate(row) for row in rows])


async def weeks(
    connection: Connection, app: AppConfiguration, client_id: UUID, back: int = 11
) -> list[Week]:
    """This week and so many before it, oldest first, for a page whose access was asked for."""
    rows = await repository.weeks(connection, client_id, app.timezone, back)
    return [Week.model_validate(row) for row in rows]


async def delete(connection: Connection, actor: Actor, activity_id: UUID) -> UUID:
    """Deletes one; whose it was. Raises `NotFoundError`, and as `access.require`."""
    client_id = await repository.owner_of(connection, activity_id)
    if client_id is None:
        raise NotFoundError
    await access.require(connection, actor, client_id, PURPOSE, "activity_deleted")
    await repository.delete(connection, activity_id)
    await record(connection, actor, "activity.deleted",
                 AuditedObject("activity", str(activity_id)), {"client_id": str(client_id)})  # fmt: skip
    return client_id
