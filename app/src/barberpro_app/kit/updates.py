"""Changing a row that two people may edit at once: optimistic, by its version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.sql import SQL, Composable, Identifier, Placeholder

from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError, StaleVersionError


async def update_versioned(
    connection: Connection, table: str, key: UUID, version: int, values: Mapping[str, Any]
) -> None:
    """Sets columns and counts the version up. Raises `NotFoundError`, `StaleVersionError`.

    `table` and the names in `values` are the program's, never a caller's.
    """
    columns: list[Composable] = [
        SQL("{} = {}").format(Identifier(name), Placeholder(name)) for name in values
    ]
    columns += [SQL("version = version + 1"), SQL("updated_at = now()")]
    statement = SQL("UPDATE {} SET {} WHERE id = %(key)s AND version = %(version)s").format(
        Identifier(table), SQL(", ").join(columns)
    )
    cursor = await connection.execute(statement, {**values, "key": key, "version": version})
    if cursor.rowcount == 1:
        return
    found = await connection.execute(
        SQL("SELECT FROM {} WHERE id = %s").format(Identifier(table)), (key,)
    )
    raise NotFoundError if await found.fetchone() is None else StaleVersionError
