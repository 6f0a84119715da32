"""SQL of visits. Each change is one call of a database function: one round trip."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from barberpro_app.audit.trail import Actor
from barberpro_app.booking.repository import Document, actor_argument, call
from barberpro_app.kit.database import Connection


async def hold(connection: Connection, *arguments: Any) -> Document:
    return await call(connection, "visit_hold", *arguments)


async def book(connection: Connection, *arguments: Any) -> Document:
    return await call(connection, "visit_book", *arguments)


async def confirm(connection: Connection, *arguments: Any) -> Document:
    return await call(connection, "visit_confirm", *arguments)


async def reschedule(connection: Connection, *arguments: Any) -> Document:
    return await call(connection, "visit_reschedule", *arguments)


async def cancel(connection: Connection, *arguments: Any) -> Document:
    return await call(connection, "visit_cancel", *arguments)


_GET = """
SELECT visit_body(%(id)s) AS document FROM booking b WHERE b.visit_id = %(id)s
HAVING bool_and(booking_visible(%(actor)s, b.client_id, b.provider_id, b.held_by))
"""


async def get(connection: Connection, actor: Actor, visit_id: UUID) -> Document | None:
    """The visit, if the actor may see all of it."""
    arguments = {"id": visit_id, "actor": Jsonb(actor_argument(actor))}
    row = await (await connection.execute(_GET, arguments)).fetchone()
    return row["document"] if row else None
