"""The composition root: builds every object once and wires it into one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.middleware import Middleware
from starlette.types import Receive, Scope, Send

from barberpro_app import __version__
from barberpro_app.identity.errors import CrossSiteRequestError
from barberpro_app.kit.crosssite import RefuseCrossSite
from barberpro_app.kit.database import Database
from barberpro_app.kit.headers import SecurityHeaders
from barberpro_app.kit.problems import ErrorBoundary, Problem, answer, install_problem_handlers
from barberpro_app.kit.requests import RequestContext, RequestInfo
from barberpro_app.settings import Settings

DESCRIPTION = """Book, change and see appointments of one business.

Get a token at `/oauth/token` (client credentials) and send it as `Authorization: Bearer ...`.
Errors are problem details (RFC 9457) with a stable `code`. Money is integer centavos, instants are
ISO 8601 with offset."""


def create_application(settings: Settings, *, with_worker: bool = False) -> FastAPI:
    """The whole product as one ASGI application.

    What endpoints need is at `app.state`: `settings`, `database`, `authenticator`, and
    `error_page` if the pages give one. Raises `ConfigurationError` for a missing secret; does not
    connect to anything before the lifespan starts.
    """
    app = FastAPI(
        title=f"{settings.app.brand.name}: booking API",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # its page loads scripts from elsewhere, which our CSP refuses
        redoc_url=None,
        lifespan=_lifespan,
        middleware=_middleware(settings),
    )
    app.state.settings = settings
    app.state.database = Database(settings.secrets.database_url)
    app.state.error_page = None
    app.state.with_worker = with_worker
    install_problem_handlers(app)
    return app


def _middleware(settings: Settings) -> list[Middleware]:
    """Outermost first."""
    return [
        Middleware(RequestContext),
        Middleware(SecurityHeaders, public_url=settings.app.public_url),
        Middleware(ErrorBoundary),
        Middleware(RefuseCrossSite, public_url=settings.app.public_url, refusal=_refuse_cross_site),
    ]


async def _refuse_cross_site(scope: Scope, receive: Receive, send: Send) -> None:
    error = CrossSiteRequestError()
    request = Request(scope)
    problem = Problem(error.status, error.code, error.message, RequestInfo.of(scope).request_id)
    await answer(request, problem)(scope, receive, send)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    database: Database = app.state.database
    await database.open()
    try:
        yield
    finally:
        await database.close()
