"""Why somebody was not put on the list; the database functions name the code, this the status."""

from __future__ import annotations

import psycopg

from barberpro_app.booking import errors as booking_errors
from barberpro_app.kit.errors import AppError, ConflictError, InvalidRequestError, PolicyError
from barberpro_app.kit.idempotency import REFUSED


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


_BY_CODE: dict[str, type[AppError]] = {
    error.code: error
    for error in (
        WaitingListClosedError,
        NotTheseDaysError,
        AlreadyWaitingError,
        TooManyWaitingError,
    )
}


def refusal(error: psycopg.Error) -> AppError | None:
    """The app's error for a refusal by the database, or None if it is a fault."""
    kind = _BY_CODE.get(error.diag.message_primary or "")
    if error.sqlstate == REFUSED and kind is not None:
        return kind(error.diag.message_detail or "", field=error.diag.column_name or None)
    return booking_errors.refusal(error)
