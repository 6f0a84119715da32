"""Reading the audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection


@dataclass(frozen=True, slots=True)
class Filter:
    """What to show; None does not restrict. Keys are in order of time, newest first."""

    object_kind: str | None = None
    object_id: str | None = None
    actor_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: UUID | None = None


async def select_events(connection: Connection, wanted: Filter, limit: int) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        "SELECT id, at, actor_kind, actor_id, actor_name, action, object_kind, object_id,"
        " request_id, changes FROM audit_event"
        " WHERE (%(object_kind)s::text IS NULL OR object_kind = %(object_kind)s)"
        " AND (%(object_id)s::text IS NULL OR object_id = %(object_id)s)"
        " AND (%(actor_id)s::text IS NULL OR actor_id = %(actor_id)s)"
        " AND (%(action)s::text IS NULL OR action = %(action)s)"
        " AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)"
        " AND (%(until)s::timestamptz IS NULL OR at < %(until)s)"
        " AND (%(after)s::uuid IS NULL OR id < %(after)s)"
        " ORDER BY id DESC LIMIT %(limit)s::int4",
        {
            "object_kind": wanted.object_kind,
            "object_id": wanted.object_id,
            "actor_id": wanted.actor_id,
            "action": wanted.action,
            "since": wanted.since,
            "until": wanted.until,
            "after": wanted.after,
            "limit": limit,
        },
    )
    return await cursor.fetchall()
