"""Calendars in the JSON API."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from barberpro_app.calendar_sync.entries import Detail
from barberpro_app.kit.schemas import Answer, Instant, Request, one_line

Address = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(one_line)]
Short = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(one_line)]


class FeedDraft(Request):
    """How much a feed tells; `anew` makes the old address nobody's."""

    detail: Detail = "service"
    anew: bool = False


class Feed(Answer):
    """An address to subscribe to: whoever has it sees the agenda, so it is a secret."""

    url: str
    detail: Detail
    read_at: Instant | None


class CalDavDraft(Request):
    """An account on a CalDAV server; where there are two ways in, an app password is the better one."""

    address: Address
    user: Short
    password: Short


class CalendarChoice(Request):
    """Which of the account's calendars, how much of a booking it shows, and what it is for."""

    calendar: Annotated[str, Field(min_length=1, max_length=1000)]
    detail: Detail = "service"
    writes: bool = True
    blocks: bool = True


class ChoosableCalendar(Answer):
    """A calendar of the account."""

    calendar: str
    title: str


class CalendarConnection(Answer):
    """A provider's calendar. `choosing`: until one is chosen; `refused`: the server does not let us in
    any more. `waiting` and `failed` count bookings that are not written there yet."""

    id: UUID
    provider_id: UUID
    provider_name: str
    kind: Literal["caldav", "google"]
    state: Literal["choosing", "active", "refused", "removing"]
    account: str
    calendar: str
    title: str
    choices: list[ChoosableCalendar]
    detail: Detail
    writes: bool
    blocks: bool
    unreadable: int
    waiting: int
    failed: int
    last_success_at: Instant | None
    last_error_at: Instant | None
    last_error: str | None


class CalendarConnections(Answer):
    """In the order of the business."""

    items: list[CalendarConnection]


class CalendarConflict(Answer):
    """`overlap`: an outside event lies on a booking; `moved`, `deleted`: our event there was. For a
    group's session (`is_session`) `booking_id` is the session's."""

    id: UUID
    kind: Literal["overlap", "moved", "deleted"]
    booking_id: UUID
    provider_id: UUID
    provider_name: str
    calendar_title: str
    code: str
    service: dict[str, str]
    client: str
    is_session: bool
    starts_at: Instant
    ends_at: Instant
    event_starts_at: Instant
    event_ends_at: Instant
    found_at: Instant


class CalendarConflicts(Answer):
    """Open ones, soonest first."""

    items: list[CalendarConflict]


class Decision(Request):
    """`kept`: the booking stands, and our event is put back where it was changed. `dismissed`: the
    outside event does not count, or our event stays as it was left there."""

    decision: Literal["kept", "dismissed"]
