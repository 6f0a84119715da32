"""Why a credit was refused."""

from __future__ import annotations

import psycopg

from barberpro_app.kit.errors import AppError, ConflictError
from barberpro_app.kit.idempotency import REFUSED
from barberpro_app.payment import errors as payment_errors


class NoCreditError(ConflictError):
    """There is no credit for this service on this day."""

    code = "no_credit"


class MembershipEndedError(ConflictError):
    """This membership was ended by its client."""

    code = "membership_ended"


def refusal(error: psycopg.Error) -> AppError | None:
    """The app's error for a refusal by the database, or None if it is a fault."""
    for known in (NoCreditError, MembershipEndedError):
        if error.sqlstate == REFUSED and error.diag.message_primary == known.code:
            return known(error.diag.message_detail or "")
    return payment_errors.refusal(error)
