"""A connection for commands, and database errors as one line for an operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg.rows import dict_row

from barberpro_app.health.schema import current_schema, required_schema
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError, UnavailableError
from barberpro_app.kit.logging import redact


class DatabaseDownError(UnavailableError):
    """The database does not answer."""


class SchemaError(AppError):
    """The schema is not this release's: run `migrate` first."""

    code = "schema"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """One transaction on a connection of its own.

    Raises `DatabaseDownError`, or `SchemaError` if the schema is not this release's.
    """
    try:
        connection = await psycopg.AsyncConnection.connect(
            url, row_factory=dict_row, connect_timeout=10, application_name="barberpro-command"
        )
    except psycopg.OperationalError as error:
        raise DatabaseDownError(cannot_connect(error)) from error
    async with connection:
        async with connection.transaction():
            current = await current_schema(connection)
        if current != required_schema():
            raise SchemaError(
                f"the schema is {current or 'not there'}, this release needs {required_schema()}"
                "\n  where: the deployment's database\n  mend: run `migrate` with this release"
            )
        yield connection


def cannot_connect(error: Exception) -> str:
    reason = redact(" ".join(str(error).split()))
    mend = "start the database, or correct the address"
    if "SSL" in reason or "certificate" in reason:
        mend = (
            "give the server a certificate of the name in the address, and its authority as the secret"
            " database-ca.crt; sslmode=disable in the address goes in plain text"
        )
    return (
        f"cannot connect to the database: {reason}\n"
        f"  where: the secret database-url\n  mend: {mend}"
    )
