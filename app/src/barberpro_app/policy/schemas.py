"""Policies as the API shows and takes them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Request
from barberpro_app.settings import Policies


class EffectivePolicies(Answer):
    """The policies that hold now; `version` 0 means that the owner changed none."""

    policies: Policies
    version: int


class PoliciesPatch(Request):
    """What to change of the policies that were read at `version`."""

    version: Annotated[int, Field(ge=0, le=2_147_483_647)]
    hold_minutes: Annotated[int, Field(ge=1, le=120)] | None = None
    slot_minutes: Annotated[int, Field(ge=5, le=240)] | None = None
    booking_window_days: Annotated[int, Field(ge=1, le=365)] | None = None
    minimum_notice_minutes: Annotated[int, Field(ge=0, le=43200)] | None = None
    cancel_notice_hours: Annotated[int, Field(ge=0, le=720)] | None = None
    reschedule_notice_hours: Annotated[int, Field(ge=0, le=720)] | None = None
