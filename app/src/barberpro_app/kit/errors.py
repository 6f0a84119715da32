"""The one base of the app's errors; a subclass's docstring is its message, its attributes the answer.

Endpoints and pages raise them; the composition root turns them into problem details (RFC 9457) or
a page. Pages translate by `code`; `detail` is English and for callers of the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar


class AppError(Exception):
    """The request could not be carried out."""

    code: ClassVar[str] = "failed"
    status: ClassVar[int] = 500
    field: str | None = None
    #: Extra response headers, such as Retry-After; an instance may have its own.
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, message: str = "", *, field: str | None = None) -> None:
        self.message = message or " ".join((type(self).__doc__ or "").split())
        if field is not None:
            self.field = field
        super().__init__(self.message)


class InvalidRequestError(AppError):
    """The request is not valid."""

    code = "invalid_request"
    status = 422


class NotFoundError(AppError):
    """There is no such thing, or it is not yours to see."""

    code = "not_found"
    status = 404


class NotAllowedError(AppError):
    """You may not do this."""

    code = "not_allowed"
    status = 403


class ConflictError(AppError):
    """The current state does not permit this."""

    code = "conflict"
    status = 409


class StaleVersionError(ConflictError):
    """Somebody else changed this since you read it; read it again and decide anew."""

    code = "stale_version"


class PolicyError(AppError):
    """The policy of this business does not permit this."""

    code = "policy"
    status = 409


class UnavailableError(AppError):
    """The database does not answer; try again in a moment."""

    code = "unavailable"
    status = 503
    headers: Mapping[str, str] = MappingProxyType({"Retry-After": "5"})


class ConfigurationError(Exception):
    """The configuration is not valid: exit code 2, with what, where and how to mend."""


class DuplicateError(ConflictError):
    """There is one already with this key."""

    code = "duplicate"
