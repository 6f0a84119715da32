"""The audit trail in the JSON API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from barberpro_app.audit.repository import Filter
from barberpro_app.audit.service import MOST, list_events
from barberpro_app.edge import READING
from barberpro_app.identity.auth import Principal, require_scope
from barberpro_app.kit.database import Database
from barberpro_app.kit.schemas import Answer, Instant, Line

router = APIRouter(prefix="/api/v1", tags=["audit"])


class AuditEntry(Answer):
    """Who did what to which object. `changes` holds states, times and keys, no personal data."""

    id: UUID
    at: datetime
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str
    object_kind: str
    object_id: str
    request_id: str
    changes: dict[str, Any]


class AuditEntryPage(Answer):
    """Newest first; `next` is the `after` of the next page."""

    items: list[AuditEntry]
    next: UUID | None


class AuditQuery(Answer):
    """What to show."""

    object_kind: Line | None = None
    object_id: Line | None = None
    actor_id: Line | None = None
    action: Line | None = None
    since: Instant | None = None
    until: Instant | None = None
    after: UUID | None = None
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50

    def filter(self) -> Filter:
        return Filter(**self.model_dump(exclude={"limit"}))


@router.get("/audit", responses=READING, summary="Who did what")
async def audit(
    request: Request,
    query: Annotated[AuditQuery, Query()],
    _: Principal = Depends(require_scope("audit:read")),
) -> AuditEntryPage:
    """The trail, newest first, a page at a time."""
    database: Database = request.app.state.database
    async with database.connection() as connection:
        page = await list_events(connection, query.filter(), query.limit)
    return AuditEntryPage(
        items=[AuditEntry.model_validate(event, from_attributes=True) for event in page.items],
        next=page.next,
    )
