"""The JSON API of calendars."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from barberpro_app.calendar_sync import service
from barberpro_app.calendar_sync.schemas import (
    CalDavDraft,
    CalendarChoice,
    CalendarConflicts,
    CalendarConnection,
    CalendarConnections,
    Decision,
    Feed,
    FeedDraft,
)
from barberpro_app.edge import API, READING, WRITING, actor_of, answer, database_of, no_content
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.ratelimit import Limit, RateLimiter

router = APIRouter(prefix=API, tags=["calendars"])
#: Whose calendars one may see and change is for the service to say.
Member = Annotated[Principal, Depends(require_scope("providers:read"))]
Desk = Annotated[Principal, Depends(require_scope("bookings:read"))]
DeskWriter = Annotated[Principal, Depends(require_scope("bookings:write"))]
#: Connecting asks a server that somebody named.
CONNECTS = Limit("calendar-connects", 20, 600)


def check_connects(request: Request, principal: Principal) -> None:
    """Raises `TooManyRequestsError`."""
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(CONNECTS, f"{principal.kind}:{principal.id}")


@router.get("/providers/{provider_id}/calendar-feed", response_model=Feed, responses=READING)
async def feed(request: Request, principal: Member, provider_id: UUID) -> Response:
    """The address to subscribe to."""
    async with database_of(request).connection() as connection:
        actor, settings = actor_of(request, principal), request.app.state.settings
        return answer(await service.get_feed(connection, settings, actor, provider_id))


@router.put("/providers/{provider_id}/calendar-feed", response_model=Feed, responses=WRITING)
async def set_feed(
    request: Request, principal: Member, provider_id: UUID, draft: FeedDraft
) -> Response:
    """Make it, change how much it tells, or give it another address."""
    async with database_of(request).transaction() as connection:
        actor, settings = actor_of(request, principal), request.app.state.settings
        return answer(await service.set_feed(connection, settings, actor, provider_id, draft))


@router.delete("/providers/{provider_id}/calendar-feed", status_code=204, responses=WRITING)
async def remove_feed(request: Request, principal: Member, provider_id: UUID) -> Response:
    """The address stops to work."""
    async with database_of(request).transaction() as connection:
        await service.remove_feed(connection, actor_of(request, principal), provider_id)
    return no_content()


@router.get("/calendar-connections", response_model=CalendarConnections, responses=READING)
async def connections(
    request: Request, principal: Member, provider_id: UUID | None = None
) -> Response:
    """Providers' calendars and how they do."""
    async with database_of(request).connection() as connection:
        actor = actor_of(request, principal)
        return answer(await service.list_connections(connection, actor, provider_id))


@router.post(
    "/providers/{provider_id}/calendar-connections",
    response_model=CalendarConnection,
    status_code=201,
    responses=WRITING,
)
async def connect(
    request: Request, principal: Member, provider_id: UUID, draft: CalDavDraft
) -> Response:
    """Connect a CalDAV account; then choose one of its calendars."""
    check_connects(request, principal)
    connecting = import_module("barberpro_app.calendar_sync.connecting")
    actor, database = actor_of(request, principal), database_of(request)
    made = await connecting.connect_caldav(
        request.app.state.settings, database, actor, provider_id, draft
    )
    async with database.connection() as connection:
        return answer(await service.get_connection(connection, actor, made), 201)


@router.put(
    "/calendar-connections/{connection_id}", response_model=CalendarConnection, responses=WRITING
)
async def choose(
    request: Request, principal: Member, connection_id: UUID, choice: CalendarChoice
) -> Response:
    """Which calendar, and what it is for."""
    async with database_of(request).transaction() as connection:
        actor, settings = actor_of(request, principal), request.app.state.settings
        return answer(await service.choose(connection, settings, actor, connection_id, choice))


@router.delete("/calendar-connections/{connection_id}", status_code=204, responses=WRITING)
async def disconnect(request: Request, principal: Member, connection_id: UUID) -> Response:
    """Our events are taken out of the calendar, its own stop to block."""
    async with database_of(request).transaction() as connection:
        await service.remove(connection, actor_of(request, principal), connection_id)
    return no_content()


@router.post("/calendar-connections/{connection_id}/sync", status_code=204, responses=WRITING)
async def sync(request: Request, principal: Member, connection_id: UUID) -> Response:
    """Read it now, and try again what had failed."""
    async with database_of(request).transaction() as connection:
        await service.sync_now(connection, actor_of(request, principal), connection_id)
    return no_content()


@router.get("/calendar-conflicts", response_model=CalendarConflicts, responses=READING)
async def conflicts(request: Request, principal: Desk, provider_id: UUID | None = None) -> Response:
    """Where bookings and calendars disagree, until somebody decides."""
    async with database_of(request).connection() as connection:
        actor = actor_of(request, principal)
        return answer(await service.list_conflicts(connection, actor, provider_id))


@router.post("/calendar-conflicts/{conflict_id}/decision", status_code=204, responses=WRITING)
async def decide(
    request: Request, principal: DeskWriter, conflict_id: UUID, decision: Decision
) -> Response:
    """Keep the booking as it is, or do not count the event. To move it, reschedule the booking."""
    async with database_of(request).transaction() as connection:
        await service.decide(connection, actor_of(request, principal), conflict_id, decision)
    return no_content()
