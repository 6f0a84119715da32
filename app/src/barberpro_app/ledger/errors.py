"""Why the books refused an entry."""

from __future__ import annotations

from barberpro_app.kit.errors import AppError


class UnbalancedError(AppError):
    """The lines do not add up to zero: a fault of the program, never of the caller."""

    code = "unbalanced"
    status = 500


class AccountError(AppError):
    """There is no such account, or it is kept by client and the line names none."""

    code = "account"
    status = 500


class EntryKeyReusedError(AppError):
    """This key belongs to an entry with other content."""

    code = "idempotency_key_reused"
    status = 409
