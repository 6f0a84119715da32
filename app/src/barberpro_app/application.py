"""The composition root: builds every object once and wires it into one ASGI application."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module

import psycopg
from fastapi import APIRouter, FastAPI, Request
from fastapi.middleware import Middleware
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from barberpro_app import __version__
from barberpro_app.audit import endpoints as audit
from barberpro_app.calendar_sync.repository import counts as count_calendars
from barberpro_app.health import endpoints as health
from barberpro_app.health.services import CONTAINED
from barberpro_app.identity import endpoints as identity
from barberpro_app.identity import oauth
from barberpro_app.identity import repository as identity_repository
from barberpro_app.identity.authenticator import DatabaseAuthenticator
from barberpro_app.identity.errors import CrossSiteRequestError
from barberpro_app.identity.forms import FormTokens
from barberpro_app.identity.tokens import AccessTokens
from barberpro_app.kit.bodies import BoundedBody
from barberpro_app.kit.crosssite import RefuseCrossSite
from barberpro_app.kit.database import JOBS_POOL, Database
from barberpro_app.kit.errors import UnavailableError
from barberpro_app.kit.headers import SecurityHeaders
from barberpro_app.kit.heads import HeadAsGet
from barberpro_app.kit.logging import get_logger
from barberpro_app.kit.metrics import Metrics
from barberpro_app.kit.observation import Observation
from barberpro_app.kit.problems import ErrorBoundary, Problem, answer, install_problem_handlers
from barberpro_app.kit.ratelimit import RateLimiter
from barberpro_app.kit.replica import RememberWriting, Replica
from barberpro_app.kit.requests import RequestContext, RequestInfo
from barberpro_app.kit.routes import add_routes
from barberpro_app.kit.share import WHOLE, Share
from barberpro_app.kit.tasks import end
from barberpro_app.live import endpoints as live
from barberpro_app.live.hub import Hub
from barberpro_app.notification import endpoints as notification
from barberpro_app.notification.repository import count_by_state
from barberpro_app.openapi import describe
from barberpro_app.payment.online import OnlinePayments
from barberpro_app.routers import BY_SERVICE, base_of, passed_on, routers_for, routers_of
from barberpro_app.settings import Settings
from barberpro_app.vault import service as vault
from barberpro_app.web.install import BY_SERVICE as PAGES_BY_SERVICE
from barberpro_app.web.install import install_pages
from barberpro_app.web.site.rendering import follow_brand
from barberpro_app.worker import Worker

DESCRIPTION = """Book, change and see appointments of one business.

