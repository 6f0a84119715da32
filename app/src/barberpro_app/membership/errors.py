"""Why a credit was refused."""

from __future__ import annotations

from barberpro_app.kit.errors import ConflictError
from barberpro_app.kit.routines import refusals
from barberpro_app.payment import errors as payment_errors


class NoCreditError(ConflictError):
    """There is no credit for this service on this day."""

    code = "no_credit"


class MembershipEndedError(ConflictError):
    """This membership was ended by its client."""

    code = "membership_ended"


refusal = refusals((NoCreditError, MembershipEndedError), payment_errors.refusal)
