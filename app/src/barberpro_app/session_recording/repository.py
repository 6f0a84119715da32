"""SQL of recordings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

Row = dict[str, Any]

_KEYS = """
SELECT id, encode(public_key, 'base64') AS public_key,
       encode(private_key_sealed, 'base64') AS private_key_sealed, encode(salt, 'base64') AS salt,
       iterations, active, created_at
FROM recording_key WHERE staff_id = %(staff_id)s AND (%(id)s::uuid IS NULL OR id = %(id)s)
  AND (active OR %(id)s::uuid IS NOT NULL)
"""

_RECORDINGS = """
SELECT r.id, r.booking_id, r.client_id, c.name AS client_name, r.staff_id, r.key_id, r.consent_id,
       r.state, r.media_type, encode(r.wrapped_key, 'base64') AS wrapped_key, r.chunks, r.bytes,
       r.started_at, r.completed_at, r.delete_on,
       (SELECT n.revoked_at IS NULL FROM consent n WHERE n.id = r.consent_id) AS consented
FROM session_recording r JOIN client c ON c.id = r.client_id
WHERE r.state <> 'deleted'
  AND (%(id)s::uuid IS NULL OR r.id = %(id)s)
  AND (%(staff_id)s::uuid IS NULL OR r.staff_id = %(staff_id)s)
  AND (%(client_id)s::uuid IS NULL OR r.client_id = %(client_id)s)
ORDER BY r.started_at DESC LIMIT 500
"""


async def replace_key(connection: Connection, staff_id: UUID, values: Mapping[str, object]) -> None:
    """The new key seals from now on; old ones stay for what they sealed."""
    await connection.execute(
        "UPDATE recording_key SET active = false WHERE staff_id = %s AND active", (staff_id,)
    )
    await connection.execute(
        "INSERT INTO recording_key (staff_id, public_key, private_key_sealed, salt, iterations)"
        " VALUES (%(staff_id)s, %(public_key)s, %(private_key_sealed)s, %(salt)s, %(iterations)s)",
        {**values, "staff_id": staff_id},
    )


async def key(connection: Connection, staff_id: UUID, key_id: UUID | None = None) -> Row | None:
    """The active key, or one by its id."""
    cursor = await connection.execute(_KEYS, {"staff_id": staff_id, "id": key_id})
    return await cursor.fetchone()


async def booking(connection: Connection, booking_id: UUID) -> Row | None:
    cursor = await connection.execute(
        "SELECT id, client_id, provider_id, status, starts_at, ends_at FROM booking WHERE id = %s",
        (booking_id,),
    )
    return await cursor.fetchone()


async def add(connection: Connection, values: Mapping[str, object]) -> UUID:
    cursor = await connection.execute(
        "INSERT INTO session_recording (booking_id, client_id, staff_id, key_id, consent_id,"
        " media_type, wrapped_key, delete_on) VALUES (%(booking_id)s, %(client_id)s, %(staff_id)s,"
        " %(key_id)s, %(consent_id)s, %(media_type)s, %(wrapped_key)s,"
        " current_date + %(keep_days)s::integer) RETURNING id",
        values,
    )
    row = await cursor.fetchone()
    assert row is not None
    found: UUID = row["id"]
    return found


async def recordings(
    connection: Connection,
    *,
    recording_id: UUID | None = None,
    staff_id: UUID | None = None,
    client_id: UUID | None = None,
) -> list[Row]:
    cursor = await connection.execute(
        _RECORDINGS, {"id": recording_id, "staff_id": staff_id, "client_id": client_id}
    )
    return await cursor.fetchall()


async def lock(connection: Connection, recording_id: UUID) -> None:
    await connection.execute(
        "SELECT FROM session_recording WHERE id = %s FOR UPDATE", (recording_id,)
    )


async def add_chunk(
    connection: Connection, recording_id: UUID, number: int, content: bytes
) -> None:
    await connection.execute(
        "INSERT INTO session_recording_chunk (recording_id, number, content) VALUES (%s, %s, %s)",
        (recording_id, number, content),
    )
    await connection.execute(
        "UPDATE session_recording SET chunks = chunks + 1, bytes = bytes + %s WHERE id = %s",
        (len(content), recording_id),
    )


async def chunk(connection: Connection, recording_id: UUID, number: int) -> bytes | None:
    cursor = await connection.execute(
        "SELECT content FROM session_recording_chunk WHERE recording_id = %s AND number = %s",
        (recording_id, number),
    )
    row = await cursor.fetchone()
    return bytes(row["content"]) if row else None


async def complete(connection: Connection, recording_id: UUID) -> None:
    await connection.execute(
        "UPDATE session_recording SET state = 'complete', completed_at = now()"
        " WHERE id = %s AND state = 'recording'",
        (recording_id,),
    )


async def delete(connection: Connection, recording_id: UUID) -> None:
    """The contents and the key go; that there was a recording stays."""
    await connection.execute(
        "DELETE FROM session_recording_chunk WHERE recording_id = %s", (recording_id,)
    )
    await connection.execute(
        "UPDATE session_recording SET state = 'deleted', deleted_at = now(),"
        " wrapped_key = decode(repeat('00', 256), 'hex') WHERE id = %s",
        (recording_id,),
    )


async def due(connection: Connection) -> list[UUID]:
    """Recordings whose day has come, or whose consent was withdrawn."""
    cursor = await connection.execute(
        "SELECT r.id FROM session_recording r JOIN consent n ON n.id = r.consent_id"
        " WHERE r.state <> 'deleted' AND (r.delete_on <= current_date OR n.revoked_at IS NOT NULL)"
        " FOR UPDATE OF r SKIP LOCKED LIMIT 100"
    )
    return [row["id"] for row in await cursor.fetchall()]
