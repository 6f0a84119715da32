"""Why a turn was refused; the database functions name the code, this names the status."""

from __future__ import annotations

import psycopg

from barberpro_app.booking import errors as booking_errors
from barberpro_app.kit.errors import AppError, ConflictError
from barberpro_app.kit.idempotency import REFUSED


class NobodyFreeError(ConflictError):
    """Nobody is free for long enough now."""

    code = "nobody_free"


class NotWaitingError(ConflictError):
    """This turn is not waiting any more."""

    code = "not_waiting"


_BY_CODE: dict[str, type[AppError]] = {
    error.code: error for error in (NobodyFreeError, NotWaitingError)
}


def refusal(error: psycopg.Error) -> AppError | None:
    """The app's error for a refusal by the database, or None if it is a fault."""
    kind = _BY_CODE.get(error.diag.message_primary or "")
    if error.sqlstate == REFUSED and kind is not None:
        return kind(error.diag.message_detail or "", field=error.diag.column_name or None)
    return booking_errors.refusal(error)
