"""What may be wrong with a calendar: for people (`AppError`), and for the worker (`PeerError`)."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from barberpro_app.kit.errors import ConflictError, InvalidRequestError

Verdict = Literal["refused", "limited", "unreachable", "later", "rejected", "expired"]
FIRST_LIMIT = timedelta(seconds=60)
LONGEST_LIMIT = timedelta(hours=1)


class PeerError(Exception):
    """What a calendar server's answer means.

    `refused`: it does not let us in; `limited`: we ask too much, nothing before `wait`;
    `unreachable`: no server, or none that we may talk to; `later`: it failed at this;
    `rejected`: it will never take this; `expired`: the sync token is no longer good.
    """

    def __init__(self, verdict: Verdict, reason: str, wait: timedelta = timedelta()) -> None:
        self.verdict: Verdict = verdict
        self.reason = reason
        self.wait = wait
        super().__init__(reason)


def wait_of(retry_after: str) -> timedelta:
    """Retry-After in seconds (RFC 9110 §10.2.3), within bounds; a minute where there is none."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(
            max(timedelta(seconds=int(retry_after[:6])), timedelta(seconds=1)), LONGEST_LIMIT
        )
    return FIRST_LIMIT


class CalendarAddressError(InvalidRequestError):
    """This is not an address of a calendar server on the Internet: it begins with https://."""

    code = "calendar_address"
    field = "address"


class CalendarRefusedError(InvalidRequestError):
    """The calendar server does not accept this user and password."""

    code = "calendar_refused"
    field = "password"


class NoCalendarsError(InvalidRequestError):
    """There is no calendar at this address into which bookings can be written."""

    code = "no_calendars"
    field = "address"


class CalendarUnreachableError(InvalidRequestError):
    """Nobody answers at this address, or not now; see whether it is right, and try again."""

    code = "calendar_unreachable"
    field = "address"


class GoogleNotSetUpError(ConflictError):
    """Google Calendar is not set up: it needs `google-client-id` and `google-client-secret`."""

    code = "google_not_set_up"


class GoogleDeniedError(ConflictError):
    """Google did not give access; begin again from the calendars' page."""

    code = "google_denied"
