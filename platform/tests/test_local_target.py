"""Deployments on this machine: real PostgreSQL, router, supervisor; a stand-in for the app."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from support_local import bring_up, local_home, local_plan, processes_of, stand_in_app

from barberpro.errors import BarberProError
from barberpro.targets.local import app_process
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.target import LocalTarget

pytestmark = pytest.mark.xdist_group("local-target")
PLAN = local_plan("barbershop-palermo", domain="turnos.example.com.ar")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTarget]:
    """One deployment, revision 1 live, whose tests follow each other."""
    app = stand_in_app(tmp_path_factory.mktemp("app"))
    with local_home() as home:
        target = LocalTarget(LocalPlatform.open(home), app)
        target.provision_resources(PLAN)
        target.configure_load_balancer(PLAN, 1)
        yield target
        target.close()


def public(target: LocalTarget, path: str = "/health", **headers: str) -> tuple[int, dict]:
    host = PLAN.network.local_hostname
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = target.platform.edge().get(host, path, named)
    try:
        return answer.status, json.loads(answer.body)
    except ValueError:
        return answer.status, {"page": answer.body.decode()}


def test_before_the_first_activation_the_public_sees_a_waiting_page(target: LocalTarget) -> None:
    status, body = public(target)
    assert status == 503
    assert "se está preparando" in body["page"]
    assert "being prepared" in body["page"]


def test_a_new_revision_answers_to_its_preview_token_alone(target: LocalTarget) -> None:
    bring_up(target, PLAN, 1)
    access = target.access(PLAN, 1)
    assert public(target)[0] == 503
    assert public(target, X_BarberPro_Preview="wrong")[0] == 503
    status, body = public(target, **access.preview_headers)
    assert (status, body["revision"]) == (200, 1)
    assert "x-barberpro-preview" not in body["headers"]


def test_configuration_is_applied_by_a_restart_only_if_it_changed(target: LocalTarget) -> None:
    preview = target.access(PLAN, 1).preview_headers
    before = public(target, **preview)[1]["pid"]
    target.write_configuration(PLAN, 1, "brand", {"name": "barbershop-palermo"})
    assert target.apply_configuration(PLAN, 1).detail == "in force already"
    assert public(target, **preview)[1]["pid"] == before
    target.write_configuration(PLAN, 1, "brand", {"name": "Palermo Ñandú"})
    target.apply_configuration(PLAN, 1)
    body = public(target, **preview)[1]
    assert body["brand"] == {"name": "Palermo Ñandú"}
    assert body["pid"] != before


def test_activation_is_seen_by_the_public_and_can_be_repeated(target: LocalTarget) -> None:
    for _ in range(2):
        report = target.activate(PLAN, 1)
        assert report.facts["url"] == target.access(PLAN, None).url
        assert public(target)[1]["revision"] == 1


def test_the_public_domain_is_served_with_the_local_ca_too(target: LocalTarget) -> None:
    answer = target.platform.edge().get("turnos.example.com.ar", "/health")
    assert answer.status == 200


def test_metrics_are_never_public(target: LocalTarget) -> None:
    for path in ("/metrics", "/metrics/", "//metrics", "/%6detrics", "/METRICS", "/x/../metrics"):
        assert public(target, path)[0] == 404, path


def test_unknown_hosts_reach_no_deployment(target: LocalTarget) -> None:
    state = target.platform.store.platform()
    context = ssl.create_default_context(cafile=target.platform.ca_certificate)
    with (
        socket.create_connection(("127.0.0.1", state.https_port)) as plain,
        context.wrap_socket(plain, server_hostname=PLAN.network.local_hostname) as tls,
    ):
        tls.sendall(b"GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        first = tls.recv(200)
    assert b" 200 " not in first.splitlines()[0]


def test_only_tls_1_3_is_spoken(target: LocalTarget) -> None:
    state = target.platform.store.platform()
    context = ssl.create_default_context(cafile=target.platform.ca_certificate)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", state.https_port)) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname=PLAN.network.local_hostname)


def _headers(target: LocalTarget, path: str, sent: dict[str, str]) -> http.client.HTTPMessage:
    state = target.platform.store.platform()
    context = ssl.create_default_context(cafile=target.platform.ca_certificate)
    context.check_hostname = False  # the address is asked, the name stands in the header
    with socket.create_connection(("127.0.0.1", state.https_port)) as plain:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = context.wrap_socket(plain, server_hostname=PLAN.network.local_hostname)
        connection.request("GET", path, headers={"Host": PLAN.network.local_hostname, **sent})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.headers


def test_headers_that_the_app_does_not_set_are_added_and_its_own_are_left(
    target: LocalTarget,
) -> None:
    headers = _headers(target, "/health", {})
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Server"] in (None, "uvicorn")
    assert _headers(target, "/framed", {})["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("order-12345678", True), ("short", False), ("x" * 65, False), ("a b c d e f g", False),
     ('"}{injected":"1', False)],
)  # fmt: skip
def test_a_request_id_is_kept_if_plausible_and_else_made(
    target: LocalTarget, sent: str, kept: bool
) -> None:
    seen = public(target, X_Request_Id=sent)[1]["headers"]["x-request-id"]
    assert (seen == sent) is kept
    assert len(seen) >= 8


def test_the_lines_of_one_request_are_found_in_router_and_app(target: LocalTarget) -> None:
    public(target, "/health?token=not-for-the-log", X_Request_Id="find-me-0001")
    deadline = time.monotonic() + 60
    while len(lines := target.log_lines(PLAN.deployment_id, "find-me-0001")) < 2:
        assert time.monotonic() < deadline, lines
        time.sleep(0.02)
    assert any('"status":200' in line for line in lines)
    assert not any("not-for-the-log" in line for line in lines)
    assert target.log_lines(PLAN.deployment_id, "") == []
    token = "vs64wn2YhKwA565RvnooUmdlelB7cl9AnlYwi-TqRpc"
    public(target, f"/sign-in/{token}", X_Request_Id="find-me-0002")
    access = target.platform.layout.logs / "access.log"
    while '"find-me-0002"' not in (text := access.read_text()):
        assert time.monotonic() < deadline + 5
        time.sleep(0.02)
    assert '"/sign-in/***"' in text
    assert token not in text


def test_nothing_but_https_and_smtp_on_loopback_listens(target: LocalTarget) -> None:
    state = target.platform.store.platform()
    found = target.exposed_ports(PLAN)
    assert {(port, address in {"127.0.0.1", "::1"}) for address, port, _ in found} == {
        (state.https_port, True), (state.smtp_port, True),
    }  # fmt: skip


def test_a_crashed_process_comes_back_and_a_request_meanwhile_waits(target: LocalTarget) -> None:
    before = public(target)[1]["pid"]
    psutil.Process(before).kill()
    status, body = public(target)
    assert status == 200
    assert body["pid"] != before


def test_the_apps_commands_run_with_its_environment(target: LocalTarget) -> None:
    answer = target.run_app_command(PLAN, 1, ["owner-link", "--email", "ana@example.com"])
    assert answer["arguments"] == ["owner-link", "--email", "ana@example.com"]
    with pytest.raises(BarberProError, match="the table burnt down"):
        target.run_app_command(PLAN, 1, ["fail"])


def test_secrets_are_this_users_alone(target: LocalTarget) -> None:
    layout = target.platform.layout
    files = [
        *(layout.deployment(PLAN.deployment_id) / "secrets").iterdir(),
        *layout.secrets.iterdir(),
    ]
    assert {"database-url", "database-owner-url", "session-key", "token-key"} <= {
        path.name for path in files
    }
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.parent.stat().st_mode & 0o777 for path in files} == {0o700}


def test_the_second_revision_takes_over_without_a_failed_request(target: LocalTarget) -> None:
    answers: list[tuple[int, object]] = []
    faults: list[Exception] = []
    ended = threading.Event()

    def client() -> None:
        while not ended.is_set():
            try:
                status, body = public(target)
                answers.append((status, body.get("revision")))
            except (OSError, http.client.HTTPException) as error:
                faults.append(error)

    thread = threading.Thread(target=client)
    thread.start()
    try:
        bring_up(target, PLAN, 2)
        assert public(target)[1]["revision"] == 1
        target.activate(PLAN, 2)
        public(target)
    finally:
        ended.set()
        thread.join()
    assert faults == []
    assert {status for status, _ in answers} == {200}
    assert answers[-1] == (200, 2)
    names = {state.name for state in target.services(PLAN.deployment_id)}
    assert "barbershop-palermo-r2" in names
    assert "barbershop-palermo-r1" not in names


def test_taking_the_activation_back_leads_to_the_revision_before(target: LocalTarget) -> None:
    for _ in range(2):
        target.deactivate(PLAN, 2)
        assert public(target)[1]["revision"] == 1
    for _ in range(2):
        target.stop_revision(PLAN, 2)
        target.remove_route(PLAN, 2)
    target.remove_resources(PLAN)  # a deployment that serves loses nothing
    assert public(target, "/ready")[0] == 200


def test_stop_and_start(target: LocalTarget) -> None:
    target.stop(PLAN.deployment_id)
    status, body = public(target)
    assert status == 503
    assert "en pausa" in body["page"]
    assert target.services(PLAN.deployment_id)[0].state == "stopped"
    target.start(PLAN.deployment_id)
    assert public(target)[1]["revision"] == 1


def test_a_restart_of_the_machine_brings_it_back_in_an_environment_that_is_there(
    target: LocalTarget,
) -> None:
    platform = target.platform
    record = platform.store.required(PLAN.deployment_id)
    record.revisions[1].python = "/gone/with/the/cache/bin/python"
    platform.store.save(record)
    # the oldest is the supervisor: killed last it would start again what was killed before
    for process in sorted(processes_of(platform), key=lambda process: process.create_time()):
        process.kill()
    again = LocalTarget(LocalPlatform.open(platform.layout.home))
    report = again.start(PLAN.deployment_id)
    assert report.facts["revision"] == 1
    assert public(target)[1]["revision"] == 1
    again.platform.close()
    assert os.access(again.platform.store.required(PLAN.deployment_id).revisions[1].python, os.X_OK)


def test_a_second_deployment_is_kept_apart(target: LocalTarget) -> None:
    other = local_plan("psicologia-salud", users=1000)  # large: several web processes and a worker
    bring_up(target, other, 1)
    target.activate(other, 1)
    own = [s for s in target.services(other.deployment_id) if s.name.startswith("psicologia")]
    assert [s.name.removeprefix("psicologia-salud-r1-") for s in own] == [
        "web-1",
        "web-2",
        "worker",
    ]
    assert {s.state for s in own} <= {"running", "starting"}
    pids = {
        target.platform.edge().get("psicologia-salud.localhost", "/health").body for _ in range(9)
    }
    assert len({json.loads(body)["pid"] for body in pids}) == 2
    secrets = target.platform.layout.deployment(other.deployment_id) / "secrets"
    url = (secrets / "database-url").read_text()
    psycopg.connect(url).close()
    for database in (PLAN.database.name, "barberpro", "postgres"):
        with pytest.raises(psycopg.OperationalError, match="pg_hba"):
            psycopg.connect(url.replace("/bp_psicologia_salud?", f"/{database}?"))
    with (
        psycopg.connect(url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE mine (id int)")
    clash = local_plan("third", domain="turnos.example.com.ar")
    assert next(iter(target.check_hostname(clash))).id == "hostname-taken"
    mail = target.check_hostname(local_plan("mail"))
    assert [(f.id, f.severity.value) for f in mail] == [("hostname-reserved", "blocking")]
    report = target.destroy(other.deployment_id, keep_backup=False)
    assert report.facts["backup"] is None
    assert public(target)[0] == 200


def test_the_release_is_not_the_clone(target: LocalTarget) -> None:
    record = target.platform.store.required(PLAN.deployment_id)
    settings = app_process.environment(target.platform.layout, record, 1)
    release = Path(settings["PYTHONPATH"]).resolve()
    assert release.is_relative_to(target.platform.layout.home)
    assert not next(release.rglob("__main__.py")).stat().st_mode & 0o222


def test_destroy_keeps_a_readable_backup_and_nothing_else(target: LocalTarget) -> None:
    platform = target.platform
    ports = {port for _, port, _ in target.exposed_ports(PLAN)}
    report = target.destroy(PLAN.deployment_id, keep_backup=True)
    backup = Path(str(report.facts["backup"]))
    assert backup.stat().st_mode & 0o777 == 0o600
    assert backup.read_bytes()[:5] == b"PGDMP"
    assert target.destroy(PLAN.deployment_id, keep_backup=True).facts == {}
    platform.settle(remove=True)
    assert processes_of(platform) == []
    assert {entry.name for entry in platform.layout.home.iterdir()} == {"backups"}
    assert not platform.layout.run.exists()
    assert not platform.layout.cluster.exists()
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
