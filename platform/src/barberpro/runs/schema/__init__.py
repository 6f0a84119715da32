"""The registry's schema: numbered SQL files, applied in order, each exactly once."""

from __future__ import annotations

from importlib import resources

import psycopg
from psycopg.rows import DictRow

from barberpro.errors import BarberProError
from barberpro.runs import connections

VERSION_QUERY = "SELECT coalesce(max(version), 0) AS version FROM registry.schema_version"
UPGRADE_LOCK = 7_263_901_482  # any constant; it keeps two upgrades from running at once


class NewerRegistryError(BarberProError):
    """The registry was written by a newer version of BarberPro."""


class SchemaError(BarberProError):
    """The registry's tables cannot be made."""


def migrations() -> list[tuple[int, str]]:
    """``(version, SQL)`` in order; ``001.sql`` is version 1."""
    files = [entry for entry in resources.files(__name__).iterdir() if entry.name.endswith(".sql")]
    return sorted((int(entry.name.split(".")[0]), entry.read_text("utf-8")) for entry in files)


def ensure_schema(url: str) -> None:
    """Brings the registry to the version of this program; one query when it is there already.

    Two processes may do it at once. A registry written by a newer version is left untouched and
    refused with ``NewerRegistryError``; an unreachable one raises ``RegistryUnavailableError``,
    one that this user may not write ``SchemaError``.
    """
    steps = migrations()
    latest = steps[-1][0]
    try:
        with connections.connect(url) as connection:
            found = _version(connection)
            if found < latest:
                with connection.transaction():
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", [UPGRADE_LOCK])
                    found = _upgrade(connection, steps)
    except connections.OUTAGES as error:
        raise connections.unavailable(url, error) from error
    except psycopg.Error as error:
        raise SchemaError(
            f"the registry's tables cannot be made or read: {str(error).splitlines()[0]}",
            where=connections.place(url),
            mend="let the database's user create schemas in it, or point BarberPro at a database"
            " of its own; nothing was changed",
        ) from error
    if found > latest:
        raise NewerRegistryError(
            f"the registry has schema version {found}; this version of BarberPro knows up to"
            f" {latest}",
            where=connections.place(url),
            mend="install the newer BarberPro that wrote it, or point this one at another"
            " registry; nothing was changed",
        )


def _version(connection: psycopg.Connection[DictRow]) -> int:
    try:
        row = connection.execute(VERSION_QUERY).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return 0
    assert row is not None
    return int(row["version"])


def _upgrade(connection: psycopg.Connection[DictRow], steps: list[tuple[int, str]]) -> int:
    """Under the lock: another process may have done it, or gone further, in the meantime."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS registry")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS registry.schema_version"
        " (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    found = _version(connection)
    for version, statements in steps:
        if version > found:
            connection.execute(statements.encode())
            connection.execute("INSERT INTO registry.schema_version VALUES (%s)", [version])
            found = version
    return found
