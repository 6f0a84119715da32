"""Messages as owner and manager see them: what became of each, without whom it was for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import ConflictError, NotFoundError
from barberpro_app.notification import repository

MOST = 200
STATES = ("pending", "sending", "sent", "failed", "cancelled")


class NotFailedError(ConflictError):
    """Only a message that failed can be sent again."""

    code = "message_not_failed"


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `last_error` is the mail server's answer, without addresses."""

    id: UUID
    kind: str
    state: str
    attempts: int
    next_attempt_at: datetime
    last_error: str | None
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Newest first; `next` is the `after` of the next page, None at the end."""

    items: list[Message]
    next: UUID | None


async def list_messages(
    connection: Connection,
    state: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> MessagePage:
    """A page of at most `limit` (1 to 200) messages, of one of `STATES` or of all."""
    limit = max(1, min(limit, MOST))
    rows = await repository.select_page(connection, state, after, limit + 1)
    items = [Message(**row) for row in rows[:limit]]
    return MessagePage(items, items[-1].id if len(rows) > limit else None)


async def send_again(connection: Connection, actor: Actor, message_id: UUID) -> None:
    """Puts a failed message back into the outbox. Needs a transaction.

    Raises `NotFoundError`, `NotFailedError`.
    """
    state = await repository.send_again(connection, message_id)
    if state is None:
        raise NotFoundError
    if state != "failed":
        raise NotFailedError
    await record(connection, actor, "message.sent_again", AuditedObject("message", str(message_id)))