Get a token at `/oauth/token` (client credentials) and send it as `Authorization: Bearer ...`.
Errors are problem details (RFC 9457) with a stable `code`. Money is integer centavos, instants are
ISO 8601 with offset."""


LARGEST_BODY = 1_048_576
#: Photographs of a telephone.
LARGER_BODIES = {
    "/api/v1/media": 12 * 1_048_576,
    # a day of a sport watch, with the form around it
    "/api/v1/activity-imports": 6 * 1_048_576 + 65_536,
    "/trabajos/nuevo": 25 * 1_048_576,
    "/mi-progreso/importar": 6 * 1_048_576 + 65_536,
    "/progreso/importar": 6 * 1_048_576 + 65_536,
}
#: What a POST to these routes does to a booking, for `bookings_total`.
BOOKING_ROUTES = {
    "/api/v1/holds": "held",
    "/api/v1/holds/{booking_id}/confirm": "confirmed",
    "/api/v1/bookings": "confirmed",
    "/api/v1/bookings/{booking_id}/reschedule": "rescheduled",
    "/api/v1/bookings/{booking_id}/cancel": "cancelled",
    "/reservar": "held",
    "/reservar/datos/{token}": "confirmed",
    "/reserva/{token}/cambiar": "rescheduled",
    "/reserva/{token}/cancelar": "cancelled",
    "/agenda/reserva/{booking_id}/cambiar": "rescheduled",
    "/agenda/reserva/{booking_id}/mover": "rescheduled",
    "/agenda/reserva/{booking_id}/cancelar": "cancelled",
}
FOLLOW_SECONDS = 15.0
#: With the drain of requests and the linger of `serve` still under the contract's 10 s.
WORKER_DRAIN_SECONDS = 2.0

log = get_logger(__name__)


def create_application(
    settings: Settings, *, with_worker: bool = False, share: Share = WHOLE
) -> FastAPI:
    """The product as one ASGI application: the whole of it, or the share of one process.

    What endpoints need is at `app.state`: `settings`, `database`, `authenticator`, `rate_limiter`,
    `metrics`, `form_tokens`, `live`, and `error_page` where the pages give one. Raises
    `ConfigurationError` for a missing secret; connects to nothing before the lifespan starts.
    """
    metrics = Metrics()
    app = FastAPI(
        title=f"{settings.app.brand.name}: booking API",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=None,  # the release's document is shown instead
        docs_url=None,  # its page loads scripts from elsewhere, which our CSP refuses
        redoc_url=None,
        lifespan=_lifespan,
        middleware=_middleware(settings, metrics, share),
    )
    _fill_state(app, settings, metrics)
    app.state.share = share
    _give_worker(app, with_worker=with_worker)
    install_problem_handlers(app)
    if share.whole:
        _include_api(app, settings.app.services)
    else:
        _include_share(app, settings.app.services, share)
    install_pages(app, settings, app.state.database, share)
    return app


def _include_share(app: FastAPI, services: tuple[str, ...], share: Share) -> None:
    """Its own API, and on the gateway the description of all of it and the way to the peers."""
    own: list[APIRouter] = [health.router]
    if share.gateway:
        own += (part.router for part in (oauth, identity, audit, notification, live))
        describe(app, (*own, *routers_for(services)))
    own += [*base_of(share, services), *routers_of(BY_SERVICE, share.own(services))]
    add_routes(app, own)
    if share.elsewhere(services):
        # only a gateway with peers needs an HTTP client to pass requests on
        proxy = import_module("barberpro_app.kit.proxy")
        app.state.peers = proxy.Peers()
        for name, router in passed_on(share, services, BY_SERVICE, PAGES_BY_SERVICE):
            passing = proxy.Passing(app.state.peers, share.address(name))
            for route in router.routes:
                if isinstance(route, Route):
                    methods = sorted(route.methods or {"GET"})
                    app.router.routes.append(Route(route.path, endpoint=passing, methods=methods))


def whole_api() -> FastAPI:
    """The API of all services of this release, to be described and not to be served."""
    app = FastAPI(
        title="Booking API", version=__version__, description=DESCRIPTION, openapi_url=None
    )
    _include_api(app, CONTAINED)
    return app


def _include_api(app: FastAPI, services: Iterable[str]) -> None:
    own = (part.router for part in (health, oauth, identity, audit, notification, live))
    routers = (*own, *routers_for(services))
    add_routes(app, routers)
    describe(app, routers)


def _fill_state(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    url, direct = settings.secrets.database_url, settings.secrets.database_direct_url
    database = Database(url, direct=direct)
    tokens = AccessTokens(settings.secrets.key("token-key"), settings.app.public_url)
    app.state.settings = settings
    app.state.deployed_brand = settings.app.brand
    app.state.database = app.state.job_database = database
    app.state.access_tokens = tokens
    app.state.authenticator = DatabaseAuthenticator(
        database, tokens, sensitive=settings.app.compliance.health_data
    )
    app.state.form_tokens = FormTokens(settings.secrets.key("session-key"))
    app.state.rate_limiter = RateLimiter()
    app.state.metrics = metrics
    app.state.error_page = None
    app.state.peers = None
    app.state.online_payments = OnlinePayments(settings)
    app.state.count_messages = count_by_state
    replica = settings.secrets.database_replica_url
    app.state.replica = Replica(replica, database) if replica else None
    heard = app.state.replica.outdate if replica else None
    app.state.live = live.Live(
        Hub(settings.secrets.database_session_url, partial(_check, app), heard)
    )
    synced = "calendar-sync" in settings.app.services
    app.state.count_calendars = count_calendars if synced else None
    metrics.watch_pool(lambda: database.statistics)


async def _check(app: FastAPI) -> None:
    for database in {app.state.database, app.state.job_database}:
        await database.check()


def _give_worker(app: FastAPI, *, with_worker: bool) -> None:
    """`wake_worker()` and `worker_silent_seconds()` work in either case."""
    state = app.state
    state.worker = None
    state.wake_worker = lambda: None
    state.worker_silent_seconds = lambda: None
    if with_worker:
        # apart, so that a quiet deployment keeps no server process that has served requests
        secrets = state.settings.secrets
        direct = secrets.database_direct_url
        state.job_database = Database(secrets.database_url, JOBS_POOL, name="jobs", direct=direct)
        worker = Worker(
            state.settings,
            state.job_database,
            state.metrics,
            listen=not state.share.whole and state.share.has("notification"),
            share=state.share,
        )
        state.worker = worker
        state.wake_worker = worker.wake
        state.worker_silent_seconds = lambda: time.monotonic() - worker.last_turn


def _middleware(settings: Settings, metrics: Metrics, share: Share) -> list[Middleware]:
    """Outermost first. What a gateway passes on to the service of bookings is counted there."""
    bookings = {
        route: outcome
        for route, outcome in BOOKING_ROUTES.items()
        if share.has("booking") or not route.startswith("/api/")
    }
    public_url = settings.app.public_url
    return [
        Middleware(RequestContext),
        Middleware(Observation, metrics=metrics, bookings=bookings),
        Middleware(SecurityHeaders, public_url=public_url),
        Middleware(ErrorBoundary),
        Middleware(BoundedBody, largest=LARGEST_BODY, larger=LARGER_BODIES),
        Middleware(RefuseCrossSite, public_url=public_url, refusal=_refuse_cross_site),
        Middleware(HeadAsGet),
        *([Middleware(RememberWriting)] if settings.secrets.database_replica_url else []),
    ]


async def _refuse_cross_site(scope: Scope, receive: Receive, send: Send) -> None:
    error = CrossSiteRequestError()
    request = Request(scope)
    problem = Problem(error.status, error.code, error.message, RequestInfo.of(scope).request_id)
    await answer(request, problem)(scope, receive, send)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    databases: set[Database] = {app.state.database, app.state.job_database}
    worker: Worker | None = app.state.worker
    for database in databases:
        await database.open()
    watching = asyncio.create_task(_follow_changes(app))
    hearing = asyncio.create_task(app.state.live.hub.run())
    replica: Replica | None = app.state.replica
    if replica is not None:
        await replica.open()
    working = asyncio.create_task(worker.run()) if worker else None
    try:
        yield
    finally:
        if worker and working:
            await worker.stop(working, WORKER_DRAIN_SECONDS)
        app.state.live.stop()
        await end(watching, hearing)
        if app.state.peers is not None:
            await app.state.peers.close()
        if replica is not None:
            await replica.close()
        for database in databases:
            await database.close()


async def _follow_changes(app: FastAPI) -> None:
    """What other processes changed and no request asks for: tokens are checked without a query, so
    this one hears now and then who was removed; and the brand is on every page."""
    tokens: AccessTokens = app.state.access_tokens
    database: Database = app.state.job_database
    while True:
        try:
            async with database.connection() as connection:
                tokens.forget_removed(await identity_repository.removed_api_clients(connection))
                await vault.load(connection, app.state.settings.secrets)
            await follow_brand(app.state, database)
        except (UnavailableError, psycopg.Error) as error:  # no schema yet, or no answer in time
            log.debug("changes_not_read", error=type(error).__name__)
        await asyncio.sleep(FOLLOW_SECONDS)
