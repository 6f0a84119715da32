"""Migrations can be repeated, run at once, wait for locks, and give the app's role rows only."""

from __future__ import annotations

import re
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import psycopg
import pytest
from support_postgres import TestServer

from barberpro_app.health.schema import required_schema
from barberpro_app.kit.errors import UnavailableError
from barberpro_app.migrations.routines import apply_routines
from barberpro_app.migrations.run import current, run_migrations


def test_an_empty_database_is_brought_up_once(database_url: str) -> None:
    assert current(database_url) is None
    newest = required_schema()
    assert run_migrations(database_url) == {"from": None, "to": newest}
    assert run_migrations(database_url) == {"from": newest, "to": newest}
    assert current(database_url) == newest


def test_several_processes_at_once_migrate_once(database_url: str) -> None:
    start = threading.Barrier(4)

    def migrate(_: int) -> object:
        start.wait(60)
        return run_migrations(database_url)["from"]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(migrate, range(4)))
    newest = required_schema()
    assert (found.count(None), found.count(newest)) == (1, 3)


def test_a_server_that_is_away_is_one_clear_error() -> None:
    with pytest.raises(UnavailableError, match="nowhere"):
        run_migrations("postgresql://x@/x?host=/nowhere")


@pytest.fixture
def owned(postgres_server: TestServer) -> Iterator[dict[str, str]]:
    """A database with an owner that is no superuser, and a role for the app."""
    name = f"t_{uuid.uuid4().hex[:10]}"
    for statement in (
        f"CREATE ROLE {name}_owner LOGIN",
        f"CREATE ROLE {name}_app LOGIN",
        f"CREATE DATABASE {name} OWNER {name}_owner",
    ):
        postgres_server.execute(statement)
    yield {
        "owner": postgres_server.url(name, f"{name}_owner"),
        "app": postgres_server.url(name, f"{name}_app"),
    }
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    postgres_server.execute(f"DROP ROLE {name}_owner, {name}_app")


def test_the_apps_role_changes_rows_but_neither_schema_nor_audit_trail(
    owned: dict[str, str],
) -> None:
    run_migrations(owned["owner"], owned["app"])
    with psycopg.connect(owned["app"], autocommit=True) as connection:
        connection.execute("INSERT INTO client (name) VALUES ('Ana')")
        connection.execute("SELECT audit_record('{\"kind\": \"system\"}', 'a', 'b', 'c', '{}')")
        assert connection.execute("SELECT count(*) FROM audit_event").fetchone() == (1,)
        for forbidden in (
            "UPDATE audit_event SET action = 'x'",
            "DELETE FROM audit_event",
            "TRUNCATE audit_event",
            "DROP TABLE client",
            "CREATE TABLE mine (n int)",
            "ALTER TABLE occupancy DROP CONSTRAINT occupancy_no_overlap",
            "UPDATE alembic_version SET version_num = '9999'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden.encode())


def test_the_database_refuses_an_overlap_whoever_writes_it(migrated_url: str) -> None:
    """Even the owner, without any function of ours."""
    with psycopg.connect(migrated_url) as connection:
        connection.execute("ALTER TABLE occupancy DROP CONSTRAINT occupancy_booking_id_fkey")
        insert = (
            "INSERT INTO occupancy (booking_id, resource_id, period) VALUES (uuidv7(),"
            " '00000000-0000-0000-0000-000000000001', tstzrange('2027-01-01 10:00Z', %s))"
        )
        connection.execute(insert, ("2027-01-01 11:00Z",))
        with pytest.raises(psycopg.errors.ExclusionViolation):
            connection.execute(insert, ("2027-01-01 10:01Z",))


def test_routines_are_replaced_when_one_changed_and_left_alone_otherwise(database_url: str) -> None:
    run_migrations(database_url)
    with psycopg.connect(database_url) as connection:
        assert not apply_routines(connection)
        connection.execute("DROP FUNCTION booking_body(uuid)")
        connection.execute("UPDATE routine_release SET checksum = 'of another release'")
    run_migrations(database_url)
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT to_regprocedure('booking_body(uuid)') IS NOT NULL")
        assert found.fetchone() == (True,)


def test_every_routine_is_written_in_one_place_and_has_a_body_that_parses(
    database_url: str,
) -> None:
    run_migrations(database_url)
    scripts = "\n".join(
        entry.read_text() for entry in files("barberpro_app.migrations.routines").iterdir()
        if entry.name.endswith(".sql")
    )  # fmt: skip
    names = re.findall(r"^CREATE OR REPLACE (FUNCTION|VIEW|TRIGGER) (\w+)", scripts, re.MULTILINE)
    assert len(names) > 60
    twice = [name for name, count in Counter(names).items() if count > 1]
    assert not twice
    history = "\n".join(
        entry.read_text() for entry in files("barberpro_app.migrations").joinpath("sql").iterdir()
    )
    made = re.findall(
        r"^CREATE (?:OR REPLACE )?(FUNCTION|VIEW|TRIGGER) (\w+)", history, re.MULTILINE
    )
    assert not set(names) & set(made)
    with psycopg.connect(database_url) as connection:
        # now that all are there, each body is checked
        connection.execute("SET check_function_bodies = on")
        connection.execute(scripts.encode())
