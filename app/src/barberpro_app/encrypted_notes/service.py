"""Notes: written about a patient of the author's, read and found by the author alone.

Each function needs a transaction. The text is nowhere but in its sealed form: not in the audit
trail, not in a log, not in a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.clinical_records import access
from barberpro_app.clinical_records.access import ADD, READ, person_id
from barberpro_app.clinical_records.vault import Vault
from barberpro_app.encrypted_notes import index, repository
from barberpro_app.encrypted_notes.schemas import Note, NoteDraft, NoteList, NotePatch, NoteSearch
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import (
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    StaleVersionError,
)

PURPOSE = "encrypted_note"
MOST = 200


async def add_note(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID, draft: NoteDraft
) -> Note:
    """Raises as `clinical_records.access.require`."""
    author = _author(actor)
    await access.require(connection, actor, client_id, ADD, "note_added")
    key, note_id = await vault.patient_key(connection, client_id), uuid4()
    index_key = await vault.index_key(connection, author)
    await repository.add(
        connection, note_id, client_id, author, key.seal(draft.text, PURPOSE, note_id),
        index.tokens(index_key, draft.text),
    )  # fmt: skip
    await record(connection, actor, "encrypted_note.added", _object(note_id))
    return await get_note(connection, vault, actor, note_id)


async def get_note(connection: Connection, vault: Vault, actor: Actor, note_id: UUID) -> Note:
    """Raises `NotFoundError`, also for another author's."""
    row = await repository.get(connection, note_id, _author(actor))
    if row is None:
        raise NotFoundError
    return await _note(connection, vault, row)


async def change_note(
    connection: Connection, vault: Vault, actor: Actor, note_id: UUID, patch: NotePatch
) -> Note:
    """Raises `NotFoundError`, `StaleVersionError`."""
    author = _author(actor)
    before = await get_note(connection, vault, actor, note_id)
    await access.require(connection, actor, before.client_id, ADD, "note_changed")
    key = await vault.patient_key(connection, before.client_id)
    index_key = await vault.index_key(connection, author)
    if not await repository.change(
        connection, note_id, author, patch.version, key.seal(patch.text, PURPOSE, note_id),
        index.tokens(index_key, patch.text),
    ):  # fmt: skip
        raise StaleVersionError
    await record(connection, actor, "encrypted_note.changed", _object(note_id))
    return await get_note(connection, vault, actor, note_id)


async def remove_note(connection: Connection, actor: Actor, note_id: UUID) -> None:
    """Raises `NotFoundError`."""
    if await repository.remove(connection, note_id, _author(actor)) is None:
        raise NotFoundError
    await record(connection, actor, "encrypted_note.removed", _object(note_id))


async def list_notes(
    connection: Connection, vault: Vault, actor: Actor, client_id: UUID
) -> NoteList:
    """The author's notes about one patient; the look is logged."""
    author = _author(actor)
    await access.require(connection, actor, client_id, READ, "notes_read")
    rows = await repository.search(connection, author, client_id, [], MOST)
    return NoteList(items=[await _note(connection, vault, row) for row in rows])


async def search_notes(
    connection: Connection, vault: Vault, actor: Actor, query: NoteSearch
) -> NoteList:
    """The author's notes that have all the words. Raises `InvalidRequestError` for none."""
    author = _author(actor)
    wanted = index.tokens(await vault.index_key(connection, author), query.words)
    if not wanted:
        raise InvalidRequestError("Give a word of three letters or more.", field="words")
    rows = await repository.search(connection, author, query.client_id, wanted, MOST)
    for client_id in {row["client_id"] for row in rows}:
        await access.log(connection, actor, client_id, "notes_found")
    return NoteList(items=[await _note(connection, vault, row) for row in rows])


def _author(actor: Actor) -> UUID:
    if actor.principal.kind == "client":
        raise NotAllowedError
    return person_id(actor)


async def _note(connection: Connection, vault: Vault, row: Mapping[str, Any]) -> Note:
    key = await vault.patient_key(connection, row["client_id"])
    text = key.open(bytes(row["sealed"]), PURPOSE, row["id"])
    return Note.model_validate({**row, "text": text})


def _object(note_id: UUID) -> AuditedObject:
    return AuditedObject("encrypted_note", str(note_id))
