"""The composition root: builds every object once and wires it into one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.middleware import Middleware
from starlette.types import Receive, Scope, Send

from barberpro_app import __version__
from barberpro_app.health import endpoints as health
from barberpro_app.identity import endpoints as identity
from barberpro_app.identity import oauth
from barberpro_app.identity.authenticator import DatabaseAuthenticator
from barberpro_app.identity.errors import CrossSiteRequestError
from barberpro_app.identity.forms import FormTokens
from barberpro_app.identity.tokens import AccessTokens
from barberpro_app.kit.crosssite import RefuseCrossSite
from barberpro_app.kit.database import Database
from barberpro_app.kit.headers import SecurityHeaders
from barberpro_app.kit.metrics import Metrics
from barberpro_app.kit.observation import Observation
from barberpro_app.kit.problems import ErrorBoundary, Problem, answer, install_problem_handlers
from barberpro_app.kit.ratelimit import RateLimiter
from barberpro_app.kit.requests import RequestContext, RequestInfo
from barberpro_app.settings import Settings

DESCRIPTION = """Book, change and see appointments of one business.

Get a token at `/oauth/token` (client credentials) and send it as `Authorization: Bearer ...`.
Errors are problem details (RFC 9457) with a stable `code`. Money is integer centavos, instants are
ISO 8601 with offset."""


def create_application(settings: Settings, *, with_worker: bool = False) -> FastAPI:
    """The whole product as one ASGI application.

    What endpoints need is at `app.state`: `settings`, `database`, `authenticator`, `rate_limiter`,
    `metrics`, `form_tokens`, and `error_page` where the pages give one. Raises
    `ConfigurationError` for a missing secret; connects to nothing before the lifespan starts.
    """
    metrics = Metrics()
    app = FastAPI(
        title=f"{settings.app.brand.name}: booking API",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # its page loads scripts from elsewhere, which our CSP refuses
        redoc_url=None,
        lifespan=_lifespan,
        middleware=_middleware(settings, metrics),
    )
    _fill_state(app, settings, metrics)
    app.state.with_worker = with_worker
    install_problem_handlers(app)
    for part in (health, oauth, identity):
        app.include_router(part.router)
    return app


def _fill_state(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    database = Database(settings.secrets.database_url)
    tokens = AccessTokens(settings.secrets.key("token-key"), settings.app.public_url)
    app.state.settings = settings
    app.state.database = database
    app.state.access_tokens = tokens
    app.state.authenticator = DatabaseAuthenticator(
        database, tokens, sensitive=settings.app.compliance.health_data
    )
    app.state.form_tokens = FormTokens(settings.secrets.key("session-key"))
    app.state.rate_limiter = RateLimiter()
    app.state.metrics = metrics
    app.state.error_page = None
    metrics.watch_pool(lambda: database.statistics)


def _middleware(settings: Settings, metrics: Metrics) -> list[Middleware]:
    """Outermost first."""
    public_url = settings.app.public_url
    return [
        Middleware(RequestContext),
        Middleware(Observation, metrics=metrics),
        Middleware(SecurityHeaders, public_url=public_url),
        Middleware(ErrorBoundary),
        Middleware(RefuseCrossSite, public_url=public_url, refusal=_refuse_cross_site),
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
