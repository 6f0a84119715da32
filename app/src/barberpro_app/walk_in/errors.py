"""Why a turn was refused; the database functions name the code, this names the status."""

from __future__ import annotations

from barberpro_app.booking import errors as booking_errors
from barberpro_app.kit.errors import ConflictError
from barberpro_app.kit.routines import refusals


class NobodyFreeError(ConflictError):
    """Nobody is free for long enough now."""

    code = "nobody_free"


class NotWaitingError(ConflictError):
    """This turn is not waiting any more."""

    code = "not_waiting"


refusal = refusals((NobodyFreeError, NotWaitingError), booking_errors.refusal)
