"""Bodies of treatment plans in the JSON API. Money is integer hundredths of the plan's currency."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Centavos, Day, Line, Name, Request, Sentence, Version
from barberpro_app.odontogram.chart import TEETH

AlertKind = Literal["allergy", "medication", "condition", "other"]
Currency = Literal["ARS", "USD"]
PlanState = Literal["draft", "offered", "accepted", "rejected", "cancelled", "completed"]
StageState = Literal["pending", "started", "done", "cancelled"]
LabState = Literal["draft", "sent", "received", "returned", "fitted", "cancelled"]
Tooth = Annotated[int, Field(strict=True, json_schema_extra={"enum": sorted(TEETH)}, ge=11, le=85)]
Words = Annotated[Sentence, Field(min_length=1, max_length=500)]


class AlertDraft(Request):
    """What whoever treats the patient must know first."""

    kind: AlertKind
    text: Words


class Alert(Answer):
    """An alert in force."""

    id: UUID
    client_id: UUID
    kind: AlertKind
    text: str
    created_at: datetime


class AlertList(Answer):
    """The alerts in force of one patient."""

    items: list[Alert]


class CoverDraft(Request):
    """Obra social or prepaga, its plan, and the affiliate number."""

    insurer: Name
    plan: Annotated[Line, Field(max_length=80)] = ""
    affiliate_number: Annotated[Line, Field(max_length=40)] = ""


class Cover(Answer):
    """Who pays part of it; empty texts where nothing is on file."""

    client_id: UUID
    insurer: str
    plan: str
    affiliate_number: str


class StageDraft(Request):
    """One stage of a plan."""

    description: Words
    tooth: Tooth | None = None
    price: Annotated[Centavos, Field(strict=True)]


class PlanDraft(Request):
    """A plan to be offered; it can be changed until then."""

    title: Annotated[Line, Field(min_length=1, max_length=120)]
    currency: Currency = "ARS"
    stages: Annotated[list[StageDraft], Field(min_length=1, max_length=50)]


class PlanChange(PlanDraft):
    """The draft anew."""

    version: Version


class Offer(Request):
    """The estimate goes to the patient; it is good to the end of that day."""

    valid_until: Day
    version: Version


class Acceptance(Request):
    """An electronic signature (Ley 25.506 art. 5): the name, and the hash of what was read."""

    signed_name: Name
    document_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Rejection(Request):
    """The patient does not want it."""

    version: Version


class StageMove(Request):
    """How far a stage is."""

    state: StageState


class Stage(Answer):
    """A stage with its state."""

    number: int
    description: str
    tooth: int | None
    price: int
    state: StageState


class Plan(Answer):
    """A plan; `document` is what is signed, word for word, once it is offered."""

    id: UUID
    client_id: UUID
    client_name: str
    author_name: str
    title: str
    currency: Currency
    total: int
    state: PlanState
    expired: bool
    valid_until: date | None
    offered_at: datetime | None
    document: str
    document_sha256: str | None
    accepted_at: datetime | None
    accepted_name: str
    accepted_how: str
    stages: list[Stage]
    version: int


class PlanList(Answer):
    """Newest first."""

    items: list[Plan]


class LabDraft(Request):
    """Work for a dental laboratory."""

    laboratory: Name
    description: Words
    tooth: Tooth | None = None
    plan_id: UUID | None = None
    due_on: Day | None = None


class LabMove(Request):
    """The next state of an order."""

    state: LabState
    version: Version


class LabOrder(Answer):
    """An order; `next` are the states that it can go to."""

    id: UUID
    client_id: UUID
    plan_id: UUID | None
    laboratory: str
    description: str
    tooth: int | None
    state: LabState
    next: list[LabState]
    due_on: date | None
    late: bool
    version: int
    created_at: datetime


class LabList(Answer):
    """Newest first."""

    items: list[LabOrder]
