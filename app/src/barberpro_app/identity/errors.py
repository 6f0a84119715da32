"""What can go wrong when somebody signs in or is not allowed."""

from __future__ import annotations

from types import MappingProxyType

from barberpro_app.kit.errors import AppError


class UnauthenticatedError(AppError):
    """Sign in, or send a valid access token."""

    code = "unauthenticated"
    status = 401
    headers = MappingProxyType({"WWW-Authenticate": 'Bearer realm="api"'})


class InvalidTokenError(UnauthenticatedError):
    """The access token is malformed, expired or not from here."""

    code = "invalid_token"
    headers = MappingProxyType({"WWW-Authenticate": 'Bearer realm="api", error="invalid_token"'})


class InsufficientScopeError(AppError):
    """The access token or the role does not permit this."""

    code = "insufficient_scope"
    status = 403

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope}.")
        challenge = f'Bearer realm="api", error="insufficient_scope", scope="{scope}"'
        self.headers = {"WWW-Authenticate": challenge}  # RFC 6750 §3.1


class CrossSiteRequestError(AppError):
    """The request came from another site, or its form is too old; load the page again."""

    code = "cross_site_request"
    status = 403


class LinkInvalidError(AppError):
    """The link was used already, has expired, or is not from here; ask for a new one."""

    code = "link_invalid"
    status = 410


class StaffConflictError(AppError):
    """There is a staff user with this e-mail address already."""

    code = "staff_exists"
    status = 409
    field = "email"


class LastOwnerError(AppError):
    """The last owner keeps the role: name another owner first."""

    code = "last_owner"
    status = 409
