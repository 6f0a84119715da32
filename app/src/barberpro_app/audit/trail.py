"""Writing the audit trail: who did what to which object, in the transaction that does it.

Changes carry no personal data: states, times, keys and amounts, never names or addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg.types.json import Jsonb

from barberpro_app.identity.principal import SYSTEM, Principal
from barberpro_app.kit.database import Connection


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and in which request."""

    principal: Principal = SYSTEM
    request_id: str = ""

    def as_json(self) -> dict[str, str]:
        """The form in which database functions take it."""
        return {
            "kind": self.principal.kind,
            "id": self.principal.id,
            "name": self.principal.name,
            "request_id": self.request_id,
        }


@dataclass(frozen=True, slots=True)
class AuditedObject:
    """The object of an event: `kind` as in the API's paths, singular; `id` its key."""

    kind: str
    id: str


async def record(
    connection: Connection,
    actor: Actor,
    action: str,
    what: AuditedObject,
    changes: Mapping[str, object] | None = None,
) -> None:
    """Appends one event; `action` is `<object>.<past participle>`, e.g. `service.updated`."""
    await connection.execute(
        "SELECT audit_record(%s, %s, %s, %s, %s)",
        (Jsonb(actor.as_json()), action, what.kind, what.id, Jsonb(dict(changes or {}))),
    )
