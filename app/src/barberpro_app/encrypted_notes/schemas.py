"""Bodies of notes in the JSON API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Request, Sentence, Version

Text = Annotated[Sentence, Field(min_length=1, max_length=20_000)]


class NoteDraft(Request):
    """A new note."""

    text: Text


class NotePatch(Request):
    """The note's new text."""

    text: Text
    version: Version


class NoteSearch(Request):
    """Whole words, all of which the note has. In a body, so that no log of addresses keeps them."""

    words: Annotated[Sentence, Field(min_length=3, max_length=200)]
    client_id: UUID | None = None


class Note(Answer):
    """A note of the reader's own."""

    id: UUID
    client_id: UUID
    client_name: str
    text: str
    version: int
    created_at: datetime
    updated_at: datetime


class NoteList(Answer):
    """Newest first, at most 200."""

    items: list[Note]
