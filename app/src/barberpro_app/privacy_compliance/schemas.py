"""Bodies of privacy in the JSON API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Locale, Name, Request, Sentence, Version
from barberpro_app.privacy_compliance.consents import Purpose
from barberpro_app.privacy_compliance.deadlines import Kind

State = Literal["open", "done", "partly", "refused"]


class RequestDraft(Request):
    """What somebody asks. `client_id` for a request that reached the team in another way."""

    kind: Kind
    detail: Annotated[Sentence, Field(max_length=2000)] = ""
    client_id: UUID | None = None


class Decision(Request):
    """How the team answers. An erasure is carried out, or refused, class by class."""

    state: Literal["done", "refused"]
    answer: Annotated[Sentence, Field(max_length=2000)] = ""
    version: Version


class ClassDecision(Answer):
    """What was decided about one class of data, and by which law."""

    record_class: str
    outcome: Literal["erased", "kept", "review", "none"]
    reason: str


class DataRequest(Answer):
    """One request with its deadline."""

    id: UUID
    client_id: UUID
    client_name: str
    kind: Kind
    detail: str
    state: State
    received_at: datetime
    due_at: datetime
    overdue: bool
    decided_at: datetime | None
    decided_by: str
    decision: list[ClassDecision]
    answer: str
    version: int


class DataRequestList(Answer):
    """Open ones first, those due soonest at the top."""

    items: list[DataRequest]


class ConsentDraft(Request):
    """An explicit yes to the text in force; `text_sha256` says which text was shown."""

    purpose: Literal["health_data", "news"]
    locale: Locale = "es-AR"
    text_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    signed_name: Name


class ConsentOffer(Answer):
    """A text that can be agreed to."""

    purpose: Purpose
    version: str
    locale: str
    text: str
    text_sha256: str


class Consent(Answer):
    """What somebody agreed to; it stays when it is revoked."""

    id: UUID
    purpose: str
    reference_id: UUID | None
    text_version: str
    locale: str
    text_sha256: str
    text: str
    signed_name: str
    how: str
    given_at: datetime
    revoked_at: datetime | None


class ConsentList(Answer):
    """What was agreed to, newest first, and what can be."""

    items: list[Consent]
    offers: list[ConsentOffer]


class PersonalData(Answer):
    """Everything kept about a person, by what keeps it. Sealed values are in the clinical copy."""

    exported_at: datetime
    business: str
    data: dict[str, list[dict[str, Any]]]
    clinical_entries: int
    working_notes: int
