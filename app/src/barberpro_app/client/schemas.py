"""Clients as staff see them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import (
    Answer,
    Email,
    Instant,
    Locale,
    Name,
    Phone,
    Request,
    Sentence,
    Version,
)

ClientNote = Annotated[Sentence, Field(max_length=2000)]


class Client(Answer):
    """A client; `note` is the staff's, not for the client."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    locale: str | None
    note: str
    version: int
    created_at: Instant


class ClientPage(Answer):
    """Clients in order of name; `next` is the `after` of the next page."""

    items: list[Client]
    next: str | None = None


class ClientDraft(Request):
    """A client to find by e-mail, or to make; what is given is written over what was there."""

    name: Name
    email: Email | None = None
    phone: Phone | None = None
    locale: Locale | None = None
    note: ClientNote | None = None


class ClientPatch(Request):
    """What to change of a client that was read at `version`."""

    version: Version
    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    locale: Locale | None = None
    note: ClientNote | None = None
