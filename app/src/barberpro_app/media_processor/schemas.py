"""What a photograph looks like to callers."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from barberpro_app.kit.schemas import Answer, Instant


class MediaVariant(Answer):
    """A published file at `/media/{name}`; sizes in pixels and bytes."""

    name: str
    media_type: Literal["image/webp", "image/jpeg"]
    width: int
    height: int
    bytes: int


class Media(Answer):
    """A photograph and how far it is; `reason` says why it was refused."""

    id: UUID
    state: Literal["pending", "ready", "refused", "deleted"]
    reason: str
    bytes: int
    width: int | None
    height: int | None
    created_at: Instant
    variants: list[MediaVariant]
