"""The JSON API of recordings: what comes and goes is ciphertext."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from barberpro_app.clinical_records.persons import require_person, require_team
from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    actor_of,
    answer,
    configuration_of,
    database_of,
    no_content,
)
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.errors import InvalidRequestError
from barberpro_app.kit.schemas import Locale
from barberpro_app.privacy_compliance.schemas import Consent
from barberpro_app.session_recording import service
from barberpro_app.session_recording.schemas import (
    ConsentSignature,
    ConsentState,
    Key,
    KeyDraft,
    Recording,
    RecordingDraft,
    RecordingList,
)

router = APIRouter(prefix=API, tags=["session recordings"])
Person = Annotated[Principal, Depends(require_person)]
Member = Annotated[Principal, Depends(require_team)]
Number = Annotated[int, Path(ge=0, le=19_999)]
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.get("/recording-key", response_model=Key, responses=READING)
async def get_key(request: Request, principal: Member) -> Response:
    """Your key pair, its private half under your passphrase."""
    async with database_of(request).connection() as connection:
        found = await service.get_key(connection, actor_of(request, principal))
    return answer(found)


@router.get("/recording-keys/{key_id}", response_model=Key, responses=READING)
async def get_older_key(request: Request, key_id: UUID, principal: Member) -> Response:
    """A key pair of yours that older recordings were made with."""
    async with database_of(request).connection() as connection:
        found = await service.get_key(connection, actor_of(request, principal), key_id)
    return answer(found)


@router.post("/recording-key", response_model=Key, status_code=201, responses=WRITING)
async def set_key(request: Request, draft: KeyDraft, principal: Member) -> Response:
    """A new key pair, made in your browser."""
    async with database_of(request).transaction() as connection:
        made = await service.set_key(connection, actor_of(request, principal), draft)
    return answer(made, 201)


@router.get(
    "/bookings/{booking_id}/recording-consent", response_model=ConsentState, responses=READING
)
async def show_consent(
    request: Request, booking_id: UUID, principal: Person, locale: Locale = "es-AR"
) -> Response:
    """The text to agree to, and whether this session's patient did."""
    async with database_of(request).connection() as connection:
        found = await service.consent_state(
            connection,
            configuration_of(request),
            actor_of(request, principal),
            booking_id,
            locale,
        )
    return answer(found)


@router.post(
    "/bookings/{booking_id}/recording-consent",
    response_model=Consent,
    status_code=201,
    responses=WRITING,
)
async def sign_consent(
    request: Request, booking_id: UUID, signature: ConsentSignature, principal: Person
) -> Response:
    """The patient's consent to record one session."""
    async with database_of(request).transaction() as connection:
        signed = await service.sign_consent(
            connection,
            configuration_of(request),
            actor_of(request, principal),
            booking_id,
            signature,
        )
    return answer(signed, 201)


@router.post("/session-recordings", response_model=Recording, status_code=201, responses=WRITING)
async def start(request: Request, draft: RecordingDraft, principal: Member) -> Response:
    """Begin a recording of a session that the patient agreed to record."""
    async with database_of(request).transaction() as connection:
        made = await service.start(connection, actor_of(request, principal), draft)
    return answer(made, 201)


@router.get("/session-recordings", response_model=RecordingList, responses=READING)
async def list_recordings(
    request: Request, principal: Person, client_id: UUID | None = None
) -> Response:
    """Your recordings; as a patient, the recordings of your sessions."""
    async with database_of(request).connection() as connection:
        found = await service.list_recordings(connection, actor_of(request, principal), client_id)
    return answer(found)


@router.get("/session-recordings/{recording_id}", response_model=Recording, responses=READING)
async def open_recording(request: Request, recording_id: UUID, principal: Member) -> Response:
    """What is needed to play one; logged for the patient."""
    async with database_of(request).transaction() as connection:
        found = await service.open_recording(connection, actor_of(request, principal), recording_id)
    return answer(found)


@router.put(
    "/session-recordings/{recording_id}/chunks/{number}",
    status_code=204,
    responses=WRITING,
    openapi_extra={"requestBody": {"required": True, "content": _BYTES}},
)
async def add_chunk(
    request: Request, recording_id: UUID, number: Number, principal: Member
) -> Response:
    """The next chunk, as ciphertext."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > service.LARGEST_CHUNK:
            raise InvalidRequestError("A chunk has 512 KiB and 16 bytes at most.", field="chunk")
    async with database_of(request).transaction() as connection:
        await service.add_chunk(
            connection, actor_of(request, principal), recording_id, number, bytes(content)
        )
    return no_content()


@router.get(
    "/session-recordings/{recording_id}/chunks/{number}",
    response_class=Response,
    responses={**READING, 200: {"content": _BYTES}},
)
async def read_chunk(
    request: Request, recording_id: UUID, number: Number, principal: Member
) -> Response:
    """A chunk as it was sent."""
    async with database_of(request).connection() as connection:
        content = await service.read_chunk(
            connection, actor_of(request, principal), recording_id, number
        )
    headers = {"Cache-Control": "no-store"}
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.post(
    "/session-recordings/{recording_id}/completion", response_model=Recording, responses=WRITING
)
async def complete(request: Request, recording_id: UUID, principal: Member) -> Response:
    """The recording has ended."""
    async with database_of(request).transaction() as connection:
        done = await service.complete(connection, actor_of(request, principal), recording_id)
    return answer(done)


@router.delete("/session-recordings/{recording_id}", status_code=204, responses=WRITING)
async def delete(request: Request, recording_id: UUID, principal: Person) -> Response:
    """Delete a recording for good: yours, or as a patient one of your session."""
    async with database_of(request).transaction() as connection:
        await service.delete(connection, actor_of(request, principal), recording_id)
    return no_content()
