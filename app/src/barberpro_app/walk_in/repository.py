"""SQL of who walked in. Each change is one call of a database function."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from barberpro_app.kit import routines
from barberpro_app.kit.database import Connection
from barberpro_app.walk_in.errors import refusal

Document = dict[str, Any]


async def call(connection: Connection, function: str, *arguments: Any) -> Document:
    """The function's answer. Raises the app's error for a refusal."""
    answer: Document = await routines.call(connection, refusal, function, *arguments)
    return answer


async def get(connection: Connection, walk_in_id: UUID) -> Document | None:
    cursor = await connection.execute("SELECT walk_in_body(%s) AS body", (walk_in_id,))
    row = await cursor.fetchone()
    return row["body"] if row else None


async def today(connection: Connection, location_id: UUID) -> list[Document]:
    """All turns of this local day at a place, in order of number."""
    cursor = await connection.execute(
        "SELECT walk_in_body(w.id) AS body FROM walk_in w JOIN location l ON l.id = w.location_id"
        " WHERE w.location_id = %s AND w.day = (now() AT TIME ZONE l.zone)::date"
        " ORDER BY w.number",
        (location_id,),
    )
    return [row["body"] for row in await cursor.fetchall()]
