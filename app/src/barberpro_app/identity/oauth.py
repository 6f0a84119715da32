"""`POST /oauth/token`: the client credentials grant (RFC 6749 §4.4)."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from barberpro_app.identity.clients import authenticate_api_client
from barberpro_app.identity.tokens import TOKEN_SECONDS, AccessTokens, ApiClient
from barberpro_app.kit.database import Database
from barberpro_app.kit.ratelimit import (
    TOKEN_FAILURES_PER_CLIENT,
    TOKEN_PER_NETWORK,
    RateLimiter,
    TooManyRequestsError,
    network_of,
)
from barberpro_app.kit.requests import RequestInfo

router = APIRouter(tags=["tokens"])

_LONGEST_BODY = 8192
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749 §5.1

ErrorCode = Literal["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"]


class AccessToken(BaseModel):
    """RFC 6749 §5.1. `expires_in` is seconds; `scope` is space separated."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class TokenRefusal(BaseModel):
    """RFC 6749 §5.2."""

    error: ErrorCode
    error_description: str


class _RefusedError(Exception):
    """Carries the refusal to the edge of the endpoint."""

    def __init__(self, error: ErrorCode, description: str, *, basic: bool = False) -> None:
        super().__init__(description)
        self.body = TokenRefusal(error=error, error_description=description)
        self.basic = basic

    def response(self) -> JSONResponse:
        headers = dict(_NO_STORE)
        status = 401 if self.body.error == "invalid_client" else 400
        if self.basic:
            headers["WWW-Authenticate"] = 'Basic realm="token", charset="UTF-8"'
        return JSONResponse(self.body.model_dump(), status_code=status, headers=headers)


_REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "scope": {"type": "string", "description": "Default: all of the client's"},
                        "client_id": {"type": "string"},
                        "client_secret": {"type": "string"},
                    },
                }
            }
        },
    }
}


@router.post(
    "/oauth/token",
    summary="Get an access token",
    response_model=AccessToken,
    responses={
        400: {"model": TokenRefusal, "description": "The request is not one"},
        401: {"model": TokenRefusal, "description": "Unknown client or wrong secret"},
        429: {"description": "Too many; see Retry-After"},
    },
    openapi_extra=_REQUEST_BODY,
)
async def token(request: Request) -> JSONResponse:
    """Client credentials, by HTTP Basic or in the form; the token is valid for 15 minutes."""
    try:
        client, scopes = await _grant(request)
    except _RefusedError as refused:
        return refused.response()
    tokens: AccessTokens = request.app.state.access_tokens
    body = AccessToken(
        access_token=tokens.issue(client, scopes),
        token_type="Bearer",  # noqa: S106
        expires_in=TOKEN_SECONDS,
        scope=" ".join(sorted(scopes)),
    )
    RequestInfo.of(request.scope).actor = f"api:{client.id}"
    return JSONResponse(body.model_dump(), headers=_NO_STORE)


async def _grant(request: Request) -> tuple[ApiClient, frozenset[str]]:
    limiter: RateLimiter = request.app.state.rate_limiter
    network = network_of(RequestInfo.of(request.scope).client_ip)
    limiter.check(TOKEN_PER_NETWORK, network)
    form = await _form(request)
    name, secret, basic = _credentials(request, form)
    grant_type = form.get("grant_type")
    if not grant_type:
        raise _RefusedError("invalid_request", "grant_type is missing")
    failures = f"{network}|{name[:64]}"
    wait = limiter.waiting(TOKEN_FAILURES_PER_CLIENT, failures)
    if wait > 0:
        raise TooManyRequestsError(wait)
    database: Database = request.app.state.database
    async with database.connection() as connection:
        client = await authenticate_api_client(connection, name, secret)
    if client is None:
        limiter.hit(TOKEN_FAILURES_PER_CLIENT, failures)
        request.app.state.metrics.sign_ins.labels("token_refused").inc()
        raise _RefusedError("invalid_client", "unknown client or wrong secret", basic=basic)
    if grant_type != "client_credentials":
        raise _RefusedError("unsupported_grant_type", "only client_credentials is supported")
    wanted = frozenset(form.get("scope", "").split()) or client.scopes
    if not wanted <= client.scopes:
        raise _RefusedError("invalid_scope", "the client does not have every scope it asks for")
    return client, wanted


async def _form(request: Request) -> dict[str, str]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise _RefusedError("invalid_request", "send application/x-www-form-urlencoded")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_BODY:
            raise _RefusedError("invalid_request", "the request is too long")
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=20, errors="strict"
        )
    except ValueError as error:
        raise _RefusedError("invalid_request", "the form cannot be read") from error
    form = dict(pairs)
    if len(form) != len(pairs):  # RFC 6749 §3.2
        raise _RefusedError("invalid_request", "a parameter is repeated")
    if any("\0" in value for value in form.values()):
        raise _RefusedError("invalid_request", "a parameter is not a text")
    return form


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str, bool]:
    """Name, secret, and whether HTTP Basic was used (RFC 6749 §2.3.1)."""
    header = request.headers.get("authorization")
    if header is None:
        name, secret = form.get("client_id", ""), form.get("client_secret", "")
        if not name or not secret:
            raise _RefusedError("invalid_client", "no client credentials", basic=True)
        return name, secret, False
    if "client_secret" in form:
        raise _RefusedError("invalid_request", "use one way to authenticate, not two")
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError(scheme)
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise _RefusedError("invalid_client", "not HTTP Basic credentials", basic=True) from error
    name, _, secret = text.partition(":")
    name, secret = unquote_plus(name), unquote_plus(secret)
    if "\0" in name or form.get("client_id", name) != name:
        raise _RefusedError("invalid_request", "client_id does not match")
    return name, secret, True
