"""SQL of the gallery."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

_ADD = """
INSERT INTO portfolio_item (provider_id, service_id, client_id, consent_id, booking_id, before_id,
                            after_id, before_alt, after_alt, state)
VALUES (%(provider_id)s, %(service_id)s, %(client_id)s, %(consent_id)s, %(booking_id)s,
        %(before_id)s, %(after_id)s, %(before_alt)s, %(after_alt)s, %(state)s) RETURNING *
"""


async def add(connection: Connection, values: Mapping[str, Any]) -> dict[str, Any]:
    row = await (await connection.execute(_ADD, values)).fetchone()
    assert row is not None
    return row


async def has_visited(connection: Connection, client_id: UUID, provider_id: UUID) -> bool:
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM booking WHERE client_id = %s AND provider_id = %s"
        " AND status IN ('arrived', 'completed')) AS found",
        (client_id, provider_id),
    )
    row = await cursor.fetchone()
    return bool(row and row["found"])


async def media_in_use(connection: Connection, media: list[UUID]) -> bool:
    """Locks the photographs, so that two pairs cannot take one at once."""
    await connection.execute("SELECT FROM media_file WHERE id = ANY (%s) FOR UPDATE", (media,))
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM portfolio_item WHERE before_id = ANY (%s)"
        " OR after_id = ANY (%s)) AS found",
        (media, media),
    )
    row = await cursor.fetchone()
    return bool(row and row["found"])


async def item(connection: Connection, item_id: UUID) -> dict[str, Any] | None:
    cursor = await connection.execute(
        "SELECT * FROM portfolio_item WHERE id = %s FOR UPDATE", (item_id,)
    )
    return await cursor.fetchone()


async def items(
    connection: Connection, state: str, provider_id: UUID | None
) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        "SELECT * FROM portfolio_item WHERE state = %s"
        " AND (%s::uuid IS NULL OR provider_id = %s) ORDER BY id LIMIT 200",
        (state, provider_id, provider_id),
    )
    return await cursor.fetchall()


async def set_state(
    connection: Connection, item_id: UUID, state: str, consent_id: UUID | None
) -> None:
    await connection.execute(
        "UPDATE portfolio_item SET state = %s, consent_id = %s, version = version + 1,"
        " updated_at = now() WHERE id = %s",
        (state, consent_id, item_id),
    )


async def refuse_old(connection: Connection, waited: timedelta) -> None:
    """No answer is no."""
    await connection.execute(
        "UPDATE portfolio_item SET state = 'refused', version = version + 1, updated_at = now()"
        " WHERE state = 'asked' AND created_at < now() - %s",
        (waited,),
    )


async def tell(connection: Connection, item_id: UUID) -> None:
    """Asks the client by e-mail, once."""
    await connection.execute(
        "INSERT INTO message (kind, channel, recipient, client_id, locale, payload, dedupe_key)"
        " SELECT 'portfolio_ask', 'email', c.email, c.id, c.locale, jsonb_build_object("
        "  'item_id', i.id, 'name', c.name, 'provider', p.name), 'portfolio_ask:' || i.id"
        " FROM portfolio_item i JOIN client c ON c.id = i.client_id"
        " JOIN provider p ON p.id = i.provider_id WHERE i.id = %s AND c.email IS NOT NULL"
        " ON CONFLICT (dedupe_key) DO NOTHING",
        (item_id,),
    )


_VARIANTS = """(SELECT jsonb_agg(to_jsonb(v) ORDER BY v.width, v.media_type DESC)
    FROM media_variant v WHERE v.media_id = i.{}_id)"""
_GALLERY = f"""
SELECT i.id, i.provider_id, p.name AS provider_name, s.name AS service_name, i.before_alt,
       i.after_alt, i.published_at, {_VARIANTS.format("before")} AS before,
       {_VARIANTS.format("after")} AS after
FROM portfolio_item i JOIN provider p ON p.id = i.provider_id JOIN service s ON s.id = i.service_id
WHERE i.state = 'published'
  AND (%(item)s::uuid IS NULL OR i.id = %(item)s)
  AND (%(provider)s::uuid IS NULL OR i.provider_id = %(provider)s)
  AND (%(service)s::uuid IS NULL OR i.service_id = %(service)s)
  AND (%(after)s::uuid IS NULL OR (i.published_at, i.id) <
       (SELECT published_at, id FROM portfolio_item WHERE id = %(after)s))
ORDER BY i.published_at DESC, i.id DESC LIMIT %(count)s
"""  # noqa: S608 - the parts are constants


async def gallery(
    connection: Connection,
    count: int,
    *,
    item: UUID | None = None,
    provider: UUID | None = None,
    service: UUID | None = None,
    after: UUID | None = None,
) -> list[dict[str, Any]]:
    values = {"item": item, "provider": provider, "service": service, "after": after,
              "count": count}  # fmt: skip
    return await (await connection.execute(_GALLERY, values)).fetchall()


_DETAILS = f"""
SELECT i.*, p.name AS provider_name, s.name AS service_name, c.name AS client_name,
       c.email AS client_email, c.phone AS client_phone, b.state AS before_state,
       a.state AS after_state, b.reason AS before_reason, a.reason AS after_reason,
       coalesce({_VARIANTS.format("before")}, '[]') AS before,
       coalesce({_VARIANTS.format("after")}, '[]') AS after
FROM portfolio_item i JOIN provider p ON p.id = i.provider_id JOIN service s ON s.id = i.service_id
JOIN client c ON c.id = i.client_id
JOIN media_file b ON b.id = i.before_id JOIN media_file a ON a.id = i.after_id
WHERE (%(item)s::uuid IS NULL OR i.id = %(item)s)
  AND (%(provider)s::uuid IS NULL OR i.provider_id = %(provider)s)
  AND (%(states)s::text[] IS NULL OR i.state = ANY (%(states)s))
ORDER BY i.updated_at DESC, i.id DESC LIMIT 60
"""  # noqa: S608 - the parts are constants


async def details(
    connection: Connection,
    *,
    item_id: UUID | None = None,
    states: list[str] | None = None,
    provider: UUID | None = None,
) -> list[dict[str, Any]]:
    """What the team and the client see; the newest change first."""
    values = {"item": item_id, "states": states, "provider": provider}
    return await (await connection.execute(_DETAILS, values)).fetchall()


async def withdrawn(connection: Connection) -> list[UUID]:
    """Photographs whose pair is withdrawn or rejected and whose files are still there."""
    cursor = await connection.execute(
        "SELECT m.id FROM media_file m JOIN portfolio_item i ON m.id IN (i.before_id, i.after_id)"
        " WHERE i.state IN ('withdrawn', 'rejected', 'refused') AND m.state <> 'deleted'"
        " LIMIT 100 FOR UPDATE OF m SKIP LOCKED"
    )
    return [row["id"] for row in await cursor.fetchall()]
