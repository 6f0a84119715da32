"""What is known of each outside system: written by whoever talks to it, read for operators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from barberpro_app.kit.database import Connection
from barberpro_app.kit.logging import get_logger, redact

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class IntegrationState:
    """`limited_until`: nothing is sent before that; `quota`: what the peer said of its limits."""

    name: str
    last_success_at: datetime | None = None
    last_error_at: datetime | None = None
    last_error: str | None = None
    limited_until: datetime | None = None
    quota: dict[str, Any] | None = None


async def note(connection: Connection, name: str, error: str = "") -> None:
    """A call that worked, or did not."""
    await connection.execute(
        "INSERT INTO integration_state AS s (name, last_success_at, last_error_at, last_error)"
        " VALUES (%(name)s, CASE WHEN %(error)s = '' THEN now() END,"
        " CASE WHEN %(error)s <> '' THEN now() END, nullif(%(error)s, ''))"
        " ON CONFLICT (name) DO UPDATE SET"
        " last_success_at = coalesce(EXCLUDED.last_success_at, s.last_success_at),"
        " last_error_at = coalesce(EXCLUDED.last_error_at, s.last_error_at),"
        " last_error = coalesce(EXCLUDED.last_error, s.last_error)",
        {"name": name, "error": redact(error)[:200]},
    )


async def note_limit(connection: Connection, name: str, wait: timedelta, reason: str) -> None:
    """The peer said that we ask too much; nobody asks it again before `wait` is over."""
    log.warning("rate.limit", integration=name, seconds=wait.total_seconds(), reason=reason)
    await connection.execute(
        "INSERT INTO integration_state AS s (name, last_error_at, last_error, limited_until)"
        " VALUES (%(name)s, now(), %(reason)s, now() + %(wait)s) ON CONFLICT (name) DO UPDATE SET"
        " last_error_at = now(), last_error = %(reason)s,"
        " limited_until = greatest(s.limited_until, now() + %(wait)s)",
        {"name": name, "reason": redact(reason)[:200], "wait": wait},
    )


async def note_quota(connection: Connection, name: str, quota: dict[str, Any]) -> None:
    """What the peer says of its limits."""
    await connection.execute(
        "INSERT INTO integration_state (name, quota) VALUES (%s, %s)"
        " ON CONFLICT (name) DO UPDATE SET quota = EXCLUDED.quota",
        (name, Jsonb(quota)),
    )


async def is_limited(connection: Connection, name: str) -> bool:
    cursor = await connection.execute(
        "SELECT 1 FROM integration_state WHERE name = %s AND limited_until > now()", (name,)
    )
    return await cursor.fetchone() is not None


async def states(connection: Connection) -> dict[str, IntegrationState]:
    cursor = await connection.execute("SELECT * FROM integration_state")
    return {row["name"]: IntegrationState(**row) for row in await cursor.fetchall()}
