"""Bodies of clinical records in the JSON API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Instant, Request, Sentence

#: What a person may write; other services append entries of their own kinds.
EntryKind = Literal[
    "anamnesis", "consultation", "evolution", "diagnosis", "indication", "study", "other"
]
KINDS: tuple[EntryKind, ...] = (
    "consultation", "evolution", "anamnesis", "diagnosis", "indication", "study", "other",
)  # fmt: skip
Level = Literal["none", "read", "add", "correct"]
Text = Annotated[Sentence, Field(min_length=1, max_length=20_000)]
Reason = Annotated[Sentence, Field(min_length=10, max_length=500)]


class EntryDraft(Request):
    """A new entry; `happened_at` is when it took place, now if it is left out."""

    kind: EntryKind = "evolution"
    text: Text
    happened_at: Instant | None = None


class CorrectionDraft(Request):
    """The right text, and why the entry was wrong; the wrong text stays."""

    text: Text
    reason: Reason


class EmergencyRequest(Request):
    """Why a record of another professional's patient must be opened; the patient sees it."""

    reason: Reason


class GrantDraft(Request):
    """What a member of the team may do with records (Ley 27.706 art. 7 a)."""

    level: Level
    all_patients: bool = False


class Entry(Answer):
    """One entry with its text; `hash` covers it and everything before it."""

    id: UUID
    number: int
    kind: str
    text: str
    reason: str
    corrects: UUID | None
    corrected_by: list[UUID]
    author_name: str
    author_licence: str
    happened_at: datetime
    written_at: datetime
    hash: str


class Record(Answer):
    """A patient's record. `intact`: nothing stored was changed, by the chain of hashes."""

    client_id: UUID
    client_name: str
    entries: list[Entry]
    intact: bool
    first_break: int | None
    keep_until: date | None
    level: Level
    emergency_until: datetime | None


class RecordExport(Record):
    """The patient's copy (Ley 26.529 art. 14): the record and who looked at it."""

    exported_at: datetime
    business: str
    accesses: list[LoggedAccess]


class LoggedAccess(Answer):
    """One look at a record."""

    id: UUID
    at: datetime
    actor_kind: str
    actor_name: str
    purpose: str
    reason: str


class AccessLog(Answer):
    """Newest first, at most 500."""

    items: list[LoggedAccess]


class EmergencyEntry(Answer):
    """Until when the record is open."""

    client_id: UUID
    until: datetime | None


class Grant(Answer):
    """A member of the team; `level` is null where it follows from the own agenda."""

    staff_id: UUID
    name: str
    role: str
    level: Level | None
    all_patients: bool


class GrantList(Answer):
    """The team."""

    items: list[Grant]


RecordExport.model_rebuild()
