"""SQL of notes. Every statement names the author: nobody else's notes are ever selected."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

Row = dict[str, Any]
_COLUMNS = """SELECT n.id, n.client_id, c.name AS client_name, n.sealed, n.version, n.created_at,
    n.updated_at FROM encrypted_note n JOIN client c ON c.id = n.client_id"""


async def add(
    connection: Connection, note_id: UUID, client_id: UUID, author_id: UUID, sealed: bytes,
    tokens: list[bytes],
) -> None:  # fmt: skip
    await connection.execute(
        "INSERT INTO encrypted_note (id, client_id, author_id, sealed, tokens)"
        " VALUES (%s, %s, %s, %s, %s)",
        (note_id, client_id, author_id, sealed, tokens),
    )


async def change(
    connection: Connection, note_id: UUID, author_id: UUID, version: int, sealed: bytes,
    tokens: list[bytes],
) -> bool:  # fmt: skip
    cursor = await connection.execute(
        "UPDATE encrypted_note SET sealed = %s, tokens = %s, version = version + 1,"
        " updated_at = now() WHERE id = %s AND author_id = %s AND version = %s",
        (sealed, tokens, note_id, author_id, version),
    )
    return cursor.rowcount == 1


async def remove(connection: Connection, note_id: UUID, author_id: UUID) -> UUID | None:
    """The patient of the note that is gone."""
    cursor = await connection.execute(
        "DELETE FROM encrypted_note WHERE id = %s AND author_id = %s RETURNING client_id",
        (note_id, author_id),
    )
    row = await cursor.fetchone()
    return row["client_id"] if row else None


async def get(connection: Connection, note_id: UUID, author_id: UUID) -> Row | None:
    cursor = await connection.execute(
        f"{_COLUMNS} WHERE n.id = %s AND n.author_id = %s", (note_id, author_id)
    )
    return await cursor.fetchone()


async def search(
    connection: Connection, author_id: UUID, client_id: UUID | None, tokens: list[bytes], limit: int
) -> list[Row]:
    """Notes that have all the tokens; with no tokens, all."""
    cursor = await connection.execute(
        f"{_COLUMNS} WHERE n.author_id = %s AND (%s::uuid IS NULL OR n.client_id = %s)"
        " AND n.tokens @> %s::bytea[] ORDER BY n.created_at DESC, n.id LIMIT %s",
        (author_id, client_id, client_id, tokens, limit),
    )
    return await cursor.fetchall()
