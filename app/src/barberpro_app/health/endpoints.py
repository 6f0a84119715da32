"""`/health`, `/ready` and `/metrics`, for supervisors, routers and Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from psycopg.errors import UndefinedTable
from pydantic import BaseModel

from barberpro_app import __version__
from barberpro_app.health.schema import current_schema, required_schema
from barberpro_app.health.services import service_states
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import UnavailableError
from barberpro_app.kit.metrics import Metrics
from barberpro_app.settings import WHATSAPP_SECRETS, Settings
from barberpro_app.vault.mail import in_force

router = APIRouter(tags=["operations"])

READY_SECONDS = 1.0

#: Messages that are not sent yet, or what calendars have open, by state; the composition root gives
#: them.
Count = Callable[[Connection], Awaitable[dict[str, int]]]


class Health(BaseModel):
    """The process works. `services`: what each enabled one is doing here."""

    status: Literal["ok"] = "ok"
    revision: int
    version: str
    services: dict[str, str]


class Readiness(BaseModel):
    """Whether requests can be served; `reason` is stable, `detail` is for people."""

    status: Literal["ready", "not_ready"]
    reason: (
        Literal["database_unavailable", "migration_pending", "schema_newer_than_release"] | None
    ) = None
    detail: str = ""
    schema_current: str | None = None
    schema_required: str


@router.get("/health", summary="Is the process alive?")
async def health(request: Request) -> Health:
    """Answers without asking the database: a restart would not mend that."""
    settings: Settings = request.app.state.settings
    return Health(
        revision=settings.revision,
        version=__version__,
        services=service_states(
            settings.app.services,
            share=request.app.state.share,
            worker_silent_seconds=request.app.state.worker_silent_seconds(),
            mail_configured=in_force(settings) is not None,
            notes_key=settings.secrets.optional("notes-key") is not None,
            media_folder=settings.media_dir is not None,
            whatsapp=all(settings.secrets.optional(name) for name in WHATSAPP_SECRETS),
        ),
    )


@router.get(
    "/ready",
    summary="Can requests be served?",
    responses={503: {"model": Readiness, "description": "Not now; the reason is in the body"}},
)
async def ready(request: Request, newer_schema: bool = False) -> Readiness:
    """200 if the schema is this release's and the database answers within a second.

    `newer_schema`: one that a newer release has widened serves too. While an upgrade rolls, the
    processes of the release before go on answering.
    """
    readiness = await _readiness(request.app.state.database)
    if readiness.status == "ready":
        return readiness
    if newer_schema and readiness.reason == "schema_newer_than_release":
        readiness.status = "ready"
        return readiness
    return JSONResponse(readiness.model_dump(), status_code=503)  # type: ignore[return-value]


async def _readiness(database: Database) -> Readiness:
    required = required_schema()
    try:
        async with asyncio.timeout(READY_SECONDS), database.connection() as connection:
            current = await current_schema(connection)
    except (TimeoutError, UnavailableError):
        return Readiness(
            status="not_ready",
            reason="database_unavailable",
            detail=f"The database does not answer within {READY_SECONDS:g} s.",
            schema_required=required,
        )
    if current == required:
        return Readiness(status="ready", schema_current=current, schema_required=required)
    newer = current is not None and current > required
    return Readiness(
        status="not_ready",
        reason="schema_newer_than_release" if newer else "migration_pending",
        detail=(
            f"The schema is {current or 'not there'}, this release needs {required}: "
            + ("run a newer release." if newer else "run `migrate`.")
        ),
        schema_current=current,
        schema_required=required,
    )


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Prometheus text. Routers do not pass this path to the public; what a proxy brings anyway is not
    answered: nobody who measures comes through one."""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return Response(status_code=404)
    collected: Metrics = request.app.state.metrics
    collected.outbox.depth = await _counted(request, request.app.state.count_messages)
    collected.calendars.depth = await _counted(request, request.app.state.count_calendars)
    return Response(collected.render(), media_type=CONTENT_TYPE_LATEST)


async def _counted(request: Request, count: Count | None) -> dict[str, int]:
    """Nothing where the database does not answer: no number is better than an old one."""
    if count is None:
        return {}
    database: Database = request.app.state.database
    try:
        async with asyncio.timeout(READY_SECONDS), database.connection() as connection:
            return await count(connection)
    except (TimeoutError, UnavailableError, UndefinedTable):
        return {}
