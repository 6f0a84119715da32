"""Posts in the JSON API."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Instant, Request, Sentence


class PostDraft(Request):
    """The text under the photograph (Instagram: at most 2,200 characters)."""

    caption: Annotated[Sentence, Field(max_length=2200)] = ""


class Post(Answer):
    """A post and how far it is; `removed_at`: deleted at Instagram by a person."""

    id: UUID
    item_id: UUID
    service_name: dict[str, str]
    provider_name: str
    caption: str
    state: Literal["pending", "container", "published", "failed", "withdrawn"]
    permalink: str
    attempts: int
    next_attempt_at: Instant
    last_error: str
    created_at: Instant
    published_at: Instant | None
    removed_at: Instant | None
    item_state: str

    @property
    def to_delete(self) -> bool:
        """Published, and its client wants it shown no longer: somebody has to delete it there."""
        gone = self.item_state != "published"
        return self.state == "published" and gone and self.removed_at is None


class Posts(Answer):
    """Newest first."""

    items: list[Post]


class Quota(Answer):
    """Posts of the last 24 hours, and how many Instagram allows."""

    used: int
    total: int


class Connected(Answer):
    """The account that posts go to; its token is not shown to anybody. `refused_at`: Instagram takes
    the token no longer, and the owner has to connect again."""

    connected: bool
    by_operator: bool
    username: str
    connected_at: Instant | None
    expires_at: Instant | None
    refused_at: Instant | None
    last_error: str
    quota: Quota | None
