"""What the endpoints of every domain need: database, configuration, actor, answers, OpenAPI parts.

Endpoints answer with `answer(model)`: the model is serialised once, and not validated again.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, Request, Response
from pydantic import BaseModel

from barberpro_app.audit.trail import Actor
from barberpro_app.identity.auth import ScopeRequirement, current_principal
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.database import Database
from barberpro_app.kit.idempotency import IdempotencyKey, idempotency_key
from barberpro_app.kit.requests import request_id_of
from barberpro_app.settings import AppConfiguration

API = "/api/v1"

IdempotencyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Makes a retry safe: the same key and body get the first answer for 24 hours.",
    ),
]


class ClientOrScope(ScopeRequirement):
    """Lets pass who has the scope, and a signed-in client: services show them the own only."""

    async def __call__(self, request: Request) -> Principal:
        principal = await current_principal(request)
        if principal.kind == "client":
            return principal
        return await super().__call__(request)


class PublicScope(ScopeRequirement):
    """Lets everybody pass; a token, if there is one, must be valid. OpenAPI shows the scope."""

    async def __call__(self, request: Request) -> Principal:
        return await current_principal(request)


def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def configuration_of(request: Request) -> AppConfiguration:
    configuration: AppConfiguration = request.app.state.settings.app
    return configuration


def actor_of(request: Request, principal: Principal) -> Actor:
    return Actor(principal, request_id_of(request.scope))


def key_of(
    principal: Principal, key: str | None, operation: str, body: BaseModel
) -> IdempotencyKey | None:
    """The Idempotency-Key of a request; `operation` names what is done to which object."""
    if key is None:
        return None
    owner = f"{principal.kind}:{principal.id}"
    return idempotency_key(owner, key, operation, body.model_dump(mode="json", exclude_none=True))


def answer(body: BaseModel, status: int = 200) -> Response:
    """The model as JSON; what the API says about people is not for caches."""
    return Response(
        body.model_dump_json(),
        status,
        {"Cache-Control": "no-store"},
        media_type="application/json",
    )


def no_content() -> Response:
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


_FAULT = {
    "type": "object",
    "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
}
_PROBLEM_SCHEMA = {
    "title": "Problem",
    "description": "Problem details (RFC 9457); `code` is stable.",
    "type": "object",
    "required": ["title", "status", "code", "detail", "request_id"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "field": {"type": "string"},
        "errors": {"type": "array", "items": _FAULT},
    },
}
_MEANINGS = {
    400: "The request cannot be read",
    401: "No valid token or session",
    403: "The scope or the role does not permit this",
    404: "No such thing, or not yours",
    409: "The current state or a policy does not permit this; see `code`",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "The request is not valid; `errors` names each field",
    429: "Too many requests; see Retry-After",
    503: "The database does not answer; see Retry-After",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI of the errors that an endpoint may give, besides those that every one may."""
    content = {"application/problem+json": {"schema": _PROBLEM_SCHEMA}}
    return {
        status: {"description": _MEANINGS[status], "content": content}
        for status in sorted({400, 413, 422, 429, 503, *statuses})
    }


PUBLIC = problems(401, 404)
READING = problems(401, 403, 404)
WRITING = problems(401, 403, 404, 409, 415)
