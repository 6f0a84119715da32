"""Which schema this release needs, known without the migration tools, and which one is there."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from psycopg.errors import UndefinedTable

from barberpro_app.kit.database import Connection


@cache
def required_schema() -> str:
    """The newest migration of this release: file names begin with their number, e.g. 0002."""
    versions = files("barberpro_app.migrations") / "versions"
    numbers = [
        entry.name.partition("_")[0]
        for entry in versions.iterdir()
        if entry.name.endswith(".py") and entry.name[:4].isdigit()
    ]
    return max(numbers)


async def current_schema(connection: Connection) -> str | None:
    """The number of the last migration that ran here; None for an empty database."""
    try:
        cursor = await connection.execute("SELECT max(version_num) AS number FROM alembic_version")
    except UndefinedTable:
        return None
    row = await cursor.fetchone()
    return row["number"] if row else None
