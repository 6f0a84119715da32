"""The trail: append-only by the database's own rights, read a page at a time by those who may."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from support_accounts import OPERATOR, Accounts, bearer
from support_postgres import TestServer

from barberpro_app.audit.repository import Filter
from barberpro_app.audit.service import list_events
from barberpro_app.audit.trail import AuditedObject, record
from barberpro_app.migrations.run import run_migrations


@pytest.fixture
def accounts(tmp_path: Path, migrated_url: str) -> Accounts:
    return Accounts.make(tmp_path, migrated_url)


def _record(accounts: Accounts, count: int, kind: str = "thing") -> None:
    async def write(connection) -> None:  # type: ignore[no-untyped-def]
        for number in range(count):
            await record(connection, OPERATOR, "thing.changed", AuditedObject(kind, str(number)))

    accounts.run(write)


def test_the_app_s_role_can_add_and_read_and_nothing_else(
    postgres_server: TestServer, database_url: str
) -> None:
    role = f"app_{database_url.rpartition('/t_')[2][:12].partition('?')[0]}"
    name = database_url.partition("@/")[2].partition("?")[0]
    postgres_server.execute(f"CREATE ROLE {role} LOGIN")
    try:
        app_url = postgres_server.url(name, role)
        run_migrations(database_url, app_url)
        with psycopg.connect(app_url, autocommit=True) as connection:
            connection.execute(
                "SELECT audit_record('{\"kind\": \"system\"}', 'a.b', 'thing', '1', '{}')"
            )
            assert connection.execute("SELECT count(*) FROM audit_event").fetchone() == (1,)
            for statement in (
                "UPDATE audit_event SET action = 'x'",
                "DELETE FROM audit_event",
                "TRUNCATE audit_event",
                "DROP TABLE audit_event",
                "ALTER TABLE audit_event DISABLE TRIGGER ALL",
                "UPDATE alembic_version SET version_num = '9999'",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(sql.SQL(statement))
    finally:
        postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        postgres_server.execute(f"DROP ROLE {role}")
        postgres_server.execute(f"CREATE DATABASE {name}")


def test_pages_cover_everything_once_newest_first(accounts: Accounts) -> None:
    _record(accounts, 23)
    seen: list[str] = []
    after = None
    while True:
        wanted = Filter(after=after)
        page = accounts.run(lambda c, w=wanted: list_events(c, w, 10))
        seen += [event.object_id for event in page.items]
        after = page.next
        if after is None:
            break
    assert seen == [str(number) for number in reversed(range(23))]


def test_the_api_filters_and_guards(accounts: Accounts) -> None:
    _record(accounts, 3)
    _record(accounts, 2, kind="other")
    with accounts.browser() as browser:
        headers = bearer(accounts.token(browser, "audit:read"))
        page = browser.get("/api/v1/audit?object_kind=other&limit=1", headers=headers).json()
        assert [item["object_id"] for item in page["items"]] == ["1"]
        rest = browser.get(
            f"/api/v1/audit?object_kind=other&after={page['next']}", headers=headers
        ).json()
        assert [item["object_id"] for item in rest["items"]] == ["0"]
        assert rest["next"] is None
        none = browser.get("/api/v1/audit?until=2001-01-01T00:00:00Z", headers=headers).json()
        assert none == {"items": [], "next": None}
        for wrong in ("limit=0", "limit=201", "after=x", "since=yesterday", "action=a%00b"):
            assert browser.get(f"/api/v1/audit?{wrong}", headers=headers).status_code == 422, wrong
        assert browser.get("/api/v1/audit").status_code == 401
        narrow = bearer(accounts.token(browser, "settings:read", name="narrow"))
        assert browser.get("/api/v1/audit", headers=narrow).status_code == 403


def test_an_event_carries_the_id_of_its_request(accounts: Accounts) -> None:
    accounts.staff("owner")
    with accounts.browser() as browser:
        headers = bearer(accounts.token(browser, "settings:write"))
        body = {"email": "x@example.com", "name": "X", "role": "manager"}
        answer = browser.post(
            "/api/v1/staff", json=body, headers={**headers, "X-Request-Id": "from-the-router-1"}
        )
        assert answer.headers["x-request-id"] == "from-the-router-1"
    last = accounts.rows(
        "SELECT actor_kind, actor_name, request_id FROM audit_event ORDER BY id DESC LIMIT 1"
    )
    assert last == [("api", "program", "from-the-router-1")]
