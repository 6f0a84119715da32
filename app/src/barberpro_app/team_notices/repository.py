"""SQL of what the team is told; a trigger on the audit trail writes the messages."""

from __future__ import annotations

from typing import Any

from barberpro_app.kit.database import Connection
from barberpro_app.kit.stored_rules import read_rules, store_rules


async def rules(connection: Connection) -> dict[str, Any]:
    return await read_rules(connection, "team_notice_rules", "team_notices")


async def set_rules(connection: Connection, value: dict[str, Any], version: int) -> bool:
    """False if somebody changed them meanwhile."""
    return await store_rules(connection, "team_notices", value, version)
