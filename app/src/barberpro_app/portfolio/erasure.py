"""Photographs when a client's data are erased: shown no more from now on, deleted by the worker."""

from __future__ import annotations

from uuid import UUID

from barberpro_app.kit.database import Connection

TABLES = frozenset({"portfolio_item"})


async def erase(connection: Connection, client_id: UUID) -> list[tuple[str, str, str]]:
    """Revoking the consent is what withdraws a pair, see the schema."""
    cursor = await connection.execute(
        "UPDATE consent c SET revoked_at = now() FROM portfolio_item i"
        " WHERE i.consent_id = c.id AND i.client_id = %s AND c.revoked_at IS NULL",
        (client_id,),
    )
    asked = await connection.execute(
        "UPDATE portfolio_item SET state = 'refused' WHERE client_id = %s AND state = 'asked'",
        (client_id,),
    )
    await connection.execute(
        "UPDATE portfolio_item SET before_alt = '---', after_alt = '---', version = version + 1,"
        " updated_at = now() WHERE client_id = %s",
        (client_id,),
    )
    return (
        [("photographs", "erased", "privacy.reason.no_duty")]
        if cursor.rowcount + asked.rowcount
        else []
    )
