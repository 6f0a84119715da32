"""Form tokens: only the browser that a form was shown to can send it, for some hours."""

from __future__ import annotations

import pytest
from fastapi import Request
from fastapi.responses import Response

from barberpro_app.identity.errors import CrossSiteRequestError
from barberpro_app.identity.forms import (
    FORM_SECONDS,
    VISITOR_COOKIE,
    FormTokens,
    remember_visitor,
    visitor_of,
)

KEY = bytes(range(32))


def _request(cookies: str = "") -> Request:
    headers = [(b"cookie", cookies.encode())] if cookies else []
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


def _returning(first: Request) -> Request:
    """The next request of the browser that made the first."""
    response = Response()
    remember_visitor(first, response)
    return _request(response.headers["set-cookie"].partition(";")[0])


def test_the_browser_that_was_shown_the_form_can_send_it() -> None:
    tokens = FormTokens(KEY)
    first = _request()
    token = tokens.token(first)
    tokens.check(_returning(first), token)
    with pytest.raises(CrossSiteRequestError):
        tokens.check(_request(), token)
    with pytest.raises(CrossSiteRequestError):
        tokens.check(_request(f"{VISITOR_COOKIE}={'x' * 22}"), token)


def test_a_session_s_form_is_not_another_session_s() -> None:
    tokens = FormTokens(KEY)
    token = tokens.token(_request("__Host-session=one"))
    tokens.check(_request("__Host-session=one"), token)
    with pytest.raises(CrossSiteRequestError):
        tokens.check(_request("__Host-session=two"), token)


def test_a_form_grows_old() -> None:
    now = [1_000_000.0]
    tokens = FormTokens(KEY, clock=lambda: now[0])
    request = _request("__Host-session=one")
    token = tokens.token(request)
    now[0] += FORM_SECONDS
    tokens.check(request, token)
    now[0] += 1
    with pytest.raises(CrossSiteRequestError):
        tokens.check(request, token)
    now[0] = 900_000.0  # from the future
    with pytest.raises(CrossSiteRequestError):
        tokens.check(request, token)


@pytest.mark.parametrize("token", ["", ".", "x.y", "ff.", "ñ.ñ", "0" * 500, "1.\u00e9" * 9, "-1.a"])
def test_what_is_not_a_token_is_refused(token: str) -> None:
    with pytest.raises(CrossSiteRequestError):
        FormTokens(KEY).check(_request("__Host-session=one"), token)


def test_another_deployment_s_token_is_refused() -> None:
    request = _request("__Host-session=one")
    with pytest.raises(CrossSiteRequestError):
        FormTokens(KEY).check(request, FormTokens(bytes(32)).token(request))


def test_a_planted_visitor_name_that_is_odd_is_replaced() -> None:
    request = _request(f"{VISITOR_COOKIE}=short")
    assert visitor_of(request) == visitor_of(request) != "short"
