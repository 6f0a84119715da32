"""Tokens: the client credentials grant by the letter, and no way round the signature."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from support_accounts import OPERATOR, ORIGIN, Accounts, Caller, bearer

from barberpro_app.identity.clients import (
    ApiClientExistsError,
    create_api_client,
    remove_api_client,
)
from barberpro_app.identity.errors import InvalidTokenError
from barberpro_app.identity.principal import SCOPES
from barberpro_app.identity.repository import removed_api_clients
from barberpro_app.identity.tokens import TOKEN_SECONDS, AccessTokens, ApiClient
from barberpro_app.kit.errors import InvalidRequestError
from barberpro_app.kit.ratelimit import RateLimiter

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def accounts(tmp_path: Path, migrated_url: str) -> Accounts:
    return Accounts.make(tmp_path, migrated_url)


@pytest.fixture
def browser(accounts: Accounts) -> Iterator[Caller]:
    with accounts.browser() as caller:
        yield caller


def _client(accounts: Accounts, *scopes: str, name: str = "program") -> tuple[str, str]:
    made = accounts.run(lambda c: create_api_client(c, OPERATOR, name, scopes or ("audit:read",)))
    return made.name, made.secret


def test_a_token_by_basic_and_by_form(accounts: Accounts, browser: Caller) -> None:
    name, secret = _client(accounts, "bookings:read", "audit:read")
    ways: list[dict[str, Any]] = [
        {"data": GRANT, "auth": (name, secret)},
        {"data": {**GRANT, "client_id": name, "client_secret": secret}},
        {"data": {**GRANT, "client_id": name, "scope": "audit:read"}, "auth": (name, secret)},
    ]
    for way in ways:
        answer = browser.post("/oauth/token", **way)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        body = answer.json()
        assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
        assert (body["token_type"], body["expires_in"]) == ("Bearer", TOKEN_SECONDS)
        me = browser.get("/api/v1/me", headers=bearer(body["access_token"])).json()
        assert (me["kind"], me["name"], me["roles"]) == ("api", name, [])
        assert " ".join(me["scopes"]) == body["scope"]
    assert body["scope"] == "audit:read"
    assert secret not in str(accounts.rows("SELECT a::text FROM api_client a"))


REFUSALS: list[tuple[dict[str, Any], int, str]] = [
        ({"data": GRANT}, 401, "invalid_client"),
        ({"data": GRANT, "auth": ("program", "wrong")}, 401, "invalid_client"),
        ({"data": GRANT, "auth": ("nobody", "wrong")}, 401, "invalid_client"),
        ({"data": GRANT, "headers": {"Authorization": "Bearer x"}}, 401, "invalid_client"),
        ({"data": GRANT, "headers": {"Authorization": "Basic !!"}}, 401, "invalid_client"),
        ({"data": {}, "auth": "own"}, 400, "invalid_request"),
        ({"data": {"grant_type": "password"}, "auth": "own"}, 400, "unsupported_grant_type"),
        ({"data": {**GRANT, "scope": "audit:read clients:read"}, "auth": "own"}, 400, "invalid_scope"),
        ({"data": {**GRANT, "client_secret": "x"}, "auth": "own"}, 400, "invalid_request"),
        ({"data": {**GRANT, "client_id": "other"}, "auth": "own"}, 400, "invalid_request"),
        ({"json": GRANT, "auth": "own"}, 400, "invalid_request"),
        ({"content": "grant_type=client_credentials&grant_type=x", "auth": "own",
          "headers": {"content-type": "application/x-www-form-urlencoded"}}, 400, "invalid_request"),
        ({"content": b"grant_type=%ff%fe\xff", "auth": "own",
          "headers": {"content-type": "application/x-www-form-urlencoded"}}, 400, "invalid_request"),
        ({"data": {**GRANT, "x": "y" * 9000}, "auth": "own"}, 400, "invalid_request"),
        ({"data": {**GRANT, "client_id": "a\0b", "client_secret": "x"}}, 400, "invalid_request"),
]  # fmt: skip


def test_refusals_are_those_of_the_standard(accounts: Accounts, browser: Caller) -> None:
    own = _client(accounts)
    for options, status, error in REFUSALS:
        sent = {**options, "auth": own} if options.get("auth") == "own" else options
        answer = browser.post("/oauth/token", **sent)
        assert (answer.status_code, answer.json()["error"]) == (status, error), options
        assert answer.headers["cache-control"] == "no-store"
        assert set(answer.json()) == {"error", "error_description"}
        if status == 401:
            assert answer.headers["www-authenticate"].startswith("Basic ")


def test_secrets_with_any_sign_survive_basic(accounts: Accounts, browser: Caller) -> None:
    """RFC 6749 §2.3.1: both parts are form-encoded before base64."""
    name, secret = _client(accounts)
    encoded = base64.b64encode(f"{name}:{secret.replace('-', '%2D')}".encode()).decode()
    answer = browser.post("/oauth/token", data=GRANT, headers={"Authorization": f"Basic {encoded}"})
    assert answer.status_code == 200


def test_guessing_a_secret_is_slowed_down(accounts: Accounts, browser: Caller) -> None:
    name, secret = _client(accounts)
    # no time passes, however slow the machine is
    browser.app.state.rate_limiter = RateLimiter(clock=lambda: 1000.0)
    for _ in range(10):
        assert browser.post("/oauth/token", data=GRANT, auth=(name, "no")).status_code == 401
    answer = browser.post("/oauth/token", data=GRANT, auth=(name, secret))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    other = _client(accounts, name="other")
    assert browser.post("/oauth/token", data=GRANT, auth=other).status_code == 200


def test_what_a_bearer_is_told(accounts: Accounts, browser: Caller) -> None:
    """RFC 6750 §3: a challenge, with the error only where a token was sent."""
    anonymous = browser.get("/api/v1/staff")
    assert (anonymous.status_code, anonymous.headers["www-authenticate"]) == (
        401,
        'Bearer realm="api"',
    )
    bad = browser.get("/api/v1/staff", headers=bearer("nonsense"))
    assert bad.status_code == 401
    assert 'error="invalid_token"' in bad.headers["www-authenticate"]
    token = accounts.token(browser, "audit:read")
    narrow = browser.get("/api/v1/staff", headers=bearer(token))
    assert narrow.status_code == 403
    assert 'error="insufficient_scope", scope="settings:read"' in narrow.headers["www-authenticate"]
    assert narrow.json()["code"] == "insufficient_scope"


KEY = bytes(range(32))
CLIENT = ApiClient(UUID(int=5), "program", frozenset({"audit:read"}))


def _claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "iss": ORIGIN, "aud": f"{ORIGIN}/api", "sub": "x", "client_id": "program",
        "scope": "audit:read", "iat": now, "exp": now + 60, **changes,
    }  # fmt: skip
    return {name: value for name, value in claims.items() if value is not None}


def _signed(claims: dict[str, Any], header: dict[str, Any] | None = None, key: Any = None) -> str:
    head = {"alg": "HS256", "typ": "at+jwt", **(header or {})}
    return jwt.encode(head, claims, key or OctKey.import_key(KEY), algorithms=[head["alg"]])


def _unsigned() -> str:
    parts = ({"alg": "none", "typ": "at+jwt"}, _claims())
    encoded = [
        base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts
    ]
    return ".".join([*encoded, ""])


def test_a_well_formed_token_of_ours_passes() -> None:
    assert AccessTokens(KEY, ORIGIN).principal(_signed(_claims())).scopes == {"audit:read"}


@pytest.mark.parametrize(
    "token",
    [
        "", "a.b.c", "." * 40, "ñ", "x" * 100_000, _unsigned(),
        _signed(_claims(), {"alg": "HS512"}),
        _signed(_claims(), {"alg": "RS256"}, RSAKey.generate_key(2048)),
        _signed(_claims(), key=OctKey.import_key(bytes(32))),
        _signed(_claims(), {"typ": "JWT"}),
        _signed(_claims(aud="https://elsewhere/api")),
        _signed(_claims(iss="https://elsewhere")),
        _signed(_claims(exp=int(time.time()) - 1)),
        _signed(_claims(exp="never")),
        *(_signed(_claims(**{name: None})) for name in ("exp", "aud", "iss", "sub", "scope")),
    ],
)  # fmt: skip
def test_no_other_token_passes(token: str) -> None:
    with pytest.raises(InvalidTokenError):
        AccessTokens(KEY, ORIGIN).principal(token)


def test_a_changed_letter_breaks_the_signature() -> None:
    tokens = AccessTokens(KEY, ORIGIN)
    token = tokens.issue(CLIENT, CLIENT.scopes)
    tokens.principal(token)
    head, body, mark = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["scope"] = " ".join(SCOPES)
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidTokenError):
        tokens.principal(f"{head}.{forged}.{mark}")


def test_a_token_known_already_still_expires_and_can_be_refused() -> None:
    now = [time.time()]
    tokens = AccessTokens(KEY, ORIGIN, clock=lambda: now[0])
    token = tokens.issue(CLIENT, CLIENT.scopes)
    assert tokens.principal(token).name == "program"
    tokens.forget_removed([str(CLIENT.id)])
    with pytest.raises(InvalidTokenError):
        tokens.principal(token)
    tokens.forget_removed([])
    assert tokens.principal(token).name == "program"
    now[0] += TOKEN_SECONDS + 1
    with pytest.raises(InvalidTokenError):
        tokens.principal(token)


def test_a_scope_that_is_no_longer_known_is_dropped() -> None:
    token = AccessTokens(KEY, ORIGIN).issue(CLIENT, {"audit:read", "old:scope"})
    assert AccessTokens(KEY, ORIGIN).principal(token).scopes == {"audit:read"}


def test_a_removed_client_gets_no_token_and_its_name_is_free_again(
    accounts: Accounts, browser: Caller
) -> None:
    name, secret = _client(accounts)
    with pytest.raises(ApiClientExistsError):
        _client(accounts)
    key = str(accounts.rows("SELECT id FROM api_client")[0][0])
    accounts.run(lambda c: remove_api_client(c, OPERATOR, name))
    assert browser.post("/oauth/token", data=GRANT, auth=(name, secret)).status_code == 401
    assert accounts.run(removed_api_clients) == [key]
    assert _client(accounts)[0] == name
    actions = [row[0] for row in accounts.rows("SELECT action FROM audit_event ORDER BY id")]
    assert actions == ["api_client.created", "api_client.removed", "api_client.created"]


def test_bad_names_and_scopes_are_refused(accounts: Accounts) -> None:
    for name in ("", "Ñandú", "a b", "-x", "x" * 64, "removed.x"):
        with pytest.raises(InvalidRequestError):
            _client(accounts, name=name)
    with pytest.raises(InvalidRequestError):
        _client(accounts, "audit:read", "everything", name="fine")
    assert accounts.rows("SELECT name FROM api_client") == []
