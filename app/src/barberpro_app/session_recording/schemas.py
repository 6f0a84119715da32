"""Bodies of recordings in the JSON API. Bytes are base64 (RFC 4648 §4)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Base64Bytes, Field

from barberpro_app.kit.schemas import Answer, Locale, Name, Request

MediaType = Literal["audio/webm", "video/webm", "audio/mp4", "video/mp4"]
LEAST_ITERATIONS = 600_000  # OWASP's floor for PBKDF2-HMAC-SHA256


class KeyDraft(Request):
    """A key pair made in the browser: SPKI of RSA-OAEP, and the PKCS #8 under a passphrase."""

    public_key: Annotated[Base64Bytes, Field(min_length=256, max_length=1024)]
    private_key_sealed: Annotated[Base64Bytes, Field(min_length=512, max_length=8192)]
    salt: Annotated[Base64Bytes, Field(min_length=16, max_length=64)]
    iterations: Annotated[int, Field(ge=LEAST_ITERATIONS, le=10_000_000)]


class Key(Answer):
    """What the browser needs to encrypt, and with the passphrase to decrypt."""

    id: UUID
    public_key: str
    private_key_sealed: str
    salt: str
    iterations: int
    active: bool
    created_at: datetime


class ConsentSignature(Request):
    """The patient's consent to record one session; the hash says which text was shown."""

    locale: Locale = "es-AR"
    text_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    signed_name: Name


class ConsentState(Answer):
    """The text to agree to, and since when it is agreed to for this session."""

    booking_id: UUID
    client_id: UUID
    text: str
    text_sha256: str
    locale: str
    given: bool


class RecordingDraft(Request):
    """A recording about to begin. `wrapped_key`: its AES key under the public key `key_id`."""

    booking_id: UUID
    key_id: UUID
    media_type: MediaType
    wrapped_key: Annotated[Base64Bytes, Field(min_length=256, max_length=1024)]
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 90


class Recording(Answer):
    """A recording's facts; its contents come chunk by chunk, as they were sent."""

    id: UUID
    booking_id: UUID
    client_id: UUID
    client_name: str
    key_id: UUID
    state: Literal["recording", "complete", "deleted"]
    media_type: MediaType
    wrapped_key: str
    chunks: int
    bytes: int
    started_at: datetime
    completed_at: datetime | None
    delete_on: date


class RecordingList(Answer):
    """Newest first."""

    items: list[Recording]
