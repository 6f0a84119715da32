"""Why a payment was refused."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from barberpro_app.booking import errors as booking_errors
from barberpro_app.kit.errors import AppError, ConflictError, InvalidRequestError
from barberpro_app.kit.routines import refusals


class NothingDueError(ConflictError):
    """There is nothing to pay."""

    code = "nothing_due"


class MoreThanDueError(InvalidRequestError):
    """This is more than is due."""

    code = "more_than_due"
    field = "amount_centavos"


class MoreThanPaidError(InvalidRequestError):
    """This is more than was paid and not yet given back."""

    code = "more_than_paid"
    field = "amount_centavos"


class NotSetUpError(ConflictError):
    """Payments online are not set up: there is no secret `mercado-pago-access-token`."""

    code = "payments_not_set_up"


class ProviderUnavailableError(AppError):
    """The payment provider does not answer; try again in a moment."""

    code = "provider_unavailable"
    status = 503
    headers: Mapping[str, str] = MappingProxyType({"Retry-After": "10"})


refusal = refusals((NothingDueError, MoreThanDueError, MoreThanPaidError), booking_errors.refusal)
