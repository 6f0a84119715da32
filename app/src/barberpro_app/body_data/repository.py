"""SQL of what body data have in common."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

Row = dict[str, Any]

_FACTS = """
SELECT clinical_own_patient(c.id, %(provider)s) AS own,
       body_data_shared(c.id, %(provider)s) AS shared,
       EXISTS (SELECT FROM consent WHERE client_id = c.id AND purpose = %(purpose)s
               AND reference_id IS NULL AND revoked_at IS NULL) AS consented
FROM client c WHERE c.id = %(client)s
"""

_SHARING = """
SELECT c.id, c.name, max(b.starts_at) FILTER (WHERE b.starts_at <= now()) AS last_visit,
       EXISTS (SELECT FROM consent s WHERE s.client_id = c.id AND s.purpose = 'share_progress'
               AND s.reference_id IS NULL AND s.revoked_at IS NULL) AS shared
FROM booking b JOIN client c ON c.id = b.client_id
WHERE b.provider_id = %(provider)s AND b.status IN ('confirmed', 'arrived', 'completed')
  AND (%(text)s = '' OR lower(c.name) LIKE lower(%(text)s) || '%%'
       OR lower(c.name) LIKE '%% ' || lower(%(text)s) || '%%')
GROUP BY c.id ORDER BY shared DESC, lower(c.name), c.id LIMIT %(limit)s
"""

_LOOKS = """
SELECT at, actor_name, purpose, reason FROM clinical_access
WHERE client_id = %s ORDER BY id DESC LIMIT %s
"""


async def facts(
    connection: Connection, client_id: UUID, provider_id: UUID | None, purpose: str
) -> Row | None:
    """None if there is no such client."""
    values = {"client": client_id, "provider": provider_id, "purpose": purpose}
    return await (await connection.execute(_FACTS, values)).fetchone()


async def clients_of(connection: Connection, provider_id: UUID, text: str, limit: int) -> list[Row]:
    """Whom a professional attends, those who share first."""
    values = {"provider": provider_id, "text": text, "limit": limit}
    return await (await connection.execute(_SHARING, values)).fetchall()


async def looks(connection: Connection, client_id: UUID, limit: int) -> list[Row]:
    return await (await connection.execute(_LOOKS, (client_id, limit))).fetchall()


async def name_of(connection: Connection, client_id: UUID) -> str:
    """Empty if there is no such client."""
    cursor = await connection.execute("SELECT name FROM client WHERE id = %s", (client_id,))
    row = await cursor.fetchone()
    return row["name"] if row else ""
