"""Runs a file of SQL in the transaction of the current revision."""

from __future__ import annotations

from importlib.resources import files

import psycopg
from alembic import op


def run_file(name: str) -> None:
    """All statements of `migrations/sql/<name>`, as they are: no parameters, no escapes."""
    run(files("barberpro_app.migrations").joinpath("sql", name).read_text(encoding="utf-8"))


def run(statements: str) -> None:
    raw = op.get_bind().connection.dbapi_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("migrations run on psycopg")
    raw.execute(statements.encode())
