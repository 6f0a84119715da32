"""SQL of photographs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection
from barberpro_app.media_processor.images import Photograph

_MEDIA = """
SELECT m.id, m.state, m.reason, m.bytes, m.width, m.height, m.created_at, m.uploaded_by,
       coalesce((SELECT jsonb_agg(to_jsonb(v) - 'media_id' ORDER BY v.width, v.media_type DESC)
                 FROM media_variant v WHERE v.media_id = m.id), '[]') AS variants
FROM media_file m WHERE m.id = ANY (%s)
"""


async def add(connection: Connection, uploaded_by: str, size: int) -> UUID:
    cursor = await connection.execute(
        "INSERT INTO media_file (uploaded_by, bytes) VALUES (%s, %s) RETURNING id",
        (uploaded_by, size),
    )
    row = await cursor.fetchone()
    assert row is not None
    key: UUID = row["id"]
    return key


async def find(connection: Connection, keys: Sequence[UUID]) -> list[dict[str, Any]]:
    return await (await connection.execute(_MEDIA, (list(keys),))).fetchall()


async def waiting_of(connection: Connection, uploaded_by: str) -> int:
    cursor = await connection.execute(
        "SELECT count(*) AS n FROM media_file WHERE uploaded_by = %s AND state = 'pending'",
        (uploaded_by,),
    )
    row = await cursor.fetchone()
    return row["n"] if row else 0


async def next_pending(connection: Connection) -> UUID | None:
    """The oldest that is due, locked; others skip it. Its attempt is counted."""
    cursor = await connection.execute(
        "UPDATE media_file SET attempts = attempts + 1,"
        " next_attempt_at = now() + interval '2 minutes' * (attempts + 1) WHERE id ="
        " (SELECT id FROM media_file WHERE state = 'pending' AND next_attempt_at <= now()"
        "  ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def refuse(connection: Connection, media_id: UUID, reason: str) -> None:
    await connection.execute(
        "UPDATE media_file SET state = 'refused', reason = %s, processed_at = now()"
        " WHERE id = %s AND state = 'pending'",
        (reason[:200], media_id),
    )


async def complete(connection: Connection, media_id: UUID, made: Photograph) -> bool:
    """False if it was deleted meanwhile."""
    cursor = await connection.execute(
        "UPDATE media_file SET state = 'ready', width = %s, height = %s, processed_at = now()"
        " WHERE id = %s AND state = 'pending'",
        (made.width, made.height, media_id),
    )
    if cursor.rowcount == 0:
        return False
    for part in made.variants:
        await connection.execute(
            "INSERT INTO media_variant (media_id, name, media_type, width, height, bytes)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (media_id, part.name, part.media_type, part.width, part.height, len(part.content)),
        )
    return True


async def delete(connection: Connection, media_id: UUID) -> list[str]:
    """Names of files that no other photograph has."""
    await connection.execute(
        "UPDATE media_file SET state = 'deleted', width = NULL, height = NULL WHERE id = %s",
        (media_id,),
    )
    cursor = await connection.execute(
        "DELETE FROM media_variant v WHERE media_id = %s RETURNING name, EXISTS (SELECT FROM"
        " media_variant o WHERE o.name = v.name AND o.media_id <> v.media_id) AS shared",
        (media_id,),
    )
    return [row["name"] for row in await cursor.fetchall() if not row["shared"]]


_PUBLIC = """
SELECT v.media_type, EXISTS (
    SELECT FROM portfolio_item i
    WHERE i.state = 'published' AND v.media_id IN (i.before_id, i.after_id)) AS published
FROM media_variant v WHERE v.name = %s
ORDER BY published DESC LIMIT 1
"""


async def variant(connection: Connection, name: str) -> dict[str, Any] | None:
    return await (await connection.execute(_PUBLIC, (name,))).fetchone()
