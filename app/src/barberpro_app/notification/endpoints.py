"""Messages in the JSON API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from barberpro_app.audit.trail import Actor
from barberpro_app.edge import READING, WRITING
from barberpro_app.identity.auth import Principal, require_scope
from barberpro_app.kit.database import Database
from barberpro_app.kit.requests import request_id_of
from barberpro_app.kit.schemas import Answer
from barberpro_app.notification import service

router = APIRouter(prefix="/api/v1", tags=["messages"])

State = Literal["pending", "sending", "sent", "failed", "cancelled"]


class MessageEntry(Answer):
    """What became of a message; whom it was for is not shown."""

    id: UUID
    kind: str
    state: State
    attempts: int
    next_attempt_at: datetime
    last_error: str | None
    created_at: datetime
    sent_at: datetime | None


class MessageEntryPage(Answer):
    """Newest first; `next` is the `after` of the next page."""

    items: list[MessageEntry]
    next: UUID | None


@router.get("/messages", responses=READING, summary="What became of messages")
async def list_messages(
    request: Request,
    state: State | None = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=service.MOST)] = 50,
    _: Principal = Depends(require_scope("settings:read")),
) -> MessageEntryPage:
    """The outbox, newest first, a page at a time."""
    database: Database = request.app.state.database
    async with database.connection() as connection:
        page = await service.list_messages(connection, state, after, limit)
    return MessageEntryPage(
        items=[MessageEntry.model_validate(item, from_attributes=True) for item in page.items],
        next=page.next,
    )


@router.post(
    "/messages/{message_id}/resend",
    responses=WRITING,
    status_code=204,
    summary="Send a message again",
)
async def send_again(
    request: Request,
    message_id: UUID,
    principal: Principal = Depends(require_scope("settings:write")),
) -> None:
    """For a message that failed; it is due at once."""
    database: Database = request.app.state.database
    async with database.transaction() as connection:
        actor = Actor(principal, request_id_of(request.scope))
        await service.send_again(connection, actor, message_id)
