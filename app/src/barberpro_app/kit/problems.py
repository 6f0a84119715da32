"""Errors as answers: RFC 9457 problem details for the API, an HTML page where a browser asks.

The web layer gives `app.state.error_page`, a function from the request and the `Problem` to a page.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from barberpro_app.kit.errors import AppError
from barberpro_app.kit.logging import get_logger
from barberpro_app.kit.requests import RequestInfo

PROBLEM_JSON = "application/problem+json"
_MACHINE_PATHS = ("/api/", "/oauth/", "/health", "/ready", "/metrics", "/openapi.json")
_CODES = {400: "bad_request", 401: "unauthenticated", 403: "not_allowed", 404: "not_found",
          405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type",
          422: "invalid", 429: "too_many_requests", 503: "unavailable"}  # fmt: skip

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """One error, the same for JSON and for pages.

    `code` is stable and what pages translate by; `detail` is English; `field` is the JSON name of
    the field at fault; `errors` lists each fault of an invalid request as {field, detail}.
    """

    status: int
    code: str
    detail: str
    request_id: str
    field: str | None = None
    errors: tuple[dict[str, str], ...] = ()
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase if self.status in _STATUSES else "Error"

    def body(self) -> dict[str, Any]:
        """RFC 9457 §3.1; no `type`, so it is about:blank and `title` is the status phrase."""
        body: dict[str, Any] = {
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "request_id": self.request_id,
        }
        if self.field:
            body["field"] = self.field
        if self.errors:
            body["errors"] = list(self.errors)
        return body


_STATUSES = {int(status) for status in HTTPStatus}

ErrorPage = Callable[[Request, Problem], Response]


def problem_response(problem: Problem) -> JSONResponse:
    """The problem as JSON, never stored by caches."""
    return JSONResponse(
        problem.body(),
        status_code=problem.status,
        media_type=PROBLEM_JSON,
        headers={"Cache-Control": "no-store", **problem.headers},
    )


def wants_page(request: Request) -> bool:
    """A browser asked for a page: not a path for machines, and HTML is acceptable."""
    if request.url.path.startswith(_MACHINE_PATHS):
        return False
    return "text/html" in request.headers.get("accept", "")


def answer(request: Request, problem: Problem) -> Response:
    """The problem in the form that the caller can read."""
    RequestInfo.of(request.scope).problem = problem.code
    page: ErrorPage | None = getattr(request.app.state, "error_page", None)
    if page is not None and wants_page(request):
        return page(request, problem)
    return problem_response(problem)


def _request_id(request: Request) -> str:
    return RequestInfo.of(request.scope).request_id


async def _on_app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    return answer(
        request,
        Problem(error.status, error.code, error.message, _request_id(request), error.field,
                headers=error.headers),
    )  # fmt: skip


async def _on_invalid(request: Request, error: Exception) -> Response:
    """422 with each fault; never the input itself, which may be personal or secret."""
    assert isinstance(error, RequestValidationError)
    faults = tuple(
        {"field": _field(fault.get("loc", ())), "detail": str(fault.get("msg", ""))}
        for fault in error.errors()
    )
    first = faults[0] if faults else {"field": "", "detail": "The request is not valid."}
    detail = f"{first['field']}: {first['detail']}" if first["field"] else first["detail"]
    return answer(
        request,
        Problem(422, "invalid", detail, _request_id(request), first["field"] or None, faults),
    )


def _field(location: tuple[int | str, ...]) -> str:
    """`("body", "hours", 0, "from")` is `hours.0.from`."""
    parts = [str(part) for part in location]
    return ".".join(parts[1:] if parts[:1] and parts[0] in _PLACES else parts)


_PLACES = {"body", "query", "path", "header", "cookie"}


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code < 400 or error.status_code in {204, 304}:
        return Response(status_code=error.status_code, headers=error.headers)
    code = _CODES.get(error.status_code, "error")
    return answer(
        request,
        Problem(error.status_code, code, str(error.detail), _request_id(request),
                headers=error.headers or {}),
    )  # fmt: skip


async def _on_database_down(request: Request, error: Exception) -> Response:
    log.warning("database_unavailable", request_id=_request_id(request), error=type(error).__name__)
    return answer(
        request,
        Problem(503, "unavailable", "The database does not answer; try again shortly.",
                _request_id(request), headers={"Retry-After": "2"}),
    )  # fmt: skip


async def _on_schema_missing(request: Request, error: Exception) -> Response:
    log.warning("schema_not_current", request_id=_request_id(request), error=type(error).__name__)
    return answer(
        request,
        Problem(503, "not_ready", "The database schema is not there yet; see /ready.",
                _request_id(request), headers={"Retry-After": "2"}),
    )  # fmt: skip


def install_problem_handlers(app: FastAPI) -> None:
    """Turns every expected error into an answer; the unexpected is `ErrorBoundary`'s."""
    app.add_exception_handler(AppError, _on_app_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    for down in (psycopg.OperationalError, PoolTimeout, PoolClosed, TooManyRequests):
        app.add_exception_handler(down, _on_database_down)
    for missing in (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction):
        app.add_exception_handler(missing, _on_schema_missing)


class ErrorBoundary:
    """The last net: an unexpected error is logged once, in our form, and answered with 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception:
            request = Request(scope)
            request_id = _request_id(request)
            log.exception("unexpected_error", request_id=request_id)
            if started:
                raise
            detail = f"Something went wrong; tell us this number: {request_id}"
            problem = Problem(500, "unexpected", detail, request_id)
            await answer(request, problem)(scope, receive, send)
