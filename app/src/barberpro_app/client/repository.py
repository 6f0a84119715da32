"""SQL of clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.sql import SQL, Composable

from barberpro_app.client.errors import refusal
from barberpro_app.kit.database import Connection
from barberpro_app.kit.routines import call

Row = dict[str, Any]

_COLUMNS = SQL(
    "c.id, c.name, c.email, c.phone, c.locale, c.note, c.tags, c.preferred_provider_id,"
    " c.blocked_at, c.blocked_reason, c.version, c.created_at"
)
#: One word of what is looked for: in the name whatever its accents, in an e-mail, in a number that the
#: person had; each is an index of its own.
_WORD = """
(c.plain_name LIKE '%%' || plain_letters({word}) || '%%' OR c.email LIKE '%%' || {word} || '%%'
 OR c.id = ANY (ARRAY(SELECT client_id FROM client_alias WHERE value LIKE '%%' || {word} || '%%')))
"""
_NUMBER = """
(regexp_replace(c.phone, '[^0-9]', '', 'g') LIKE '%%' || {word} || '%%'
 OR c.email LIKE '%%' || {word} || '%%'
 OR c.id = ANY (ARRAY(SELECT client_id FROM client_alias WHERE value LIKE '%%' || {word} || '%%')))
"""


async def search(
    connection: Connection,
    words: Sequence[tuple[bool, str]],
    *,
    tag: str | None,
    blocked: bool | None,
    after: UUID | None,
    limit: int,
) -> list[Row]:
    """Clients in whose name, e-mail or number all of these are; a word is text, or digits if `True`.

    `limit` of them in order of name, from the one after `after` on.
    """
    conditions: list[Composable] = [SQL("c.merged_into IS NULL")]
    values: Row = {"limit": limit}
    for number, (is_number, word) in enumerate(words):
        values[f"w{number}"] = escape_like(word)
        pattern = _NUMBER if is_number else _WORD
        conditions.append(SQL(pattern.replace("{word}", f"%(w{number})s")))
    if tag is not None:
        values["tag"] = [tag]
        conditions.append(SQL("c.tags @> %(tag)s::text[]"))
    if blocked is not None:
        conditions.append(SQL("c.blocked_at IS NOT NULL" if blocked else "c.blocked_at IS NULL"))
    if after is not None:
        key = await _sort_key(connection, after)
        values |= {"after_name": key, "after": after}
        conditions.append(SQL("(c.plain_name, c.id) > (%(after_name)s, %(after)s)"))
    statement = SQL(
        "SELECT {} FROM client c WHERE {} ORDER BY c.plain_name, c.id LIMIT %(limit)s"
    ).format(_COLUMNS, SQL(" AND ").join(conditions))
    # planned anew for each text: what many have is read in order of name, what few have by index
    cursor = await connection.execute(statement, values, prepare=False)
    return await cursor.fetchall()


async def _sort_key(connection: Connection, client_id: UUID) -> str:
    cursor = await connection.execute(
        "SELECT plain_name AS name FROM client WHERE id = %s", (client_id,)
    )
    row = await cursor.fetchone()
    return row["name"] if row else ""


def escape_like(text: str) -> str:
    """The text with nothing in it that LIKE reads as a pattern."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def get(connection: Connection, client_id: UUID) -> Row | None:
    """The client of this key; of a record that became part of another, that other one."""
    cursor = await connection.execute(
        SQL(
            "SELECT {} FROM client k JOIN client c ON c.id = coalesce(k.merged_into, k.id)"
            " WHERE k.id = %s"
        ).format(_COLUMNS),
        (client_id,),
    )
    return await cursor.fetchone()


async def several(connection: Connection, client_ids: Sequence[UUID]) -> dict[UUID, Row]:
    cursor = await connection.execute(
        SQL("SELECT {} FROM client c WHERE id = ANY (%s)").format(_COLUMNS), (list(client_ids),)
    )
    return {row["id"]: row for row in await cursor.fetchall()}


async def is_of(connection: Connection, client_id: UUID, provider_id: UUID | None) -> bool:
    """Whether the client has or had a booking with this provider."""
    cursor = await connection.execute(
        "SELECT FROM booking b JOIN client k ON b.client_id = coalesce(k.merged_into, k.id)"
        " WHERE k.id = %s AND b.provider_id = %s AND b.status NOT IN ('held', 'expired') LIMIT 1",
        (client_id, provider_id),
    )
    return await cursor.fetchone() is not None


