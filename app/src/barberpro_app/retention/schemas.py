"""How long what is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Request

#: The longest that data without a legal floor may be kept (the manual's `data_retention_maximum`).
MOST_MONTHS = 120
BodyMonths = Annotated[int, Field(ge=6, le=MOST_MONTHS)]
WalkInDays = Annotated[int, Field(ge=1, le=365)]
WaitingMonths = Annotated[int, Field(ge=1, le=60)]


class RetentionRules(Answer):
    """`body_months`: without a visit or an entry of theirs, until a person's measures, activities and
    meal plans go; `walk_in_days`: the queue of walk-ins; `waiting_months`: wishes that are closed."""

    body_months: int
    walk_in_days: int
    waiting_months: int
    version: int


class RetentionChange(Request):
    """What the owner sets; `version` as read, 0 at first."""

    version: Annotated[int, Field(ge=0, le=2_147_483_647)]
    body_months: BodyMonths = 36
    walk_in_days: WalkInDays = 30
    waiting_months: WaitingMonths = 12
