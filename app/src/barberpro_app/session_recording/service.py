"""Recordings: only of a session that the patient agreed to record, only for the professional.

The browser makes an AES-256-GCM key per recording, encrypts each chunk with it, and sends the key
under the professional's RSA-OAEP public key. The private key is here only under a passphrase that
never comes here. So the server, its operator and a thief of its disks have ciphertext. What it does
not protect from: a server that serves other scripts than these, and a weak passphrase.
(Decreto 98/2023 annex art. 4: audio and video are encrypted.)

Each function needs a transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.clinical_records import access
from barberpro_app.clinical_records.access import person_id
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import ConflictError, InvalidRequestError, NotFoundError, PolicyError
from barberpro_app.privacy_compliance import repository as privacy_repository
from barberpro_app.privacy_compliance import service as privacy
from barberpro_app.privacy_compliance.consents import ConsentText, consent_text
from barberpro_app.privacy_compliance.schemas import Consent
from barberpro_app.session_recording import repository
from barberpro_app.session_recording.schemas import (
    ConsentSignature,
    ConsentState,
    Key,
    KeyDraft,
    Recording,
    RecordingDraft,
    RecordingList,
)
from barberpro_app.settings import AppConfiguration

#: A chunk is 512 KiB of media with 16 bytes of tag; a recording at most 600 MiB.
LARGEST_CHUNK, LEAST_CHUNK = 512 * 1024 + 16, 17
LARGEST_RECORDING = 600 * 1024 * 1024
BEFORE, AFTER = timedelta(hours=1), timedelta(hours=12)


class ConsentNeededError(PolicyError):
    """The patient has not agreed to record this session, or has withdrawn that."""

    code = "recording_consent"


class NotNowError(PolicyError):
    """A session is recorded while it takes place."""

    code = "recording_not_now"


class ChunkError(ConflictError):
    """This is not the next chunk of the recording."""

    code = "recording_chunk"


class RecordingEndedError(ConflictError):
    """The recording has ended."""

    code = "recording_ended"


async def set_key(connection: Connection, actor: Actor, draft: KeyDraft) -> Key:
    """The key pair that the browser made; the one before stays for what it sealed."""
    person = person_id(actor)
    # dumping would encode the bytes again
    await repository.replace_key(connection, person, dict(draft))
    key = await get_key(connection, actor)
    await record(
        connection, actor, "recording_key.set", AuditedObject("recording_key", str(key.id))
    )
    return key


async def get_key(connection: Connection, actor: Actor, key_id: UUID | None = None) -> Key:
    """The active key of who asks, or an older one. Raises `NotFoundError`."""
    row = await repository.key(connection, person_id(actor), key_id)
    if row is None:
        raise NotFoundError
    return Key.model_validate(row)


def text_of(app: AppConfiguration, locale: str) -> ConsentText:
    """The text that is agreed to."""
    return consent_text("session_recording", locale, app.brand.name)


async def sign_consent(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    booking_id: UUID,
    signature: ConsentSignature,
) -> Consent:
    """The consent to record one session: by the patient's own sign-in, or in the professional's
    presence. Raises `NotFoundError`, `ConsentTextChangedError`, `DuplicateError`."""
    booked = await _booking(connection, actor, booking_id)
    text = text_of(app, signature.locale)
    if text.sha256.hex() != signature.text_sha256:
        raise privacy.ConsentTextChangedError
    how = "own_session" if actor.principal.kind == "client" else "in_person"
    return await privacy.sign(
        connection, actor, booked["client_id"], text, signature.signed_name,
        how=how, reference_id=booking_id,
    )  # fmt: skip


async def consent_state(
    connection: Connection, app: AppConfiguration, actor: Actor, booking_id: UUID, locale: str
) -> ConsentState:
    """For the patient of the session and its professional. Raises `NotFoundError`."""
    booked = await _booking(connection, actor, booking_id)
    given = await privacy_repository.consent_in_force(
        connection, booked["client_id"], "session_recording", booking_id
    )
    text = text_of(app, locale)
    return ConsentState(
        booking_id=booking_id,
        client_id=booked["client_id"],
        text=text.text,
        text_sha256=text.sha256.hex(),
        locale=locale,
        given=given is not None,
    )


async def start(connection: Connection, actor: Actor, draft: RecordingDraft) -> Recording:
    """Raises `NotFoundError`, `ConsentNeededError`, `NotNowError`, `InvalidRequestError`."""
    person = person_id(actor)
    if actor.principal.kind == "client":
        raise NotFoundError
    booked = await _booking(connection, actor, draft.booking_id)
    if booked["status"] not in {"confirmed", "arrived", "completed"} or not (
        booked["starts_at"] - BEFORE <= clock.now() <= booked["ends_at"] + AFTER
    ):
        raise NotNowError
    consent = await privacy_repository.consent_in_force(
        connection, booked["client_id"], "session_recording", draft.booking_id
    )
    if consent is None:
        raise ConsentNeededError
    key = await repository.key(connection, person, draft.key_id)
    if key is None or not key["active"]:
        raise InvalidRequestError("This is not your key.", field="key_id")
    values = {
        **dict(draft),
        "client_id": booked["client_id"],
        "staff_id": person,
        "consent_id": consent,
    }
    recording_id = await repository.add(connection, values)
    await access.log(connection, actor, booked["client_id"], "recording_started")
    await record(connection, actor, "session_recording.started", _object(recording_id))
    return Recording.model_validate(await _own(connection, actor, recording_id))


async def add_chunk(
    connection: Connection, actor: Actor, recording_id: UUID, number: int, content: bytes
) -> None:
    """The next chunk; one that came already is taken again in silence if it is the same.

    Raises `NotFoundError`, `ChunkError`, `RecordingEndedError`, `ConsentNeededError`,
    `InvalidRequestError` for its size.
    """
    if not LEAST_CHUNK <= len(content) <= LARGEST_CHUNK:
        raise InvalidRequestError("A chunk has 17 bytes to 512 KiB and 16 bytes.", field="chunk")
    await repository.lock(connection, recording_id)
    row = await _own(connection, actor, recording_id)
    if number < row["chunks"]:
        if await repository.chunk(connection, recording_id, number) == content:
            return
        raise ChunkError
    if row["state"] != "recording":
        raise RecordingEndedError
    if not row["consented"]:
        raise ConsentNeededError
    if number != row["chunks"]:
        raise ChunkError
    if row["bytes"] + len(content) > LARGEST_RECORDING:
        raise InvalidRequestError("The recording is too long.", field="chunk")
    await repository.add_chunk(connection, recording_id, number, content)


async def complete(connection: Connection, actor: Actor, recording_id: UUID) -> Recording:
    """Ends a recording. Raises `NotFoundError`."""
    await repository.lock(connection, recording_id)
    row = await _own(connection, actor, recording_id)
    if row["state"] == "recording":
        await repository.complete(connection, recording_id)
        await record(connection, actor, "session_recording.completed", _object(recording_id),
                     {"chunks": row["chunks"], "bytes": row["bytes"]})  # fmt: skip
    return Recording.model_validate(await _own(connection, actor, recording_id))


async def list_recordings(
    connection: Connection, actor: Actor, client_id: UUID | None = None
) -> RecordingList:
    """The professional's own; for a patient those of the patient, without their contents."""
    person, own = person_id(actor), actor.principal.client_id
    rows = await repository.recordings(
        connection,
        staff_id=None if own else person,
        client_id=own or client_id,
    )
    return RecordingList(items=[Recording.model_validate(row) for row in rows])


