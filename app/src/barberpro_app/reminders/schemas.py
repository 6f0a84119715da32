"""Rules of reminders, and the owner's settings of messages, as the API shows and takes them."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Request, Version

Kind = Literal["booking_reminder", "booking_ask"]
RuleChannel = Literal["preferred", "email", "whatsapp"]
MinutesBefore = Annotated[int, Field(ge=30, le=43200)]
MinuteOfDay = Annotated[int, Field(ge=0, le=1439)]


class ReminderRule(Answer):
    """`booking_ask` asks whether the client comes; `made` and `dropped` count the last 30 days."""

    id: UUID
    kind: Kind
    minutes_before: int
    channel: RuleChannel
    active: bool
    version: int
    made: int = 0
    dropped: int = 0


class ReminderRules(Answer):
    """The rules, earliest reminder first."""

    items: list[ReminderRule]


class ReminderRuleDraft(Request):
    """A new rule."""

    kind: Kind = "booking_reminder"
    minutes_before: MinutesBefore
    channel: RuleChannel = "preferred"


class ReminderRulePatch(Request):
    """Turns a rule, read at `version`, on or off."""

    version: Version
    active: bool


class MessagePreferences(Answer):
    """`quiet_from` and `quiet_to` are minutes of the day in the brand's zone; equal: none."""

    whatsapp: bool
    quiet_from: int
    quiet_to: int
    version: int


class MessagePreferencesChange(Request):
    """What the owner sets; `version` as read, 0 at first."""

    version: Annotated[int, Field(ge=0, le=2_147_483_647)]
    whatsapp: bool
    quiet_from: MinuteOfDay
    quiet_to: MinuteOfDay
