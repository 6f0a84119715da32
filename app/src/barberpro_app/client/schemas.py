"""Clients as staff see them."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from barberpro_app.kit.schemas import (
    Answer,
    Email,
    Instant,
    Line,
    Locale,
    Name,
    Phone,
    Request,
    Sentence,
    Version,
)

ClientNote = Annotated[Sentence, Field(max_length=2000)]
Reason = Annotated[Line, Field(min_length=1, max_length=200)]
MOST_TAGS = 10


def _distinct(tags: list[str]) -> list[str]:
    """In order, each once whatever its capitals."""
    kept: dict[str, str] = {}
    for tag in tags:
        if tag:
            kept.setdefault(tag.casefold(), tag)
    return sorted(kept.values(), key=str.casefold)


Tag = Annotated[Line, Field(min_length=1, max_length=30)]
Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS), AfterValidator(_distinct)]


class Client(Answer):
    """A client; `note`, `tags` and why somebody is blocked are the staff's, not for the client.

    The record of a person whose two records were made one is answered for both keys.
    """

    id: UUID
    name: str
    email: str | None
    phone: str | None
    locale: str | None
    note: str
    tags: list[str] = Field(default_factory=list)
    preferred_provider_id: UUID | None = None
    blocked_at: Instant | None = None
    blocked_reason: str = ""
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
    tags: Tags | None = None
    preferred_provider_id: UUID | None = None


class ClientPatch(Request):
    """What to change of a client that was read at `version`; `remove` empties fields."""

    version: Version
    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    locale: Locale | None = None
    note: ClientNote | None = None
    tags: Tags | None = None
    preferred_provider_id: UUID | None = None
    remove: Annotated[
        list[Literal["email", "phone", "locale", "preferred_provider_id"]], Field(max_length=4)
    ] = Field(default_factory=list)


class Block(Request):
    """Closes booking online to a client; the team books as before. The client is not told why."""

    version: Version
    reason: Reason


class Unblock(Request):
    """Opens booking online again."""

    version: Version


Readers = Literal["everybody", "desk", "management", "author"]


class TeamNoteDraft(Request):
    """A note for `everybody` of the team, the front `desk` (not providers), `management` (owner and
    managers) or nobody but its `author`."""

    readers: Readers
    text: Annotated[Sentence, Field(min_length=1, max_length=2000)]


class TeamNote(Answer):
    """A note; the author's name is empty where it came with a merged record."""

    id: UUID
    readers: Readers
    text: str
    author_name: str
    own: bool
    created_at: Instant


class TeamNoteList(Answer):
    """The notes that the reader may see, newest first."""

    items: list[TeamNote]


class Choices(Request):
    """Whose value the record has afterwards; where one has none, the other's. With `signs_in` the
    person signs in by either e-mail. `exclusive`: whose body data stay where both have some that a
    person can have but once (a measure of one day, an activity at one time, an open goal); without a
    word such records are not made one."""

    name: Literal["kept", "gone"] = "kept"
    email: Literal["kept", "gone"] = "kept"
    phone: Literal["kept", "gone"] = "kept"
    locale: Literal["kept", "gone"] = "kept"
    signs_in: bool = False
    exclusive: Literal["kept", "gone"] | None = None


class MergeRequest(Request):
    """Makes the record `other_id` part of this one, as both were read. It cannot be undone."""

    other_id: UUID
    version: Version
    other_version: Version
    choices: Choices = Choices()


class MergeResult(Answer):
    """The record that is kept, and how many rows of which table went over to it."""

    client: Client
    moved: dict[str, int]


Trait = Literal["email", "name", "phone"]


class Pair(Answer):
    """Two records that may be of one person, and what they have in common."""

    one: Client
    other: Client
    why: list[Trait]


class PairList(Answer):
    """The likeliest first."""

    items: list[Pair]


class NotSame(Request):
    """These are two people: they are not suggested again."""

    other_id: UUID
