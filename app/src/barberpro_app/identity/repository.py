"""The SQL of identity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose link or session it is: a staff user or a client, never both."""

    staff_id: UUID | None = None
    client_id: UUID | None = None


async def request_sign_in(
    connection: Connection, email: str, next_path: str, locale: str | None
) -> None:
    await connection.execute("SELECT sign_in_request(%s, %s, %s)", (email, next_path, locale))


async def insert_link(
    connection: Connection, hashed: bytes, subject: Subject, next_path: str, lifetime: timedelta
) -> datetime:
    """Returns when the link expires."""
    cursor = await connection.execute(
        "INSERT INTO sign_in_link (token_hash, staff_id, client_id, next_path, expires_at)"
        " VALUES (%s, %s, %s, %s, now() + %s) RETURNING expires_at",
        (hashed, subject.staff_id, subject.client_id, next_path, lifetime),
    )
    row = await cursor.fetchone()
    assert row is not None
    expires_at: datetime = row["expires_at"]
    return expires_at


async def link_is_open(connection: Connection, hashed: bytes) -> bool:
    cursor = await connection.execute(
        "SELECT FROM sign_in_link WHERE token_hash = %s AND used_at IS NULL AND expires_at > now()",
        (hashed,),
    )
    return await cursor.fetchone() is not None


async def use_link(connection: Connection, hashed: bytes) -> tuple[Subject, str] | None:
    """Marks an open link as used, once whatever races for it, and closes the subject's others."""
    cursor = await connection.execute(
        "UPDATE sign_in_link SET used_at = now()"
        " WHERE token_hash = %s AND used_at IS NULL AND expires_at > now()"
        " RETURNING staff_id, client_id, next_path",
        (hashed,),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    subject = Subject(row["staff_id"], row["client_id"])
    await connection.execute(
        "UPDATE sign_in_link SET used_at = now()"
        " WHERE used_at IS NULL AND (staff_id = %s OR client_id = %s)",
        (subject.staff_id, subject.client_id),
    )
    return subject, row["next_path"]


async def insert_session(
    connection: Connection, hashed: bytes, subject: Subject, idle: timedelta, longest: timedelta
) -> None:
    await connection.execute(
        "INSERT INTO session (token_hash, staff_id, client_id, expires_at, ends_at)"
        " VALUES (%s, %s, %s, now() + %s, now() + %s)",
        (hashed, subject.staff_id, subject.client_id, idle, longest),
    )


async def find_session(connection: Connection, hashed: bytes) -> dict[str, Any] | None:
    """The open session of an active user: `slides` says that its expiry is due to be moved."""
    cursor = await connection.execute(
        "SELECT s.client_id, s.seen_at < now() - interval '5 minutes' AS slides,"
        " u.id AS staff_id, u.name, u.role, u.provider_id"
        " FROM session s LEFT JOIN staff_user u ON u.id = s.staff_id AND u.active"
        " WHERE s.token_hash = %s AND s.expires_at > now()"
        " AND (u.id IS NOT NULL OR s.client_id IS NOT NULL)",
        (hashed,),
    )
    return await cursor.fetchone()


async def slide_session(connection: Connection, hashed: bytes, idle: timedelta) -> None:
    await connection.execute(
        "UPDATE session SET seen_at = now(), expires_at = least(now() + %s, ends_at)"
        " WHERE token_hash = %s",
        (idle, hashed),
    )


async def delete_session(connection: Connection, hashed: bytes) -> Subject | None:
    cursor = await connection.execute(
        "DELETE FROM session WHERE token_hash = %s RETURNING staff_id, client_id", (hashed,)
    )
    row = await cursor.fetchone()
    return Subject(row["staff_id"], row["client_id"]) if row else None


async def delete_sessions_of(connection: Connection, subject: Subject) -> int:
    """Ends all sessions and closes all links of the subject; the number of sessions."""
    await connection.execute(
        "DELETE FROM sign_in_link WHERE staff_id = %s OR client_id = %s",
        (subject.staff_id, subject.client_id),
    )
    cursor = await connection.execute(
        "DELETE FROM session WHERE staff_id = %s OR client_id = %s",
        (subject.staff_id, subject.client_id),
    )
    return cursor.rowcount


async def delete_expired(connection: Connection) -> int:
    """Sessions and links that nobody can use any more."""
    sessions = await connection.execute("DELETE FROM session WHERE expires_at < now()")
    links = await connection.execute(
        "DELETE FROM sign_in_link WHERE expires_at < now() - interval '1 day'"
    )
    return sessions.rowcount + links.rowcount


async def find_api_client(connection: Connection, name: str) -> dict[str, Any] | None:
    cursor = await connection.execute(
        "SELECT id, name, secret_hash, scopes FROM api_client"
        " WHERE name = %s AND removed_at IS NULL",
        (name,),
    )
    return await cursor.fetchone()


async def touch_api_client(connection: Connection, client_id: UUID) -> None:
    await connection.execute(
        "UPDATE api_client SET last_used_at = now() WHERE id = %s"
        " AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')",
        (client_id,),
    )


async def insert_api_client(
    connection: Connection, name: str, secret_hash: bytes, scopes: Sequence[str]
) -> UUID | None:
    """The new key; None if the name is taken."""
    cursor = await connection.execute(
        "INSERT INTO api_client (name, secret_hash, scopes) VALUES (%s, %s, %s)"
        " ON CONFLICT (name) DO NOTHING RETURNING id",
        (name, secret_hash, list(scopes)),
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def remove_api_client(connection: Connection, name: str) -> UUID | None:
    """Frees the name; the row stays an hour so that processes can refuse its last tokens."""
    cursor = await connection.execute(
        "UPDATE api_client SET removed_at = now(), name = 'removed.' || left(id::text, 36)"
        " WHERE name = %s AND removed_at IS NULL RETURNING id",
        (name,),
    )
    row = await cursor.fetchone()
    return row["id"] if row else None


async def removed_api_clients(connection: Connection) -> list[str]:
    """Keys of clients removed while a token of theirs may still be in use."""
    cursor = await connection.execute(
        "SELECT id FROM api_client WHERE removed_at > now() - interval '1 hour'"
    )
    return [str(row["id"]) for row in await cursor.fetchall()]


async def delete_removed_api_clients(connection: Connection) -> int:
    cursor = await connection.execute(
        "DELETE FROM api_client WHERE removed_at < now() - interval '1 hour'"
    )
    return cursor.rowcount


async def list_api_clients(connection: Connection) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        "SELECT id, name, scopes, created_at, last_used_at FROM api_client"
        " WHERE removed_at IS NULL ORDER BY name"
    )
    return await cursor.fetchall()
