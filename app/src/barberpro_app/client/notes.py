"""Notes about clients, each for those of the team whom its author named.

What belongs to a clinical record is not written here: it has its own services, with encryption and a
log of who read it.
"""

from __future__ import annotations

from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.client import repository
from barberpro_app.client.schemas import Readers, TeamNote, TeamNoteDraft, TeamNoteList
from barberpro_app.client.service import get_client
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotAllowedError, NotFoundError


def readable(principal: Principal) -> tuple[Readers, ...]:
    """What kinds of notes somebody sees, besides the own ones; clients see none."""
    if principal.kind == "api" or principal.has_role("reception"):
        return ("everybody", "desk")
    if principal.has_role("owner", "manager"):
        return ("everybody", "desk", "management")
    return ("everybody",) if principal.is_staff else ()


def writable(principal: Principal) -> tuple[Readers, ...]:
    """For whom somebody may write a note: who signs in may also write for themselves."""
    return (*readable(principal), "author") if principal.is_staff else readable(principal)


async def list_notes(connection: Connection, actor: Actor, client_id: UUID) -> TeamNoteList:
    """Raises `NotFoundError`, `NotAllowedError`."""
    readers = _readers(actor)
    client = await get_client(connection, actor, client_id)
    rows = await repository.notes(connection, client.id, readers, actor.principal.id)
    return TeamNoteList(items=[TeamNote.model_validate(row) for row in rows])


async def add_note(
    connection: Connection, actor: Actor, client_id: UUID, draft: TeamNoteDraft
) -> TeamNote:
    """Needs a transaction. Raises `NotFoundError`, and `NotAllowedError` for a note that its author
    could not read."""
    _readers(actor)
    if draft.readers not in writable(actor.principal):
        raise NotAllowedError(field="readers")
    client = await get_client(connection, actor, client_id)
    values = {
        "client_id": client.id,
        "readers": draft.readers,
        "text": draft.text,
        "author_id": actor.principal.id,
        "author_name": actor.principal.name,
    }
    note_id = await repository.add_note(connection, values)
    what = AuditedObject("client", str(client.id))
    await record(connection, actor, "client.noted", what,
                 {"note": str(note_id), "readers": draft.readers})  # fmt: skip
    return next(item for item in (await list_notes(connection, actor, client.id)).items
                if item.id == note_id)  # fmt: skip


async def remove_note(connection: Connection, actor: Actor, client_id: UUID, note_id: UUID) -> None:
    """The author's own, or any that an owner or manager reads. Needs a transaction.

    Raises `NotFoundError`, `NotAllowedError`.
    """
    found = next(
        (item for item in (await list_notes(connection, actor, client_id)).items
         if item.id == note_id), None,
    )  # fmt: skip
    if found is None:
        raise NotFoundError
    if not found.own and not actor.principal.has_role("owner", "manager"):
        raise NotAllowedError
    client = await get_client(connection, actor, client_id)
    await repository.remove_note(connection, client.id, note_id)
    what = AuditedObject("client", str(client.id))
    await record(connection, actor, "client.note_removed", what, {"note": str(note_id)})


def _readers(actor: Actor) -> tuple[Readers, ...]:
    readers = readable(actor.principal)
    if not readers:
        raise NotAllowedError
    return readers
