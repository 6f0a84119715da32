"""Form tokens: a form is accepted from the browser that it was shown to, for some hours.

The token is an HMAC over the time and the visitor: the session, or before sign-in a random cookie
(signed double submit, OWASP CSRF cheat sheet). It stands behind the check of where a request comes
from (`kit.crosssite`), for browsers that do not say.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable

from fastapi import Request
from fastapi.responses import Response

from barberpro_app.identity.auth import SESSION_COOKIE
from barberpro_app.identity.errors import CrossSiteRequestError

VISITOR_COOKIE = "__Host-visitor"
FORM_FIELD = "form_token"
FORM_SECONDS = 12 * 3600
_VISITOR = re.compile(r"[A-Za-z0-9_-]{22}")
_STATE = "barberpro.visitor"


class FormTokens:
    """Makes and checks the tokens of one deployment; at `app.state.form_tokens`."""

    def __init__(self, key: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._key = hmac.digest(key, b"form tokens", hashlib.sha256)
        self._clock = clock

    def token(self, request: Request) -> str:
        """For the hidden field `form_token` of a page; `remember_visitor` the answer as well."""
        moment = format(int(self._clock()), "x")
        return f"{moment}.{self._mac(moment, _binding(request))}"

    def check(self, request: Request, token: str) -> None:
        """Raises `CrossSiteRequestError` for a token that is missing, old or another visitor's."""
        moment, _, mac = token.partition(".")
        binding = _binding(request)
        if not re.fullmatch(r"[0-9a-f]{1,12}", moment) or not mac.isascii():
            raise CrossSiteRequestError
        if not hmac.compare_digest(mac, self._mac(moment, binding)):
            raise CrossSiteRequestError
        age = self._clock() - int(moment, 16)
        if not -60 <= age <= FORM_SECONDS:
            raise CrossSiteRequestError

    def _mac(self, moment: str, binding: str) -> str:
        mac = hmac.digest(self._key, f"{moment}\n{binding}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac[:24]).decode()


def visitor_of(request: Request) -> str:
    """A random name of this browser, from its cookie or made now; also who holds a slot."""
    known = request.scope.get(_STATE) or request.cookies.get(VISITOR_COOKIE, "")
    if not isinstance(known, str) or not _VISITOR.fullmatch(known):
        known = secrets.token_urlsafe(16)
    request.scope[_STATE] = known
    return known


def remember_visitor(request: Request, response: Response) -> None:
    """Sets the visitor's cookie if the browser does not have it yet; ends with the browser."""
    name = visitor_of(request)
    if request.cookies.get(VISITOR_COOKIE) != name:
        response.set_cookie(
            VISITOR_COOKIE, name, path="/", secure=True, httponly=True, samesite="lax"
        )


def _binding(request: Request) -> str:
    session = request.cookies.get(SESSION_COOKIE, "")
    return f"session:{session}" if session else f"visitor:{visitor_of(request)}"
