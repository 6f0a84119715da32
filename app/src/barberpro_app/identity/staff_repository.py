"""The SQL of staff users."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import sql

from barberpro_app.kit.database import Connection

_COLUMNS = sql.SQL("id, email, name, role, provider_id, active, version, created_at")
_CHANGEABLE = {"email", "name", "role", "provider_id", "active"}


async def select_all(connection: Connection) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        sql.SQL("SELECT {} FROM staff_user ORDER BY NOT active, name, id").format(_COLUMNS)
    )
    return await cursor.fetchall()


async def select_one(connection: Connection, staff_id: UUID) -> dict[str, Any] | None:
    cursor = await connection.execute(
        sql.SQL("SELECT {} FROM staff_user WHERE id = %s").format(_COLUMNS), (staff_id,)
    )
    return await cursor.fetchone()


async def select_by_email(connection: Connection, email: str) -> dict[str, Any] | None:
    cursor = await connection.execute(
        sql.SQL("SELECT {} FROM staff_user WHERE email = lower(%s)").format(_COLUMNS), (email,)
    )
    return await cursor.fetchone()


async def insert(
    connection: Connection, email: str, name: str, role: str, provider_id: UUID | None
) -> dict[str, Any]:
    cursor = await connection.execute(
        sql.SQL(
            "INSERT INTO staff_user (email, name, role, provider_id)"
            " VALUES (lower(%s), %s, %s, %s) RETURNING {}"
        ).format(_COLUMNS),
        (email, name, role, provider_id),
    )
    row = await cursor.fetchone()
    assert row is not None
    return row


async def update(connection: Connection, staff_id: UUID, changes: dict[str, Any]) -> dict[str, Any]:
    names = [name for name in changes if name in _CHANGEABLE]
    assignments = sql.SQL(", ").join(
        [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in names]
        + [sql.SQL("version = version + 1, updated_at = now()")]
    )
    cursor = await connection.execute(
        sql.SQL("UPDATE staff_user SET {} WHERE id = %(staff_id)s RETURNING {}").format(
            assignments, _COLUMNS
        ),
        {**{name: changes[name] for name in names}, "staff_id": staff_id},
    )
    row = await cursor.fetchone()
    assert row is not None
    return row


async def delete(connection: Connection, staff_id: UUID) -> None:
    await connection.execute("DELETE FROM staff_user WHERE id = %s", (staff_id,))


async def lock_owners(connection: Connection) -> None:
    """Changes of owners go one after another, so that two cannot remove the last two."""
    await connection.execute(
        "SELECT id FROM staff_user WHERE role = 'owner' ORDER BY id FOR UPDATE"
    )


async def other_owners(connection: Connection, staff_id: UUID) -> int:
    cursor = await connection.execute(
        "SELECT count(*) AS number FROM staff_user WHERE role = 'owner' AND active AND id <> %s",
        (staff_id,),
    )
    row = await cursor.fetchone()
    return int(row["number"]) if row else 0


async def first_time(connection: Connection, email: str) -> bool:
    """Whether the seed never made an account for this address; from now on it did."""
    cursor = await connection.execute(
        "INSERT INTO seeded (kind, key) VALUES ('staff', lower(%s)) ON CONFLICT DO NOTHING",
        (email,),
    )
    return cursor.rowcount == 1


async def insert_first(
    connection: Connection, email: str, name: str, role: str, provider_key: str | None
) -> UUID | None:
    """None if somebody has the address already."""
    cursor = await connection.execute(
        "INSERT INTO staff_user (email, name, role, provider_id) VALUES (lower(%s), %s, %s,"
        " (SELECT id FROM provider WHERE key = %s)) ON CONFLICT (email) DO NOTHING RETURNING id",
        (email, name, role, provider_key),
    )
    row = await cursor.fetchone()
    return row["id"] if row else None
