"""Brings a database to this release's schema; safe to repeat and to run twice at once.

The owner role runs it. An advisory lock lets one process migrate at a time; `lock_timeout` makes a
statement that waits for the running app fail rather than queue everybody behind it, and then the
whole revision is tried again.
"""

from __future__ import annotations

import time
from typing import TypedDict

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from barberpro_app.kit.errors import AppError, UnavailableError
from barberpro_app.migrations.routines import apply_routines

#: Arbitrary but fixed: every migrating process asks for this advisory lock.
_LOCK = 7_302_1981
_LOCK_WAIT_SECONDS = 120
_ATTEMPTS = 5


class MigrationError(AppError):
    """The schema could not be brought up to date."""

    code = "migration"


class Migrated(TypedDict("Migrated", {"from": "str | None", "to": "str | None"})):
    """Revisions before and after."""


def run_migrations(owner_url: str, app_url: str | None = None) -> Migrated:
    """Migrates, replaces the routines, then grants the role of `app_url` what the app needs (nothing if it owns all).

    Raises `UnavailableError` if the server does not answer, and `MigrationError`.
    """
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: _connect(owner_url), poolclass=NullPool
    )
    with engine.connect() as connection:
        _lock(connection)
        before = _revision(connection)
        _upgrade(connection)
        after = _revision(connection)
        role = conninfo_to_dict(app_url).get("user") if app_url else None
        if isinstance(role, str):
            _grant(connection, role)
    engine.dispose()
    return {"from": before, "to": after}


def current(url: str) -> str | None:
    """The revision of a database; None if it is empty."""
    with _connect(url) as connection:
        row = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        if row is None or row[0] is None:
            return None
        row = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()
        return row[0] if row else None


def _connect(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(
            url,
            connect_timeout=10,
            application_name="barberpro-migrate",
            options="-c lock_timeout=5s -c timezone=UTC -c client_min_messages=warning -c check_function_bodies=off",
        )
    except psycopg.OperationalError as error:
        raise UnavailableError(" ".join(str(error).split())) from error


def _raw(connection: Connection) -> psycopg.Connection:
    raw = connection.connection.dbapi_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("migrations run on psycopg")
    return raw


def _lock(connection: Connection) -> None:
    """A session lock: it outlives the transactions of the revisions, and ends with the connection."""
    raw = _raw(connection)
    deadline = time.monotonic() + _LOCK_WAIT_SECONDS
    while True:
        row = raw.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        raw.commit()
        if row is not None and row[0]:
            return
        if time.monotonic() > deadline:
            raise MigrationError("Another process is migrating this database.")
        time.sleep(0.1)


def _revision(connection: Connection) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return revision


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "barberpro_app:migrations")
    config.attributes["connection"] = connection
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            command.upgrade(config, "head")
            connection.commit()
            apply_routines(_raw(connection))
            _raw(connection).commit()
            return
        except (psycopg.errors.LockNotAvailable, OperationalError) as error:
            connection.rollback()
            if attempt == _ATTEMPTS or not _waited_for_a_lock(error):
                raise MigrationError(
                    f"A revision failed: {' '.join(str(error).split())}"
                ) from error
            time.sleep(attempt)
        except psycopg.Error as error:
            connection.rollback()
            raise MigrationError(f"A revision failed: {' '.join(str(error).split())}") from error


def _waited_for_a_lock(error: psycopg.errors.LockNotAvailable | OperationalError) -> bool:
    cause = error.orig if isinstance(error, OperationalError) else error
    return isinstance(cause, psycopg.errors.LockNotAvailable)


def _grant(connection: Connection, role: str) -> None:
    """Rows only, no schema; the audit trail may be added to and read, the books only be read."""
    raw = _raw(connection)
    name = sql.Identifier(role)
    owner = raw.execute("SELECT current_user").fetchone()
    if owner is not None and owner[0] == role:
        return
    for statement in (
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}",
        "REVOKE UPDATE, DELETE, TRUNCATE ON audit_event FROM {role}",
        "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON ledger_account, ledger_entry, ledger_line"
        " FROM {role}",
        "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON clinical_entry FROM {role}",
        "REVOKE UPDATE, DELETE, TRUNCATE ON clinical_access, clinical_emergency FROM {role}",
        "REVOKE UPDATE, DELETE, TRUNCATE ON no_show_pardon FROM {role}",
        "REVOKE DELETE, TRUNCATE ON sealed_key, consent FROM {role}",
        "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON client_merge FROM {role}",
        "REVOKE UPDATE, TRUNCATE ON nutrition_version, nutrition_signature FROM {role}",
        "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON alembic_version, routine_release FROM {role}",
    ):
        raw.execute(sql.SQL(statement).format(role=name))
    raw.commit()
