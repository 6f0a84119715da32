"""What becomes of body data when a person's data are erased: they go, for nothing obliges to keep
what was kept with consent alone. The consents stay, as evidence."""

from __future__ import annotations

from uuid import UUID

from psycopg.sql import SQL, Identifier

from barberpro_app.kit.database import Connection

TABLES = frozenset(
    {"activity_import", "activity", "measurement", "progress_goal", "nutrition_profile",
     "nutrition_plan"}
)  # fmt: skip
_FORGET = """
SELECT body_data_forget(%s, purpose)
FROM unnest(ARRAY['activity_data', 'progress_data', 'nutrition_data']) AS purpose
"""


async def erase(connection: Connection, client_id: UUID) -> list[tuple[str, str, str]]:
    """Deletes all of it."""
    found = False
    for table in sorted(TABLES):
        statement = SQL("SELECT FROM {} WHERE client_id = %s LIMIT 1").format(Identifier(table))
        cursor = await connection.execute(statement, (client_id,))
        found = found or await cursor.fetchone() is not None
    if not found:
        return []
    await connection.execute(_FORGET, (client_id,))
    return [("body_data", "erased", "privacy.reason.no_duty")]
