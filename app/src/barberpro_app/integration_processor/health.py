"""The state of each outside system that this deployment uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from barberpro_app.integration_processor.setup import is_set_up
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.integrations import IntegrationState, states
from barberpro_app.settings import Settings
from barberpro_app.vault.mail import in_force

State = Literal["ok", "idle", "limited", "failing", "not_set_up", "not_in_release"]
#: An error that long ago, without anything waiting, says nothing about now.
FORGET = timedelta(hours=24)
CONTAINED = ("mail", "whatsapp", "mercado-pago", "instagram", "caldav", "google-calendar")
#: integration -> its queue; the others have none
_QUEUES = {
    "mail": "email",
    **{name: name for name in CONTAINED if name not in {"mail", "mercado-pago"}},
}


@dataclass(frozen=True, slots=True)
class Integration:
    """`waiting` are messages, bookings or posts not sent yet, `oldest_seconds` how long the first of them has been
    due, `dead_letters` those that wait for a person. None where there is no such thing."""

    name: str
    set_up: bool
    state: State
    known: IntegrationState
    waiting: int | None = None
    oldest_seconds: float | None = None
    dead_letters: int | None = None


async def every(connection: Connection, settings: Settings) -> list[Integration]:
    """Those of this deployment: e-mail, WhatsApp, and what its services bring."""
    known = await states(connection)
    queues = await _queues(connection)
    services = settings.app.services
    secrets = settings.secrets
    set_up = {"mail": in_force(settings) is not None, "whatsapp": is_set_up(settings)}
    if "payment" in services:
        set_up["mercado-pago"] = secrets.optional("mercado-pago-access-token") is not None
    if "social-sharing-service" in services:
        set_up["instagram"] = secrets.optional("instagram-token") is not None or await _sealed(
            connection, "instagram-token"
        )
    if "calendar-sync" in services:
        set_up["caldav"] = "caldav" in await _connected(connection)
        set_up["google-calendar"] = secrets.optional("google-client-id") is not None
    return [
        _integration(name, known.get(name, IntegrationState(name)), queues, is_there=there)
        for name, there in set_up.items()
    ]


def _integration(
    name: str,
    known: IntegrationState,
    queues: dict[str, tuple[int, datetime | None, int]],
    *,
    is_there: bool,
) -> Integration:
    channel = _QUEUES.get(name)
    state = _state(known, is_there=is_there, name=name)
    if channel is None:
        return Integration(name, is_there, state, known)
    waiting, oldest, dead = queues.get(channel, (0, None, 0))
    seconds = max((clock.now() - oldest).total_seconds(), 0.0) if oldest else 0.0
    return Integration(name, is_there, state, known, waiting, seconds, dead)


def _state(known: IntegrationState, *, is_there: bool, name: str) -> State:
    if not is_there:
        return "not_set_up" if name in CONTAINED else "not_in_release"
    now = clock.now()
    if known.limited_until is not None and known.limited_until > now:
        return "limited"
    error, success = known.last_error_at, known.last_success_at
    if error is not None and error > now - FORGET and (success is None or error > success):
        return "failing"
    return "ok" if success is not None else "idle"


async def _sealed(connection: Connection, name: str) -> bool:
    """Whether the owner typed this token in."""
    cursor = await connection.execute("SELECT FROM sealed_setting WHERE key = %s", (name,))
    return await cursor.fetchone() is not None


async def _connected(connection: Connection) -> set[str]:
    cursor = await connection.execute(
        "SELECT DISTINCT kind FROM calendar_connection WHERE state IN ('active', 'refused')"
    )
    return {row["kind"] for row in await cursor.fetchall()}


async def _queues(connection: Connection) -> dict[str, tuple[int, datetime | None, int]]:
    """Queue -> waiting, since when the oldest has been due, dead letters."""
    cursor = await connection.execute(
        "SELECT channel, count(*) FILTER (WHERE state IN ('pending', 'sending')) AS waiting,"
        " min(created_at) FILTER (WHERE state IN ('pending', 'sending')"
        "   AND next_attempt_at <= now() + interval '6 hours') AS oldest,"
        " count(*) FILTER (WHERE state = 'failed') AS dead"
        " FROM message WHERE state <> 'sent' GROUP BY channel"
        " UNION ALL"
        " SELECT CASE k.kind WHEN 'google' THEN 'google-calendar' ELSE k.kind END,"
        " count(*) FILTER (WHERE m.state = 'pending'),"
        " min(m.changed_at) FILTER (WHERE m.state = 'pending'),"
        " count(*) FILTER (WHERE m.state = 'failed')"
        " FROM calendar_mirror m JOIN calendar_connection k ON k.id = m.connection_id"
        " WHERE m.state <> 'done' GROUP BY k.kind"
        " UNION ALL"
        " SELECT 'instagram', count(*) FILTER (WHERE state IN ('pending', 'container')),"
        " min(created_at) FILTER (WHERE state IN ('pending', 'container')),"
        " count(*) FILTER (WHERE state = 'failed')"
        " FROM social_post WHERE state NOT IN ('published', 'withdrawn') HAVING count(*) > 0"
    )
    return {
        row["channel"]: (row["waiting"], row["oldest"], row["dead"])
        for row in await cursor.fetchall()
    }
