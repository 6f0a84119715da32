"""Measures and goals in the JSON API. Values are in the unit of their kind."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from barberpro_app.kit.schemas import Answer, Day, Line, Request, Sentence, Version

KindKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Value = Annotated[float, Field(ge=-100_000, le=100_000, allow_inf_nan=False)]
KindName = Annotated[Line, Field(min_length=1, max_length=80)]


class MeasureKindDraft(Request):
    """A measure that the business adds; `least` and `most` are what is plausible."""

    key: KindKey
    name_es: KindName
    name_en: KindName
    unit: Annotated[Line, Field(min_length=1, max_length=20)]
    least: Value
    most: Value
    decimals: Annotated[int, Field(ge=0, le=3)] = 1

    @model_validator(mode="after")
    def _in_order(self) -> MeasureKindDraft:
        if self.least >= self.most:
            raise ValueError("least must be below most")
        return self


class MeasureKindSwitch(Request):
    """Stops offering a measure, or offers it again; what was measured stays."""

    active: bool
    version: Version


class MeasureKind(Answer):
    """Something that can be measured; one from `activities` is counted by week, never typed."""

    key: str
    names: dict[str, str]
    unit: str
    least: float
    most: float
    decimals: int
    source: Literal["typed", "activities"]
    active: bool
    version: int


class MeasureKinds(Answer):
    """In the order of pages."""

    items: list[MeasureKind]


class MeasurementDraft(Request):
    """One value of a day; a second one of the same day takes the place of the first."""

    kind: KindKey
    value: Value
    measured_on: Day
    note: Annotated[Sentence, Field(max_length=300)] = ""


class Measurement(Answer):
    """A value; `id` is null for one that is counted from activities."""

    id: UUID | None
    kind: str
    measured_on: date
    value: float
    note: str
    written_by: Literal["client", "staff", "activities"]


class Measurements(Answer):
    """Oldest first."""

    items: list[Measurement]


class ProgressGoalDraft(Request):
    """Where to get, by when. Without `start_value` it starts from the latest measurement."""

    kind: KindKey
    target: Value
    by_day: Day
    start_value: Value | None = None


class ProgressGoal(Answer):
    """`done` is the part of the way, 0 to 1; `reached_on` the first day at or past the target."""

    id: UUID
    kind: str
    start_value: float
    target: float
    start_on: date
    by_day: date
    ended: bool
    latest: float | None
    done: float
    reached_on: date | None
    late: bool


class ProgressGoals(Answer):
    """Those that go on, then the ended ones."""

    items: list[ProgressGoal]