async def upsert(connection: Connection, values: Mapping[str, Any]) -> tuple[UUID, bool]:
    """The client's key and whether it is new; without an e-mail it always is."""
    cursor = await connection.execute(
        "INSERT INTO client AS c (name, email, phone, locale, note, tags, preferred_provider_id)"
        " VALUES (%(name)s, coalesce((SELECT k.email FROM client_alias a JOIN client k"
        "  ON k.id = a.client_id WHERE a.kind = 'email' AND a.value = %(email)s), %(email)s),"
        " %(phone)s, %(locale)s, coalesce(%(note)s, ''), coalesce(%(tags)s::text[], '{}'),"
        " %(preferred_provider_id)s)"
        " ON CONFLICT (email) WHERE email IS NOT NULL DO UPDATE SET name = excluded.name,"
        " phone = coalesce(excluded.phone, c.phone), locale = coalesce(excluded.locale, c.locale),"
        " note = coalesce(%(note)s, c.note), tags = coalesce(%(tags)s::text[], c.tags),"
        " preferred_provider_id = coalesce(%(preferred_provider_id)s, c.preferred_provider_id),"
        " version = c.version + 1, updated_at = now()"
        " RETURNING id, version = 1 AS is_new",
        values,
    )
    row = await cursor.fetchone()
    assert row is not None  # an upsert always returns its row
    return row["id"], row["is_new"]


async def tags(connection: Connection) -> list[str]:
    """The tags that are in use, the most used first."""
    cursor = await connection.execute(
        "SELECT t AS tag FROM client, unnest(tags) t WHERE cardinality(tags) > 0"
        " GROUP BY t ORDER BY count(*) DESC, t LIMIT 30"
    )
    return [row["tag"] for row in await cursor.fetchall()]


async def notes(
    connection: Connection, client_id: UUID, readers: Sequence[str], author: str
) -> list[Row]:
    """Newest first: those for these readers, and the author's own."""
    cursor = await connection.execute(
        "SELECT id, readers, text, author_name, author_id <> '' AND author_id = %(author)s AS own,"
        " created_at FROM client_note WHERE client_id = %(client_id)s"
        " AND (readers = ANY (%(readers)s) OR readers = 'author' AND author_id = %(author)s)"
        " ORDER BY id DESC LIMIT 200",
        {"client_id": client_id, "readers": list(readers), "author": author},
    )
    return await cursor.fetchall()


async def add_note(connection: Connection, values: Mapping[str, Any]) -> UUID:
    cursor = await connection.execute(
        "INSERT INTO client_note (client_id, readers, text, author_id, author_name)"
        " VALUES (%(client_id)s, %(readers)s, %(text)s, %(author_id)s, %(author_name)s)"
        " RETURNING id",
        values,
    )
    row = await cursor.fetchone()
    assert row is not None  # an insert returns its row
    note_id: UUID = row["id"]
    return note_id


async def remove_note(connection: Connection, client_id: UUID, note_id: UUID) -> bool:
    cursor = await connection.execute(
        "DELETE FROM client_note WHERE id = %s AND client_id = %s", (note_id, client_id)
    )
    return cursor.rowcount == 1


async def merge(
    connection: Connection,
    actor: Mapping[str, Any],
    kept: UUID,
    gone: UUID,
    request: Mapping[str, Any],
) -> dict[str, int]:
    """How many rows of which table went over. Raises the app's error for a refusal."""
    moved: dict[str, int] = await call(
        connection, refusal, "client_merge", actor, kept, gone, request
    )
    return moved


async def excluded(connection: Connection, one: UUID, other: UUID) -> dict[str, int]:
    """What of the two a person can have but once, and how many."""
    cursor = await connection.execute(
        "SELECT what, number FROM client_merge_exclusive(%s, %s)", (one, other)
    )
    return {row["what"]: row["number"] for row in await cursor.fetchall()}


async def pairs(connection: Connection, limit: int) -> list[Row]:
    cursor = await connection.execute("SELECT one, other, why FROM client_pairs(%s)", (limit,))
    return await cursor.fetchall()


async def similar(connection: Connection, client_id: UUID, limit: int) -> list[Row]:
    cursor = await connection.execute(
        "SELECT other, why FROM client_like(%s, %s)", (client_id, limit)
    )
    return await cursor.fetchall()


async def not_same(connection: Connection, one: UUID, other: UUID, said_by: str) -> bool:
    """False if one of them is not there."""
    cursor = await connection.execute(
        "INSERT INTO client_not_same (one_id, other_id, said_by)"
        " SELECT least(a.id, b.id), greatest(a.id, b.id), %s FROM client a, client b"
        " WHERE a.id = %s AND b.id = %s AND a.id <> b.id AND a.merged_into IS NULL"
        " AND b.merged_into IS NULL ON CONFLICT (one_id, other_id)"
        " DO UPDATE SET said_by = excluded.said_by RETURNING one_id",
        (said_by, one, other),
    )
    return await cursor.fetchone() is not None
