"""Why a series was refused; the database functions name the code, this names the status."""

from __future__ import annotations

from barberpro_app.booking import errors as booking_errors
from barberpro_app.kit.errors import ConflictError
from barberpro_app.kit.routines import refusals


class SeriesConflictsError(ConflictError):
    """Not every day can be had; say which of them may be left out, or choose another time."""

    code = "series_conflicts"


class NoCreditError(ConflictError):
    """There is no package with credits to pay with."""

    code = "no_credit"


refusal = refusals(
    (SeriesConflictsError, NoCreditError),
    booking_errors.refusal,
)
