"""FastAPI's view of identity: who asks, and what an endpoint requires.

An endpoint takes `principal: Principal = Depends(require_scope("bookings:write"))`; a page takes
`Depends(current_principal)`. The answer comes from a bearer token (RFC 6750) or, without one, from
the session cookie; it is worked out once per request.
"""

from __future__ import annotations

from typing import Protocol

from fastapi import Request
from fastapi.openapi.models import OAuth2, OAuthFlowClientCredentials, OAuthFlows
from fastapi.security.base import SecurityBase

from barberpro_app.identity.errors import InsufficientScopeError, UnauthenticatedError
from barberpro_app.identity.principal import (
    ANONYMOUS,
    PUBLIC_SCOPES,
    ROLE_SCOPES,
    ROLES,
    SCOPES,
    SYSTEM,
    Principal,
    PrincipalKind,
)
from barberpro_app.kit.errors import NotAllowedError
from barberpro_app.kit.requests import RequestInfo

__all__ = [
    "ANONYMOUS",
    "PUBLIC_SCOPES",
    "ROLES",
    "ROLE_SCOPES",
    "SCOPES",
    "SESSION_COOKIE",
    "SYSTEM",
    "Authenticator",
    "Principal",
    "PrincipalKind",
    "ScopeRequirement",
    "current_principal",
    "require_role",
    "require_scope",
    "require_signed_in",
]

#: The prefix makes browsers insist on Secure, Path=/ and no Domain (RFC 6265bis §4.1.3.2).
SESSION_COOKIE = "__Host-session"

_OAUTH2 = OAuth2(
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(tokenUrl="/oauth/token", scopes=SCOPES)
    )
)


class Authenticator(Protocol):
    """What the composition root puts at `app.state.authenticator`."""

    def principal_of_token(self, token: str) -> Principal:
        """The API client of a valid access token; raises `InvalidTokenError`."""
        ...

    async def principal_of_session(self, cookie: str) -> Principal:
        """Whose session this is; anonymous if it has ended."""
        ...


async def current_principal(request: Request) -> Principal:
    """Who asks. Raises `InvalidTokenError` for a bad bearer token, never for a stale cookie."""
    info = RequestInfo.of(request.scope)
    if isinstance(info.principal, Principal):
        return info.principal
    principal = await _authenticate(request)
    info.principal = principal
    info.actor = f"{principal.kind}:{principal.id}" if principal.id else principal.kind
    return principal


async def _authenticate(request: Request) -> Principal:
    authenticator: Authenticator = request.app.state.authenticator
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return authenticator.principal_of_token(token.strip())
    if cookie := request.cookies.get(SESSION_COOKIE):
        return await authenticator.principal_of_session(cookie)
    return ANONYMOUS


class ScopeRequirement(SecurityBase):
    """A dependency that lets pass only who has the scope; OpenAPI shows it."""

    model = _OAUTH2
    scheme_name = "oauth2"

    def __init__(self, scope: str) -> None:
        if scope not in SCOPES:
            raise ValueError(f"unknown scope {scope!r}")
        self.scope = scope

    async def __call__(self, request: Request) -> Principal:
        principal = await current_principal(request)
        if self.scope in principal.scopes:
            return principal
        if principal.is_anonymous:
            raise UnauthenticatedError
        raise InsufficientScopeError(self.scope)


def require_scope(scope: str) -> ScopeRequirement:
    """Dependency: the principal has this scope, else 401 (anonymous) or 403."""
    return ScopeRequirement(scope)


class RoleRequirement:
    """A dependency that lets pass only staff with one of the roles."""

    def __init__(self, roles: frozenset[str]) -> None:
        self.roles = roles

    async def __call__(self, request: Request) -> Principal:
        principal = await current_principal(request)
        if principal.has_role(*self.roles):
            return principal
        if principal.is_anonymous:
            raise UnauthenticatedError
        raise NotAllowedError


def require_role(*roles: str) -> RoleRequirement:
    """Dependency: signed-in staff with one of these roles, else 401 (anonymous) or 403."""
    if unknown := set(roles) - set(ROLES):
        raise ValueError(f"unknown roles {sorted(unknown)}")
    return RoleRequirement(frozenset(roles))


async def require_signed_in(request: Request) -> Principal:
    """Dependency: anybody but anonymous, else 401."""
    principal = await current_principal(request)
    if principal.is_anonymous:
        raise UnauthenticatedError
    return principal
