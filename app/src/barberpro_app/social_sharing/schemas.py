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
    """A post and how far it is."""

    id: UUID
    item_id: UUID
    state: Literal["pending", "container", "published", "failed"]
    attempts: int
    last_error: str
    created_at: Instant
    published_at: Instant | None


class Posts(Answer):
    """Newest first."""

    items: list[Post]
