"""Access tokens of API clients: signed JWTs (RFC 7519, profile RFC 9068), verified without a query.

The process that checks a token is the one that made it, or a sister with the same key: a symmetric
signature (HS256) is enough, and the cheapest. The algorithm is fixed here, never taken from the
token, so a token cannot choose `none` or another key type (RFC 8725 §3.1).
"""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from barberpro_app.identity.errors import InvalidTokenError
from barberpro_app.identity.principal import SCOPES, Principal

TOKEN_SECONDS = 900
_ALGORITHM = "HS256"
_TYPE = "at+jwt"
_LONGEST = 4096
_CACHED = 1024


@dataclass(frozen=True, slots=True)
class ApiClient:
    """A program that may use the API: its key, its name and what it may do."""

    id: uuid.UUID
    name: str
    scopes: frozenset[str]


class AccessTokens:
    """Makes and checks tokens. `issuer` and audience are the deployment's public address."""

    def __init__(self, key: bytes, issuer: str, *, clock: Callable[[], float] = time.time) -> None:
        self._key = OctKey.import_key(key)
        self._issuer = issuer
        self._audience = f"{issuer.rstrip('/')}/api"
        self._clock = clock
        self._registry = jwt.JWTClaimsRegistry(
            now=lambda: int(clock()),
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            client_id={"essential": True},
            scope={"essential": True, "allow_blank": True},
        )
        self._cache: OrderedDict[str, tuple[float, Principal]] = OrderedDict()
        self._removed: frozenset[str] = frozenset()

    def issue(self, client: ApiClient, scopes: Iterable[str]) -> str:
        """A token for `TOKEN_SECONDS` with these scopes, which the caller has checked."""
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(client.id),
            "client_id": client.name,
            "scope": " ".join(sorted(scopes)),
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode({"alg": _ALGORITHM, "typ": _TYPE}, claims, self._key)

    def principal(self, token: str) -> Principal:
        """The API client of a valid token. Raises `InvalidTokenError`, and says no more."""
        known = self._cache.get(token)
        if known is None:
            known = self._verify(token)
            self._cache[token] = known
            if len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        expires, principal = known
        if expires <= self._clock() or principal.id in self._removed:
            self._cache.pop(token, None)
            raise InvalidTokenError
        return principal

    def forget_removed(self, removed: Iterable[str]) -> None:
        """From now on refuses the tokens of these clients (their keys as text)."""
        self._removed = frozenset(removed)

    def _verify(self, token: str) -> tuple[float, Principal]:
        if not token or len(token) > _LONGEST:
            raise InvalidTokenError
        try:
            decoded = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
            self._registry.validate(decoded.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidTokenError from error
        claims = decoded.claims
        if decoded.header.get("typ") != _TYPE:
            raise InvalidTokenError
        scopes = frozenset(str(claims["scope"]).split()) & SCOPES.keys()
        principal = Principal(
            "api", str(claims["sub"]), str(claims["client_id"]), scopes=frozenset(scopes)
        )
        return float(claims["exp"]), principal
