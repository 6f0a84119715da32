"""Why a booking was refused; the database functions name the code, this names the status."""

from __future__ import annotations

import psycopg

from barberpro_app.kit.errors import (
    AppError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PolicyError,
    StaleVersionError,
)
from barberpro_app.kit.idempotency import IdempotencyKeyReusedError
from barberpro_app.kit.routines import refusals


class SlotTakenError(ConflictError):
    """This time is taken."""

    code = "slot_taken"
    field = "starts_at"


class SlotUnavailableError(ConflictError):
    """This time is not offered."""

    code = "slot_unavailable"


class SessionFullError(SlotTakenError):
    """So many seats are not left."""

    code = "session_full"
    field = "seats"


class SessionChangedError(ConflictError):
    """This was moved or cancelled; look at it again."""

    code = "session_changed"


class NotAGroupError(ConflictError):
    """This service is given to one client at a time."""

    code = "not_a_group"


class PaymentOverdueError(PolicyError):
    """A payment is overdue; booking is open again once it is paid."""

    code = "payment_overdue"


class CapacityBelowTakenError(ConflictError):
    """More seats are taken already."""

    code = "capacity_below_taken"


class NotOfferedError(ConflictError):
    """Nobody gives this service here."""

    code = "not_offered"


class HoldExpiredError(ConflictError):
    """The time is no longer kept for you; choose again."""

    code = "hold_expired"


class NotHeldError(ConflictError):
    """This is not a hold."""

    code = "not_held"


class AlreadyExtendedError(ConflictError):
    """A hold can be extended once."""

    code = "already_extended"


class NotChangeableError(ConflictError):
    """The booking's status does not permit this."""

    code = "not_changeable"


class NotRequestedError(ConflictError):
    """This is not a request."""

    code = "not_requested"


class RequestLapsedError(ConflictError):
    """The time to answer is over."""

    code = "request_lapsed"


class TooSoonError(PolicyError):
    """This starts sooner than the notice that is needed."""

    code = "too_soon"


class TooFarError(PolicyError):
    """This is further ahead than bookings are taken."""

    code = "too_far"


class TooLateToRescheduleError(PolicyError):
    """It is too late to move this booking."""

    code = "too_late_to_reschedule"


class TooLateToCancelError(PolicyError):
    """It is too late to cancel this booking."""

    code = "too_late_to_cancel"


class LateCancelCostsError(TooLateToCancelError):
    """Cancelling this class now costs its credit or deposit, or counts as missed."""

    code = "late_cancel_costs"


class TooManyHoldsError(PolicyError):
    """You keep too many times already; confirm or release one first."""

    code = "too_many_holds"


class DepositRequiredError(PolicyError):
    """A deposit has to be paid first."""

    code = "deposit_required"


class ProviderUnverifiedError(PolicyError):
    """The licence of this professional is not verified."""

    code = "provider_unverified"


class ClientBlockedError(PolicyError):
    """This booking cannot be made online; please contact us."""

    code = "client_blocked"


class TooManyNoShowsError(PolicyError):
    """After bookings that were missed, new ones are made with the team only."""

    code = "too_many_no_shows"


class NotTodayError(PolicyError):
    """The booking is on another day."""

    code = "not_today"


class NotYetError(PolicyError):
    """Clients check in shortly before the start."""

    code = "not_yet"


class ClientRequiredError(InvalidRequestError):
    """Say who the booking is for."""

    code = "client_required"


def _taken(error: psycopg.Error) -> AppError | None:
    """The rule that nothing can go round; everything else is a fault."""
    return SlotTakenError() if isinstance(error, psycopg.errors.ExclusionViolation) else None


refusal = refusals(
    (
        SlotTakenError,
        SessionFullError,
        SessionChangedError,
        NotAGroupError,
        CapacityBelowTakenError,
        PaymentOverdueError,
        SlotUnavailableError,
        NotOfferedError,
        HoldExpiredError,
        NotHeldError,
        NotRequestedError,
        RequestLapsedError,
        AlreadyExtendedError,
        NotChangeableError,
        TooSoonError,
        TooFarError,
        TooLateToRescheduleError,
        TooLateToCancelError,
        LateCancelCostsError,
        TooManyHoldsError,
        DepositRequiredError,
        ClientRequiredError,
        ClientBlockedError,
        ProviderUnverifiedError,
        TooManyNoShowsError,
        NotTodayError,
        NotYetError,
        IdempotencyKeyReusedError,
        NotFoundError,
        StaleVersionError,
    ),
    _taken,
)
