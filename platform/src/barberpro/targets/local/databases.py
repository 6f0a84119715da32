"""Databases and roles on the shared server: one database, an owner and an app role per deployment.

The owner migrates, the app reads and writes; neither may enter another deployment's database, by
``pg_hba.conf`` and by the right to connect. Every function is safe to repeat.
"""

from __future__ import annotations

from typing import LiteralString

import psycopg
from psycopg import sql

from barberpro.targets.local.postgres import Postgres

REGISTRY = "barberpro"
Connection = psycopg.Connection[tuple[object, ...]]


def ensure_registry(server: Postgres, password: str) -> None:
    with server.connect() as connection:
        _ensure_role(connection, REGISTRY, password)
        _ensure_database(connection, REGISTRY, REGISTRY)


def ensure(server: Postgres, database: str, owner: tuple[str, str], app: tuple[str, str]) -> None:
    """``owner`` and ``app`` are role and password."""
    with server.connect() as connection:
        for role, password in (owner, app):
            _ensure_role(connection, role, password)
        _ensure_database(connection, database, owner[0])
        _run(connection, "GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}", database, app[0])
    with server.connect(database) as connection:
        _run(connection, "CREATE EXTENSION IF NOT EXISTS btree_gist")
        _run(connection, "GRANT USAGE ON SCHEMA public TO {}", app[0])
        for what, rights in (
            ("TABLES", "SELECT, INSERT, UPDATE, DELETE"),
            ("SEQUENCES", "USAGE, SELECT"),
        ):
            statement = f"ALTER DEFAULT PRIVILEGES FOR ROLE {{}} GRANT {rights} ON {what} TO {{}}"
            _run(connection, statement, owner[0], app[0])


def drop(server: Postgres, database: str, roles: tuple[str, ...]) -> None:
    with server.connect() as connection:
        _run(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", database)
        for role in roles:
            _run(connection, "DROP ROLE IF EXISTS {}", role)


def strangers(server: Postgres, database: str, roles: tuple[str, ...]) -> list[str]:
    """Roles without superuser rights, other than ``roles``, that may connect to ``database``."""
    with server.connect() as connection:
        rows = connection.execute(
            "SELECT rolname FROM pg_roles WHERE NOT rolsuper AND rolcanlogin"
            " AND NOT rolname = ANY(%s) AND has_database_privilege(rolname, %s, 'CONNECT')",
            (list(roles), database),
        ).fetchall()
    return [str(row[0]) for row in rows]


def _ensure_role(connection: Connection, role: str, password: str) -> None:
    # the server is given a verifier, so that no log can ever show the password
    verifier = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    ).decode()
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    statement = sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
    verb = sql.SQL("ALTER" if known else "CREATE")
    connection.execute(statement.format(verb, sql.Identifier(role), sql.Literal(verifier)))


def _ensure_database(connection: Connection, database: str, owner: str) -> None:
    known = connection.execute(
        "SELECT 1 FROM pg_database WHERE datname = %s", (database,)
    ).fetchone()
    if not known:
        _run(connection, "CREATE DATABASE {} OWNER {}", database, owner)
    _run(connection, "REVOKE ALL ON DATABASE {} FROM PUBLIC", database)


def _run(connection: Connection, statement: LiteralString, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))
