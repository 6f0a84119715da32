"""SQL of bookings. Each change is one call of a database function: one round trip."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from barberpro_app.audit.trail import Actor
from barberpro_app.booking.errors import refusal
from barberpro_app.kit import routines
from barberpro_app.kit.database import Connection

Document = dict[str, Any]

_HOLD = "booking_hold"
_BOOK = "booking_book"
_CONFIRM = "booking_confirm"
_EXTEND = "booking_extend"
_RESCHEDULE = "booking_reschedule"
_CANCEL = "booking_cancel"
_SET_STATUS = "booking_set_status"


def actor_argument(actor: Actor) -> dict[str, Any]:
    """The actor with what of others' bookings it may touch (see routines/booking.sql)."""
    principal = actor.principal
    argument: dict[str, Any] = actor.as_json()
    argument["staff"] = principal.kind in {"staff", "api", "system"}
    if principal.own_agenda_only:
        # a login without a provider has no agenda: no key is like none of the providers'
        argument["only_provider"] = str(principal.provider_id or UUID(int=0))
    if principal.kind == "client":
        argument["only_client"] = str(principal.client_id)
    return argument


async def hold(connection: Connection, *arguments: Any) -> Document:
    return await call(connection, _HOLD, *arguments)


async def book(connection: Connection, *arguments: Any) -> Document:
    return await call(connection, _BOOK, *arguments)


async def confirm(connection: Connection, *arguments: Any) -> Document:
    return await call(connection, _CONFIRM, *arguments)


async def extend(connection: Connection, *arguments: Any) -> Document:
    return await call(connection, _EXTEND, *arguments)


async def reschedule(connection: Connection, *arguments: Any) -> Document:
    return await call(connection, _RESCHEDULE, *arguments)


async def cancel(connection: Connection, *arguments: Any) -> Document:
    return await call(connection, _CANCEL, *arguments)


async def set_status(connection: Connection, *arguments: Any) -> Document:
    return await call(connection, _SET_STATUS, *arguments)


async def call(connection: Connection, function: str, *arguments: Any) -> Document:
    """The function's answer {status, body, replayed}. Raises the app's error for a refusal."""
    answer: Document = await routines.call(connection, refusal, function, *arguments)
    return answer


_GET = """SELECT document FROM booking_document
    WHERE id = %(id)s AND booking_visible(%(actor)s, client_id, provider_id, held_by)"""
_GET_BY_CODE = """SELECT document FROM booking_document
    WHERE code = %(code)s AND booking_visible(%(actor)s, client_id, provider_id, held_by)"""


async def get(connection: Connection, actor: Actor, booking_id: UUID) -> Document | None:
    cursor = await connection.execute(
        _GET, {"actor": Jsonb(actor_argument(actor)), "id": booking_id}
    )
    row = await cursor.fetchone()
    return row["document"] if row else None


async def get_by_code(connection: Connection, actor: Actor, code: str) -> Document | None:
    cursor = await connection.execute(
        _GET_BY_CODE, {"actor": Jsonb(actor_argument(actor)), "code": code}
    )
    row = await cursor.fetchone()
    return row["document"] if row else None


_FILTERS = {
    "client_id": SQL("client_id = %(client_id)s"),
    "provider_id": SQL("provider_id = %(provider_id)s"),
    "location_id": SQL("location_id = %(location_id)s"),
    "session_id": SQL("session_id = %(session_id)s"),
    "statuses": SQL("status = ANY (%(statuses)s)"),
    "starts_from": SQL("starts_at >= %(starts_from)s"),
    "starts_before": SQL("starts_at < %(starts_before)s"),
    "after": SQL("(starts_at, id) > (%(after_start)s, %(after_id)s)"),
}
_SEARCH = SQL(
    "SELECT document FROM booking_document WHERE {conditions} ORDER BY starts_at, id LIMIT %(limit)s"
)


async def search(
    connection: Connection,
    filters: Mapping[str, Any],
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Document]:
    """Bookings in order of start; `filters` are values by the keys of `_FILTERS`."""
    values = {name: value for name, value in filters.items() if value is not None}
    conditions = [_FILTERS[name] for name in values]
    if after is not None:
        conditions.append(_FILTERS["after"])
        values |= {"after_start": after[0], "after_id": after[1]}
    where = SQL(" AND ").join(conditions) if conditions else SQL("true")
    cursor = await connection.execute(_SEARCH.format(conditions=where), values | {"limit": limit})
    return [row["document"] for row in await cursor.fetchall()]


async def location_zone(connection: Connection, location_id: UUID | None) -> str | None:
    """The zone of a location; without one, of the first."""
    cursor = await connection.execute(
        "SELECT zone FROM location WHERE %(id)s::uuid IS NULL OR id = %(id)s"
        " ORDER BY active DESC, sort, id LIMIT 1",
        {"id": location_id},
    )
    row = await cursor.fetchone()
    return row["zone"] if row else None


async def expire_holds(connection: Connection, limit: int) -> int:
    cursor = await connection.execute("SELECT expire_holds(%s) AS count", (limit,))
    row = await cursor.fetchone()
    return row["count"] if row else 0
