"""Bodies of the odontogram in the JSON API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from barberpro_app.kit.schemas import Answer, Request, Sentence
from barberpro_app.odontogram.chart import Finding, State, Surface, problem


class FindingDraft(Request):
    """A finding; without a surface it is of the whole tooth."""

    tooth: Annotated[int, Field(ge=11, le=85, strict=True)]
    surface: Surface | None = None
    state: State
    note: Annotated[Sentence, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> FindingDraft:
        wrong = problem(Finding(self.tooth, self.surface, self.state))
        if wrong:
            raise ValueError(f"no such {wrong} for this tooth (FDI two-digit notation)")
        return self


class FindingsDraft(Request):
    """What was found at one look; one entry of the clinical record."""

    findings: Annotated[list[FindingDraft], Field(min_length=1, max_length=200)]


class FindingAnswer(Answer):
    """A finding with when it was written."""

    tooth: int
    surface: Surface | None
    state: State
    note: str
    at: datetime | None
    entry_id: UUID | None


class ToothAnswer(Answer):
    """A tooth now, and everything found on it, oldest first."""

    number: int
    whole: FindingAnswer | None
    surfaces: list[FindingAnswer]
    history: list[FindingAnswer]


class ChartAnswer(Answer):
    """Teeth about which something is known."""

    client_id: UUID
    teeth: list[ToothAnswer]
