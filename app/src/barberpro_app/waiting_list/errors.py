"""Why somebody was not put on the list; the database functions name the code, this the status."""

from __future__ import annotations

from barberpro_app.booking import errors as booking_errors
from barberpro_app.kit.errors import ConflictError, InvalidRequestError, PolicyError
from barberpro_app.kit.routines import refusals


class WaitingListClosedError(PolicyError):
    """There is no waiting list here."""

    code = "waiting_list_closed"


class NotTheseDaysError(InvalidRequestError):
    """These days cannot be waited for."""

    code = "not_these_days"


class AlreadyWaitingError(ConflictError):
    """You are waiting for this already."""

    code = "already_waiting"


class TooManyWaitingError(PolicyError):
    """You are on this list too often already."""

    code = "too_many_waiting"


refusal = refusals(
    (
        WaitingListClosedError,
        NotTheseDaysError,
        AlreadyWaitingError,
        TooManyWaitingError,
    ),
    booking_errors.refusal,
)
