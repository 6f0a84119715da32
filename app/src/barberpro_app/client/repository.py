"""SQL of clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

_SEARCH = """
SELECT id, name, email, phone, locale, note, version, created_at FROM client
WHERE (%(text)s = '' OR lower(name) LIKE %(prefix)s OR email LIKE %(prefix)s
       OR (%(digits)s <> '' AND regexp_replace(phone, '[^0-9]', '', 'g') LIKE %(digits_like)s))
  AND (%(after_id)s::uuid IS NULL OR (lower(name), id) > (%(after_name)s, %(after_id)s))
ORDER BY lower(name), id LIMIT %(limit)s
"""


async def search(
    connection: Connection, text: str, after: tuple[str, UUID] | None, limit: int
) -> list[dict[str, Any]]:
    """Clients whose name or e-mail begins with the text, or whose number has its digits."""
    digits = "".join(character for character in text if character.isascii() and character.isdigit())
    digits = digits if len(digits) >= 4 else ""
    cursor = await connection.execute(
        _SEARCH,
        {
            "text": text,
            "prefix": escape_like(text.lower()) + "%",
            "digits": digits,
            "digits_like": f"%{digits}%",
            "after_name": after[0] if after else "",
            "after_id": after[1] if after else None,
            "limit": limit,
        },
    )
    return await cursor.fetchall()


def escape_like(text: str) -> str:
    """The text with nothing in it that LIKE reads as a pattern."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def get(connection: Connection, client_id: UUID) -> dict[str, Any] | None:
    cursor = await connection.execute(
        "SELECT id, name, email, phone, locale, note, version, created_at FROM client"
        " WHERE id = %s",
        (client_id,),
    )
    return await cursor.fetchone()


async def upsert(connection: Connection, values: Mapping[str, Any]) -> tuple[UUID, bool]:
    """The client's key and whether it is new; without an e-mail it always is."""
    cursor = await connection.execute(
        "INSERT INTO client AS c (name, email, phone, locale, note)"
        " VALUES (%(name)s, %(email)s, %(phone)s, %(locale)s, coalesce(%(note)s, ''))"
        " ON CONFLICT (email) WHERE email IS NOT NULL DO UPDATE SET name = excluded.name,"
        " phone = coalesce(excluded.phone, c.phone), locale = coalesce(excluded.locale, c.locale),"
        " note = coalesce(%(note)s, c.note), version = c.version + 1, updated_at = now()"
        " RETURNING id, version = 1 AS is_new",
        values,
    )
    row = await cursor.fetchone()
    assert row is not None  # an upsert always returns its row
    return row["id"], row["is_new"]
