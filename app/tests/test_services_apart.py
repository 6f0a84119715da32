"""A process that serves some services, and a gateway that passes on the rest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import httpx
import psycopg
import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Route
from support_accounts import Accounts
from support_app import CONFIGURATION, AppHome

from barberpro_app.application import create_application
from barberpro_app.health.services import CONTAINED
from barberpro_app.kit.database import Database
from barberpro_app.kit.metrics import Metrics
from barberpro_app.kit.share import Share
from barberpro_app.settings import Settings
from barberpro_app.worker import Worker

PEERS = "http://{service}:8080"
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """All services of the release; no database is asked."""
    folder = tmp_path_factory.mktemp("apart")
    return Accounts.make(folder, NOWHERE, services=sorted(CONTAINED)).settings


def routes(application: FastAPI | APIRouter) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for route in application.routes:
        if isinstance(route, Route):
            found |= {(route.path, method) for method in route.methods or ()}
        else:  # a router that is included
            found |= routes(route.original_router)  # type: ignore[attr-defined]
    return found


OPERATIONS = {(path, "GET") for path in ("/health", "/ready", "/metrics")}


def test_a_gateway_with_peers_answers_all_that_one_process_does(settings: Settings) -> None:
    whole = routes(create_application(settings))
    gateway = routes(create_application(settings, share=Share(frozenset({"api-gateway"}), PEERS)))
    assert len(whole) > 200
    assert whole - gateway == set()


def test_each_route_is_answered_by_somebody(settings: Settings) -> None:
    whole = routes(create_application(settings))
    shares = [routes(create_application(settings, share=Share(frozenset({n})))) for n in CONTAINED]
    assert whole - set().union(*shares) == set()
    for name, share in zip(CONTAINED, shares, strict=True):
        assert share >= OPERATIONS
        if name != "api-gateway":
            assert ("/", "GET") not in share, name
            assert not {path for path, _ in share if path.startswith("/oauth")}


def test_each_job_runs_where_its_service_is(settings: Settings) -> None:
    database = Database(NOWHERE)

    def jobs(share: Share) -> list[str]:
        worker = Worker(settings, database, Metrics(), listen=False, share=share)
        return [job.name for job in worker.jobs]

    apart = Counter(name for service in CONTAINED for name in jobs(Share(frozenset({service}))))
    assert apart.keys() == set(jobs(Share()))
    assert {name for name, count in apart.items() if count > 1} == {"brand"}


def test_requests_are_passed_on_with_who_asks_and_come_back_whole(
    tmp_path: Path, migrated_url: str
) -> None:
    home = AppHome.make(tmp_path, migrated_url)
    home.json("seed", str(home.folder / "seed.json"))
    secret = home.json("api-client", "create", "till", "--scope", "bookings:read")
    others = ",".join(name for name in CONFIGURATION["services"] if name != "api-gateway")
    with (
        home.serving("--services", others, "--with-worker", "--trusted-proxies", "*") as peer,
        home.serving(
            "--services", "api-gateway", "--peers", f"{peer.url}/{{service}}",
            "--trusted-proxies", "127.0.0.0/8",
        ) as gateway,
        httpx.Client(base_url=gateway.url) as client,
    ):  # fmt: skip
        health = client.get("/health").json()["services"]
        assert health["api-gateway"] == "running"
        assert health["booking"] == "in_own_process"
        assert httpx.get(f"{peer.url}/health").json()["services"]["booking"] == "running"
        assert client.get("/").status_code == 200
        assert httpx.get(f"{peer.url}/").status_code == 404

        found = client.get("/api/v1/services", headers={"X-Request-Id": "followed-through-both"})
        assert found.status_code == 200
        assert found.json()
        assert found.headers.get_list("x-request-id") == ["followed-through-both"]
        assert len(found.headers.get_list("content-security-policy")) == 1
        seen = [line for line in peer.lines() if line.get("request_id") == "followed-through-both"]
        assert [line["route"] for line in seen] == ["/api/v1/services"]

        token = client.post(
            "/oauth/token", data={"grant_type": "client_credentials"},
            auth=(secret["client_id"], secret["client_secret"]),
        ).json()["access_token"]  # fmt: skip
        own = {"Authorization": f"Bearer {token}"}
        assert client.get("/api/v1/bookings", params={"limit": 1}).status_code == 401
        listed = client.get("/api/v1/bookings", params={"limit": 1}, headers=own)
        assert listed.status_code == 200, listed.text
        refused = client.post(
            "/api/v1/holds", json={"service_id": "ñandú", "x": "y" * 5000}, headers=own
        )
        assert refused.headers["content-type"] == "application/problem+json"
        assert 400 <= refused.status_code < 500
        for path in ("/api/v1/services/%2e%2e", "/api/v1/bookings/%C3%91?q=%00&a=b%26c"):
            assert client.get(path, headers=own).status_code < 500

        peer.process.terminate()
        peer.process.wait(60)
        gone = client.get("/api/v1/services")
        assert (gone.status_code, gone.json()["code"]) == (503, "unavailable")
        assert "retry-after" in gone.headers
        assert client.get("/health").status_code == 200


def test_what_a_proxy_brings_learns_no_figures(tmp_path: Path) -> None:
    with Accounts.make(tmp_path, NOWHERE).browser() as browser:
        assert browser.get("/metrics").status_code == 200
        for name in ("X-Forwarded-For", "Forwarded"):
            assert browser.get("/metrics", headers={name: "for=198.51.100.1"}).status_code == 404


def test_the_release_before_serves_while_an_upgrade_rolls(
    tmp_path: Path, database_url: str
) -> None:
    with Accounts.make(tmp_path, database_url).browser() as browser:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE alembic_version (version_num varchar(32))")
            connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        assert browser.get("/ready").status_code == 503
        answer = browser.get("/ready?newer_schema=true")
        assert (answer.status_code, answer.json()["status"]) == (200, "ready")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--services", "booking,nothing"), "nothing"),
        (("--services", ""), "none named"),
        (("--services", "api-gateway", "--peers", "http://booking:8080"), "{service}"),
        (("--services", "api-gateway", "--peers", "{service}:8080"), "{service}"),
    ],
)
def test_wrong_shares_are_refused(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = AppHome.make(tmp_path, NOWHERE).run("serve", *options)
    assert done.returncode == 2
    assert said in done.stderr
