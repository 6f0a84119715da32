"""The commands as an operator and the platform use them: real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psycopg
import pytest
from support_accounts import ORIGIN, Accounts, mail_server
from support_app import AppHome, free_port

from barberpro_app.__main__ import build_parser, main
from barberpro_app.identity.service import redeem_link, request_sign_in_link


@pytest.fixture
def home(tmp_path: Path, migrated_url: str) -> AppHome:
    return AppHome.make(tmp_path, migrated_url)


def test_services_need_no_configuration() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "barberpro_app", "services"],
        capture_output=True, text=True, check=True, timeout=60,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]},
    )  # fmt: skip
    listed = json.loads(done.stdout)
    assert {"booking", "notification"} <= {service["name"] for service in listed["services"]}
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["serve", "--port", "99999"],
        ["serve", "--port", "x"],
        ["serve", "--uds", "x", "--host", "y"],
        ["serve", "--socket-mode", "0666"],
        ["api-client", "create", "x"],
        ["owner-link"],
        ["remove-test-data"],
    ],
)
def test_usage_is_checked_before_anything_is_loaded(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_wrong_argument_is_one_error_of_the_process_and_exit_code_2(home: AppHome) -> None:
    for arguments in (["fly"], ["serve", "--uds", "/nonexistent/app.sock"]):
        done = home.run(*arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


def test_wrong_usage_and_configuration_are_one_error_and_exit_code_2(
    home: AppHome,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("barberpro_app.__main__._LEFT_OUT", ())  # this process may want them
    for name in ("BARBERPRO_APP_CONFIG", "BARBERPRO_SECRETS_DIR", "BARBERPRO_REVISION"):
        monkeypatch.setenv(name, home.environment[name])
    for arguments in (
        ["api-client", "create", "x", "--scope", "everything"],
        ["api-client", "create", "No Name", "--scope", "audit:read"],
        ["remove-test-data", "--marker", "not a domain"],
        ["seed", "/nonexistent.json"],
    ):
        assert main(arguments) == 2, arguments
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        assert told.out == ""
    (tmp_path / "app.json").write_text('{"schema_version": 1, "brand": {"name": 5}, "surprise": 1}')
    for command in (["serve"], ["worker"], ["migrate"], ["owner-link", "--email", "a@b.c"]):
        assert main(command) == 2, command
        told = capsys.readouterr()
        assert "surprise" in told.err
        assert "Traceback" not in told.err


def test_a_missing_secret_says_which(home: AppHome, tmp_path: Path) -> None:
    (tmp_path / "secrets/token-key").unlink()
    done = home.run("serve", "--port", str(free_port()))
    assert (done.returncode, "token-key" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_said(home: AppHome) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = home.run("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "127.0.0.1" in done.stderr


def test_a_database_that_is_away_is_exit_code_1(tmp_path: Path) -> None:
    home = AppHome.make(tmp_path, "postgresql://app:hunter2@/none?host=/nonexistent")
    for command in (
        ["migrate"],
        ["owner-link", "--email", "a@b.c"],
        ["seed", str(tmp_path / "seed.json")],
    ):
        done = home.run(*command)
        assert done.returncode == 1, (command, done.stderr)
        assert "Traceback" not in done.stderr
        assert "hunter2" not in done.stderr


def test_commands_before_the_schema_say_migrate(tmp_path: Path, database_url: str) -> None:
    home = AppHome.make(tmp_path, database_url)
    done = home.run("owner-link", "--email", "olga@example.com")
    assert done.returncode == 1
    assert "migrate" in done.stderr


def test_migrate_seed_link_and_client_from_nothing(tmp_path: Path, database_url: str) -> None:
    home = AppHome.make(tmp_path, database_url)
    accounts = Accounts.make(tmp_path, database_url)
    first = home.json("migrate")
    assert first["from"] is None
    assert home.json("migrate") == {"from": first["to"], "to": first["to"]}
    seed = str(tmp_path / "seed.json")
    assert home.json("seed", seed)["loaded"]["staff"] == 2
    assert set(home.json("seed", seed)["loaded"].values()) == {0}
    link = home.json("owner-link", "--email", "Olga@example.com")
    token = link["url"].removeprefix(f"{ORIGIN}/sign-in/")
    assert accounts.run(lambda c: redeem_link(c, token)).principal.has_role("owner")
    assert home.run("owner-link", "--email", "martin@example.com").returncode == 1
    client = home.json("api-client", "create", "probe", "--scope", "audit:read")
    assert client["scopes"] == ["audit:read"]
    assert client["token_url"] == f"{ORIGIN}/oauth/token"
    assert home.run("api-client", "create", "probe", "--scope", "audit:read").returncode == 1
    assert home.run("api-client", "remove", "probe").returncode == 0


def test_test_data_goes_and_nothing_else(home: AppHome, migrated_url: str) -> None:
    home.json("seed", str(home.folder / "seed.json"))
    with psycopg.connect(migrated_url, autocommit=True) as connection:
        for email in ("a@probe.invalid", "b@notprobe.invalid", "c@sub.probe.invalid"):
            connection.execute(
                "WITH who AS (INSERT INTO client (name, email) VALUES ('X', %(email)s) RETURNING id)"
                " INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
                "   starts_at, ends_at, zone, price_centavos)"
                " SELECT upper(%(code)s), 'confirmed', who.id, p.id, s.id, l.id, now(),"
                "   now() + interval '30 minutes', l.zone, 1"
                " FROM who, provider p, service s, location l",
                {"email": email, "code": f"ABCDEFG{'234'['abc'.index(email[0])]}"},
            )
            connection.execute(
                "INSERT INTO message (kind, recipient, payload, dedupe_key)"
                " VALUES ('booking_confirmed', %s, '{}', %s)",
                (email, email),
            )
        assert home.json("remove-test-data", "--marker", "@probe.invalid") == {
            "removed": {"bookings": 1, "clients": 1, "messages": 1}
        }
        left = connection.execute("SELECT email FROM client ORDER BY email").fetchall()
        assert left == [("b@notprobe.invalid",), ("c@sub.probe.invalid",)]
        trail = connection.execute(
            "SELECT count(*) FROM audit_event WHERE action = 'test_data.removed'"
        ).fetchone()
        assert trail == (1,)


def test_serving_does_not_load_the_migration_tools(home: AppHome) -> None:
    code = (
        "import sys, barberpro_app.commands.serve\n"
        "print(sorted(m for m in ('sqlalchemy', 'alembic', 'mako') if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=home.environment, capture_output=True, text=True, check=True,
        timeout=60,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_it_serves_before_the_schema_and_is_ready_after(tmp_path: Path, database_url: str) -> None:
    home = AppHome.make(tmp_path, database_url)
    with home.serving("--with-worker") as served:
        assert httpx.get(f"{served.url}/ready").json()["reason"] == "migration_pending"
        home.json("migrate")
        served.wait("/ready")
        events = [line["event"] for line in served.lines()]
        assert events[0] == "starting"
        assert "job_failed" not in events
        assert "unexpected_error" not in events


def test_sigterm_drains_and_loses_no_request(home: AppHome, migrated_url: str) -> None:
    """Requests in flight end, also a slow one; new connections are refused; exit code 0."""
    with home.serving() as served, psycopg.connect(migrated_url) as holder:
        holder.execute("LOCK TABLE location IN ACCESS EXCLUSIVE MODE")
        answers: list[int] = []

        def ask() -> None:
            answers.append(httpx.get(f"{served.url}/api/v1/locations", timeout=60).status_code)

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        _wait_for_lock_waiters(migrated_url, 4)
        served.process.send_signal(signal.SIGTERM)
        _wait_until_refused(served.url)
        assert served.process.poll() is None
        holder.rollback()
        for asker in askers:
            asker.join(60)
        assert served.process.wait(60) == 0
        assert answers == [200] * 4
        last = served.lines()[-1]
        assert last["event"] == "stopped"


def test_sigterm_does_not_wait_for_ever(home: AppHome, migrated_url: str) -> None:
    with home.serving("--with-worker") as served, psycopg.connect(migrated_url) as holder:
        holder.execute("LOCK TABLE location IN ACCESS EXCLUSIVE MODE")
        asker = threading.Thread(
            target=lambda: _status(f"{served.url}/api/v1/locations"), daemon=True
        )
        asker.start()
        _wait_for_lock_waiters(migrated_url)
        served.process.terminate()
        served.process.wait(60)  # the request still waits
        holder.rollback()
        asker.join(60)


def _start(home: AppHome, name: str, *command: str) -> subprocess.Popen[bytes]:
    """A process of the app that logs to `<name>.log` in its home."""
    with (home.folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen([*command], env=home.environment, stdout=log, stderr=log)


def _status(url: str) -> int:
    try:
        return httpx.get(url, timeout=60).status_code
    except httpx.TransportError:
        return 0


def _wait_until_refused(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{url}/health")
        except httpx.ConnectError:
            return
        except httpx.TransportError:
            pass  # a connection that it had accepted just before
        assert time.monotonic() < deadline, "new connections are still taken"
        time.sleep(0.02)


def _wait_for_lock_waiters(url: str, count: int = 1) -> None:
    deadline = time.monotonic() + 60
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            row = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
            if row is not None and row[0] >= count:
                return
            assert time.monotonic() < deadline, "they do not wait for the lock"
            time.sleep(0.05)


def test_a_unix_socket_is_private_and_handed_over_without_a_gap(home: AppHome) -> None:
    path = home.folder / "app.sock"
    transport = httpx.HTTPTransport(uds=str(path))
    command = [sys.executable, "-m", "barberpro_app", "serve", "--uds", str(path)]
    processes = []
    with httpx.Client(transport=transport, base_url="http://app", timeout=60) as client:
        try:
            for mode in ("0600", "0660"):
                inode = path.stat().st_ino if path.exists() else None
                processes.append(_start(home, mode, *command, "--socket-mode", mode))
                _wait_for_socket(path, inode)
                assert stat.S_IMODE(path.stat().st_mode) == int(mode, 8)
                assert client.get("/health").status_code == 200
            processes[0].terminate()
            failures = 0
            while processes[0].poll() is None:
                failures += (
                    client.get("/health", headers={"connection": "close"}).status_code != 200
                )
            assert (processes[0].returncode, failures) == (0, 0)
            assert path.exists()
            forwarded = client.get("/health", headers={"X-Forwarded-For": "198.51.100.9"})
            assert forwarded.status_code == 200
            processes[1].terminate()
            assert processes[1].wait(60) == 0
            assert not path.exists()
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                process.wait()


def _wait_for_socket(path: Path, previous: int | None) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() or path.stat().st_ino == previous:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_worker_sends_at_once_when_told_and_ends_on_sigterm(
    tmp_path: Path, migrated_url: str
) -> None:
    with mail_server() as server:
        mail = {"host": "127.0.0.1", "port": server.port, "from": "t@x.localhost"}
        accounts = Accounts.make(tmp_path, migrated_url, mail=mail)
        owner = accounts.staff("owner")
        process = _start(accounts.home, "worker", sys.executable, "-m", "barberpro_app", "worker")
        try:
            accounts.run(lambda c: request_sign_in_link(c, owner.email))
            server.wait_for(1, 60)
            process.terminate()
            assert process.wait(60) == 0
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    lines = [json.loads(line) for line in (tmp_path / "worker.log").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["working", "message", "stopped"]
    assert owner.email not in str(lines)


def test_nothing_personal_reaches_the_log(home: AppHome) -> None:
    home.json("seed", str(home.folder / "seed.json"))
    with home.serving() as served:
        for path in (
            "/sign-in/" + "s" * 43,
            "/reserva/" + "t" * 43,
            "/nowhere?email=clara@example.com",
        ):
            httpx.get(served.url + path)
        httpx.post(f"{served.url}/oauth/token", data={"grant_type": "client_credentials"},
                   auth=("probe", "the-secret"))  # fmt: skip
        httpx.get(f"{served.url}/api/v1/me", headers={"Authorization": "Bearer the.bearer.token"})
        deadline = time.monotonic() + 60  # a line is written after its answer was sent
        while len(served.lines()) < 6 and time.monotonic() < deadline:
            time.sleep(0.02)
    text = served.log.read_text()
    assert len(served.lines()) >= 6
    for secret in ("sss", "ttt", "clara", "the-secret", "bearer.token"):
        assert secret not in text
    for line in served.lines():
        if line["event"] == "request":
            assert set(line) >= {"request_id", "actor", "route", "status", "ms"}
