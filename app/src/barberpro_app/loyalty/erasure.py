"""Stamps when a client's data are erased: what was active is good no more."""

from __future__ import annotations

from uuid import UUID

from barberpro_app.kit.database import Connection

TABLES = frozenset({"loyalty_stamp", "loyalty_reward"})


async def erase(connection: Connection, client_id: UUID) -> list[tuple[str, str, str]]:
    """The rows stay, as those of nobody, for the books count them."""
    cursor = await connection.execute(
        "UPDATE loyalty_stamp SET reason = '', state = CASE WHEN state = 'active'"
        " THEN 'taken_back' ELSE state END WHERE client_id = %s",
        (client_id,),
    )
    return [("loyalty", "erased", "privacy.reason.no_duty")] if cursor.rowcount else []
