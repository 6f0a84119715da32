"""The audit trail for those who may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from barberpro_app.audit import repository
from barberpro_app.audit.repository import Filter
from barberpro_app.kit.database import Connection

MOST = 200


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One line of the trail. `changes` holds states, times and keys, no personal data."""

    id: UUID
    at: datetime
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str
    object_kind: str
    object_id: str
    request_id: str
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Newest first; `next` is the `after` of the next page, None at the end."""

    items: list[AuditEvent]
    next: UUID | None


async def list_events(connection: Connection, wanted: Filter, limit: int = 50) -> AuditPage:
    """A page of at most `limit` (1 to 200) events."""
    limit = max(1, min(limit, MOST))
    rows = await repository.select_events(connection, wanted, limit + 1)
    items = [AuditEvent(**row) for row in rows[:limit]]
    return AuditPage(items, items[-1].id if len(rows) > limit else None)
