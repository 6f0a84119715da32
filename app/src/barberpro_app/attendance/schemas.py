"""Rules of missed bookings and a client's score, as the API shows and takes them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Instant, Line, Request

Reason = Annotated[Line, Field(min_length=1, max_length=200)]


class AttendanceRules(Answer):
    """`days`: how long a missed booking counts; `block_from`: from how many on a client books with the
    team only, null: never; `check_in_minutes`: how long before the start clients check in alone."""

    days: int
    block_from: int | None
    check_in_minutes: int
    version: int


class AttendanceRulesChange(Request):
    """What the owner sets; `version` as read, 0 at first."""

    version: Annotated[int, Field(ge=0, le=2_147_483_647)]
    days: Annotated[int, Field(ge=1, le=3650)] = 365
    block_from: Annotated[int, Field(ge=1, le=100)] | None = None
    check_in_minutes: Annotated[int, Field(ge=0, le=720)] = 120


class Pardon(Answer):
    """Why a missed booking does not count any more, and who said so."""

    reason: str
    given_by: str
    given_at: Instant


class Missed(Answer):
    """A missed booking; `counts` while it is recent enough and not forgiven."""

    booking_id: UUID
    code: str
    starts_at: Instant
    zone: str
    service: dict[str, str]
    provider: str
    counts: bool
    pardon: Pardon | None


class Score(Answer):
    """How reliably a client comes: `missed` counts against them, `came` in the same `days`."""

    client_id: UUID
    name: str
    missed: int
    came: int
    days: int
    blocked: bool
    items: list[Missed]


class Forgiveness(Request):
    """Why a missed booking is forgiven."""

    reason: Reason
