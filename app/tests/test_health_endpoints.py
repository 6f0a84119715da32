"""The process tells the truth about itself, with and without its database."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from support_accounts import Accounts, Caller

from barberpro_app.health.schema import required_schema
from barberpro_app.health.services import CONTAINED, STALLED_SECONDS, service_states
from barberpro_app.identity.service import request_sign_in_link

NOWHERE = "postgresql://app@/none?host=/nonexistent"


@pytest.fixture
def accounts(tmp_path: Path, migrated_url: str) -> Accounts:
    return Accounts.make(tmp_path, migrated_url)


def _ready(browser: Caller) -> tuple[int, str | None]:
    answer = browser.get("/ready")
    return answer.status_code, answer.json()["reason"]


def test_without_a_database_it_lives_and_is_not_ready(tmp_path: Path) -> None:
    accounts = Accounts.make(tmp_path, NOWHERE)
    with accounts.browser() as browser:
        health = browser.get("/health")
        assert health.status_code == 200
        assert health.json()["revision"] == 7
        assert _ready(browser) == (503, "database_unavailable")
        answer = browser.get("/api/v1/audit", headers={"Cookie": f"__Host-session={'a' * 43}"})
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1


def test_ready_follows_the_schema(tmp_path: Path, database_url: str) -> None:
    accounts = Accounts.make(tmp_path, database_url)
    with accounts.browser() as browser:
        assert _ready(browser) == (503, "migration_pending")
        assert "migrate" in browser.get("/ready").json()["detail"]
        page = browser.get("/api/v1/services")
        assert (page.status_code, page.json()["code"]) == (503, "not_ready")
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE alembic_version (version_num varchar(32))")
            for version, expected in (
                ("0001", (503, "migration_pending")),
                ("9999", (503, "schema_newer_than_release")),
                (required_schema(), (200, None)),
            ):
                connection.execute("DELETE FROM alembic_version")
                connection.execute("INSERT INTO alembic_version VALUES (%s)", (version,))
                assert _ready(browser) == expected


def test_a_database_that_hangs_is_not_waited_for(accounts: Accounts) -> None:
    """The lock stands for any reason why an answer does not come."""
    with accounts.browser() as browser:
        assert _ready(browser)[0] == 200
        with psycopg.connect(accounts.url) as holder:
            holder.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
            assert _ready(browser) == (503, "database_unavailable")
        assert _ready(browser)[0] == 200


def test_the_required_schema_is_the_newest_migration() -> None:
    versions = Path(__file__).parent.parent / "src/barberpro_app/migrations/versions"
    newest = max(path.name for path in versions.glob("[0-9]*.py"))
    assert newest.startswith(required_schema() + "_")


def test_states_of_services() -> None:
    enabled = ["booking", "notification", "dream-service"]
    assert service_states(enabled, worker_silent_seconds=1.0, mail_configured=True) == {
        "booking": "running", "notification": "running", "dream-service": "not_in_release",
    }  # fmt: skip
    for silent, mail, state in (
        (None, True, "in_worker_process"),
        (1.0, False, "not_configured"),
        (STALLED_SECONDS + 1, True, "stalled"),
    ):
        states = service_states(
            ["notification"], worker_silent_seconds=silent, mail_configured=mail
        )
        assert states == {"notification": state}
    assert "booking" in CONTAINED


def test_metrics_name_routes_and_not_what_callers_sent(accounts: Accounts) -> None:
    with accounts.browser() as browser:
        for path in ("/api/v1/staff/01a20ba6-ae11-7cd6-bebc-e19aff1ce218", "/secret-path-1",
                     "/sign-in/abc", "/health"):  # fmt: skip
            browser.get(path)
        browser.request("BREW", "/coffee")
        browser.post("/api/v1/bookings", json={})
        accounts.client("clara@example.com")
        accounts.run(lambda c: request_sign_in_link(c, "clara@example.com"))
        text = browser.get("/metrics").text
    assert (
        'http_requests_total{method="GET",route="/api/v1/staff/{staff_id}",status="401"} 1.0'
        in text
    )
    assert 'method="OTHER"' in text
    assert 'bookings_total{outcome="refused"} 1.0' in text
    assert 'db_pool{state="free"}' in text
    assert 'outbox_messages{state="pending"} 1.0' in text
    assert "process_resident_memory_bytes" in text
    for sent in ("secret-path", "abc", "coffee", "BREW", "01a20ba6"):
        assert sent not in text
    routes = set(re.findall(r'route="([^"]*)"', text))
    assert routes >= {"(unmatched)", "/health", "/sign-in/{token}"}