async def open_recording(connection: Connection, actor: Actor, recording_id: UUID) -> Recording:
    """For playing; the look is logged. Raises `NotFoundError`."""
    row = await _own(connection, actor, recording_id)
    await access.log(connection, actor, row["client_id"], "recording_played")
    return Recording.model_validate(row)


async def read_chunk(
    connection: Connection, actor: Actor, recording_id: UUID, number: int
) -> bytes:
    """A chunk as it was sent. Raises `NotFoundError`."""
    await _own(connection, actor, recording_id)
    content = await repository.chunk(connection, recording_id, number)
    if content is None:
        raise NotFoundError
    return content


async def delete(connection: Connection, actor: Actor, recording_id: UUID) -> None:
    """Deletes the contents for good; the professional may, and the patient. Raises
    `NotFoundError`."""
    own = actor.principal.client_id
    rows = await repository.recordings(
        connection, recording_id=recording_id,
        staff_id=None if own else person_id(actor), client_id=own,
    )  # fmt: skip
    if not rows:
        raise NotFoundError
    await repository.delete(connection, recording_id)
    await access.log(connection, actor, rows[0]["client_id"], "recording_deleted")
    await record(connection, actor, "session_recording.deleted", _object(recording_id))


async def delete_due(database: Database) -> int:
    """Deletes what is due, or was agreed to no longer; how many."""
    async with database.transaction() as connection:
        found = await repository.due(connection)
        for recording_id in found:
            await repository.delete(connection, recording_id)
            await record(connection, Actor(), "session_recording.deleted", _object(recording_id))
    return len(found)


async def _booking(connection: Connection, actor: Actor, booking_id: UUID) -> Mapping[str, Any]:
    """A booking of the patient or the professional who asks. Raises `NotFoundError`."""
    principal = actor.principal
    person_id(actor)
    row = await repository.booking(connection, booking_id)
    if row is None or row["client_id"] is None:
        raise NotFoundError
    if principal.kind == "client":
        mine = row["client_id"] == principal.client_id
    else:
        mine = principal.provider_id is not None and row["provider_id"] == principal.provider_id
    if not mine:
        raise NotFoundError
    return row


async def _own(connection: Connection, actor: Actor, recording_id: UUID) -> dict[str, Any]:
    rows = await repository.recordings(
        connection, recording_id=recording_id, staff_id=person_id(actor)
    )
    if not rows:
        raise NotFoundError
    return rows[0]


def _object(recording_id: UUID) -> AuditedObject:
    return AuditedObject("session_recording", str(recording_id))
