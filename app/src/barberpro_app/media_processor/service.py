"""Taking, processing, giving and deleting photographs."""

from __future__ import annotations

import asyncio
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import ConflictError, NotFoundError
from barberpro_app.media_processor import repository
from barberpro_app.media_processor.images import ImageRefusedError, process, sniff
from barberpro_app.media_processor.schemas import Media
from barberpro_app.media_processor.storage import MediaFolder, checked

LARGEST_FILE = 12 * 1024 * 1024
MOST_WAITING = 20


class TooManyWaitingError(ConflictError):
    """Wait until the photographs that you sent are ready."""

    code = "media_waiting"


async def take(connection: Connection, folder: MediaFolder, actor: Actor, content: bytes) -> Media:
    """Keeps a photograph for the worker. Needs a transaction.

    Raises `ImageRefusedError`, `TooManyWaitingError`.
    """
    if len(content) > LARGEST_FILE:
        raise ImageRefusedError("The file is larger than 12 MiB.")
    sniff(content)
    sender = f"{actor.principal.kind}:{actor.principal.id}"
    if await repository.waiting_of(connection, sender) >= MOST_WAITING:
        raise TooManyWaitingError
    media_id = await repository.add(connection, sender, len(content))
    await asyncio.to_thread(folder.keep_original, media_id, content)
    await record(connection, actor, "media.uploaded", AuditedObject("media", str(media_id)))
    return await get(connection, media_id)


async def get(connection: Connection, media_id: UUID) -> Media:
    """Raises `NotFoundError`."""
    rows = await repository.find(connection, [media_id])
    if not rows:
        raise NotFoundError
    return Media.model_validate(rows[0])


async def work(database: Database, folder: MediaFolder) -> int:
    """Processes what waits, one after the other; how many. Safe in several processes at once."""
    done = 0
    while True:
        async with database.transaction() as connection:
            media_id = await repository.next_pending(connection)
        if media_id is None:
            return done
        await _process(database, folder, media_id)
        done += 1


async def _process(database: Database, folder: MediaFolder, media_id: UUID) -> None:
    try:
        content = await asyncio.to_thread(folder.original, media_id)
        made = await asyncio.to_thread(process, content)
    except (ImageRefusedError, FileNotFoundError) as error:
        lost = isinstance(error, FileNotFoundError)
        reason = "The file was lost; send it again." if lost else str(error)
        async with database.transaction() as connection:
            await repository.refuse(connection, media_id, reason)
        await asyncio.to_thread(folder.forget_original, media_id)
        return
    for part in made.variants:
        await asyncio.to_thread(folder.publish, part.name, part.content)
    async with database.transaction() as connection:
        kept = await repository.complete(connection, media_id, made)
    await asyncio.to_thread(folder.forget_original, media_id)
    if not kept:
        for part in made.variants:
            await asyncio.to_thread(folder.unpublish, part.name)


async def delete(connection: Connection, folder: MediaFolder, media_id: UUID) -> None:
    """Removes the files of a photograph; what it was stays known as deleted."""
    for name in await repository.delete(connection, media_id):
        await asyncio.to_thread(folder.unpublish, name)
    await asyncio.to_thread(folder.forget_original, media_id)


async def published(
    connection: Connection, folder: MediaFolder, name: str, *, staff: bool
) -> tuple[bytes, str, bool]:
    """A file, its type, and whether everybody may see it; staff see those in moderation too.

    Raises `NotFoundError`.
    """
    found = await repository.variant(connection, checked(name))
    if found is None or not (found["published"] or staff):
        raise NotFoundError
    content = await asyncio.to_thread(folder.published, name)
    return content, found["media_type"], found["published"]
