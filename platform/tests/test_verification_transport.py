"""Each TLS and exposure check is seen passing on a good server and failing on a bad one."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support_https import HOSTNAME, Answer, HttpsServer, Request, https_server, make_certificate

from barberpro.deployment.checks.client import UnreachableError, open_client, wait_for
from barberpro.deployment.checks.exposure import (
    check_api_writes,
    check_internal_paths,
    check_other_hosts,
    check_ports,
)
from barberpro.deployment.checks.transport import (
    check_certificate,
    check_old_versions,
    check_plain_http,
)
from barberpro.planning.findings import Finding, Severity
from barberpro.targets.protocol import PassingFaultError


def now() -> datetime:
    return datetime.now(UTC)


def blocking(findings: Iterator[Finding]) -> list[str]:
    return [finding.id for finding in findings if finding.severity is Severity.BLOCKING]


@contextmanager
def plain_server() -> Iterator[int]:
    """Answers 200 to whoever speaks plain HTTP."""
    with ThreadPoolExecutor(1) as pool, socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _address = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        pool.submit(answer)
        yield listening.getsockname()[1]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HttpsServer]:
    with https_server(tmp_path, lambda _request: Answer(body="hola")) as running:
        yield running


def test_the_client_reaches_a_name_that_nobody_resolves(server: HttpsServer) -> None:
    with open_client(server.access, preview=True) as client:
        assert client.get("/").text == "hola"
    asked = server.seen[0].headers
    assert asked["host"] == f"{HOSTNAME}:{server.access.port}"
    assert asked["x-preview"] == "token"


def test_the_client_goes_nowhere_else(server: HttpsServer) -> None:
    server.respond = lambda _request: Answer(302, headers=[("Location", "https://evil.example/")])
    with (
        open_client(server.access, preview=False) as client,
        pytest.raises(UnreachableError, match=r"elsewhere: https://evil\.example/"),
    ):
        client.get("/", follow_redirects=True)
    assert "x-preview" not in server.seen[0].headers


def test_waiting_ends_with_the_last_answer(server: HttpsServer) -> None:
    server.respond = lambda _request: Answer(503, '{"reason": "schema"}', kind="application/json")
    with (
        open_client(server.access, preview=False) as client,
        pytest.raises(UnreachableError, match=r'503 \{"reason": "schema"\}'),
    ):
        wait_for(client, "/ready", seconds=0.1)
    assert len(server.seen) > 1


def test_a_router_that_is_busy_is_worth_another_try(server: HttpsServer) -> None:
    server.respond = lambda _request: Answer(503, "volvemos enseguida")
    with open_client(server.access, preview=False) as client:
        with pytest.raises(PassingFaultError, match="/ answers 503 volvemos"):
            client.get("/")
        closed = replace(server.access, port=1)
        with (
            open_client(closed, preview=False) as other,
            pytest.raises(PassingFaultError, match="no answer from /"),
        ):
            other.get("/")


def test_waiting_tells_the_revision_that_answers_from_the_one_that_must(
    server: HttpsServer,
) -> None:
    answers = iter([6, 6, 7])
    server.respond = lambda _request: Answer(
        body=f'{{"revision": {next(answers)}}}', kind="application/json"
    )
    with open_client(server.access, preview=False) as client:
        assert wait_for(client, "/health", seconds=5, revision=7) == {"revision": 7}


def test_a_good_certificate_is_evidence(server: HttpsServer) -> None:
    (finding,) = check_certificate(server.access, now())
    assert finding.severity is Severity.INFO
    assert "TLSv1.3" in finding.evidence
    assert "issued by Test CA" in finding.evidence


def test_a_certificate_of_another_authority_is_refused(server: HttpsServer, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    ca_file, _leaf = make_certificate(other)
    server.access.ca_certificate.write_bytes(ca_file.read_bytes())
    assert blocking(check_certificate(server.access, now())) == ["certificate-not-trusted"]


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    pair = make_certificate(tmp_path, "other.localhost")
    with https_server(tmp_path, lambda _request: Answer(), certificate=pair) as running:
        assert blocking(check_certificate(running.access, now())) == ["certificate-not-trusted"]


def test_a_certificate_that_was_not_renewed_is_seen_before_it_ends(tmp_path: Path) -> None:
    pair = make_certificate(tmp_path, days=0.02, before_days=1)
    with https_server(tmp_path, lambda _request: Answer(), certificate=pair) as running:
        assert blocking(check_certificate(running.access, now())) == ["certificate-expiring"]
        assert blocking(check_certificate(running.access, now() - timedelta(hours=20))) == []


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    pair = make_certificate(tmp_path, days=-0.5, before_days=2)
    with https_server(tmp_path, lambda _request: Answer(), certificate=pair) as running:
        assert blocking(check_certificate(running.access, now())) == ["certificate-not-trusted"]


def test_tls_1_2_is_refused_and_found_where_it_is_not(server: HttpsServer, tmp_path: Path) -> None:
    assert [f.id for f in check_old_versions(server.access)] == ["tls-1.3-only"]
    old = tmp_path / "old"
    old.mkdir()
    with https_server(old, lambda _request: Answer(), minimum=ssl.TLSVersion.TLSv1_2) as lax:
        (finding,) = check_old_versions(lax.access)
    assert (finding.id, finding.evidence) == ("tls-old-version", "negotiated TLSv1.2")


def test_a_page_without_tls_is_found(server: HttpsServer) -> None:
    assert list(check_plain_http(server.access)) == []
    with plain_server() as port:
        lax = replace(server.access, port=port)
        assert blocking(check_plain_http(lax)) == ["plain-http-served"]


def test_metrics_must_not_be_public(server: HttpsServer) -> None:
    with open_client(server.access, preview=False) as client:
        assert blocking(check_internal_paths(client)) == ["internal-path-public"]
        server.respond = lambda _request: Answer(404)
        assert blocking(check_internal_paths(client)) == []


def test_a_foreign_host_must_not_be_answered_with_the_business(server: HttpsServer) -> None:
    def own_pages(request: Request) -> Answer:
        return Answer(body="BarberShop" if request.headers["host"].startswith(HOSTNAME) else "404")

    with open_client(server.access, preview=False) as client:
        server.respond = own_pages
        assert blocking(check_other_hosts(client, "BarberShop")) == []
        server.respond = lambda _request: Answer(body="<h1>BarberShop</h1>")
        assert blocking(check_other_hosts(client, "BarberShop")) == ["host-not-checked"]
        server.respond = lambda request: Answer(
            302, headers=[("Location", f"https://{request.headers['host']}/entrar")]
        )
        assert blocking(check_other_hosts(client, "BarberShop")) == ["host-not-checked"]


OPENAPI = {
    "paths": {
        "/api/v1/bookings": {"post": {"security": [{"oauth2": []}]}, "get": {}},
        "/api/v1/bookings/{booking_id}/cancel": {"post": {"security": [{"oauth2": []}]}},
        "/oauth/token": {"post": {}},
    }
}


def test_writes_without_a_token_are_tried_one_by_one(server: HttpsServer) -> None:
    server.respond = lambda _request: Answer(401)
    with open_client(server.access, preview=False) as client:
        (finding,) = check_api_writes(client, OPENAPI)
        assert finding.evidence == "open by declaration: POST /oauth/token"
        assert [request.method for request in server.seen] == ["POST", "POST"]
        assert "{" not in server.seen[1].path
        server.respond = lambda request: Answer(201 if request.path.endswith("/cancel") else 401)
        assert blocking(check_api_writes(client, OPENAPI)) == ["api-write-unprotected"]


def test_an_api_that_declares_nothing_is_not_called_safe(server: HttpsServer) -> None:
    with open_client(server.access, preview=False) as client:
        (finding,) = check_api_writes(client, {"paths": {}})
    assert finding.severity is Severity.WARNING


def test_ports_beyond_loopback_or_plan_are_found() -> None:
    opened = [("127.0.0.1", 8443, "caddy"), ("0.0.0.0", 9000, "app"), ("::1", 7000, "app")]
    ids = blocking(check_ports(opened, {8443, 9000}, []))
    assert ids == ["port-exposed-0-0-0-0-9000", "port-exposed-1-7000"]


def test_a_listener_that_the_target_does_not_tell_of_is_seen_on_its_process() -> None:
    leak = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1]); input()"
    with subprocess.Popen(
        [sys.executable, "-uc", leak], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        seen = [
            blocking(check_ports([], planned, [process.pid])) for planned in (set[int](), {port})
        ]
        process.communicate("\n")
    assert seen == [[f"port-exposed-127-0-0-1-{port}"], []]
