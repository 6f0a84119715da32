"""PostgreSQL goes away in the middle of a run: for a moment, for good, or for one connection."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from support_postgres import TestServer, service_account
from support_runs import Work, factory, scripted

from barberpro.errors import ExitCode
from barberpro.runs.connections import RegistryUnavailableError
from barberpro.runs.engine import Engine
from barberpro.runs.events import Event
from barberpro.runs.outcomes import Done, Outcome
from barberpro.runs.pipelines import Step
from barberpro.runs.registry import Registry

pytest_plugins = ["support_runs"]


class Server:
    """A server of the test's own, that is killed and started again on the same data."""

    def __init__(self) -> None:
        self._server = TestServer.start()
        self._server.execute("CREATE DATABASE registry")
        # what was committed survives the kill, as on the servers of the product
        self._server.execute("ALTER DATABASE registry SET synchronous_commit = on")
        self.url = self._server.url("registry")

    def kill(self) -> None:
        self._server.process.kill()
        self._server.process.wait()

    def start(self) -> None:
        account = service_account()
        identity: dict[str, object] = {}
        if account is not None:
            identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        deadline = time.monotonic() + 60
        while True:
            with (self._server.folder / "again.log").open("ab") as log:
                self._server.process = subprocess.Popen(
                    self._server.process.args, stdout=log, stderr=log, cwd=self._server.folder,
                    **identity,  # type: ignore[call-overload]
                )  # fmt: skip
            while self._server.process.poll() is None:
                try:
                    psycopg.connect(self.url).close()
                except psycopg.OperationalError:
                    time.sleep(0.05)
                else:
                    return
            assert time.monotonic() < deadline, "the server does not come back"
            time.sleep(0.1)  # backends of the killed one are still there

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def ignore(event: Event) -> None:
    """Events are not looked at here."""


def test_a_server_that_is_killed_and_comes_back_does_not_disturb_the_run(
    server: Server, tmp_path: Path
) -> None:
    def run(work: Work) -> Outcome:
        work.note("run b")
        server.kill()
        threading.Timer(1.0, server.start).start()
        return Done("b")

    steps = [scripted("a", [Done("a")]), Step("b", "B", run), scripted("c", [Done("c")])]
    with Engine(server.url, {"deploy": factory(tmp_path, *steps)}, ignore) as engine:
        result = engine.start("deploy", "palermo", {"plan": {}}, reserve_revision=True)
        assert result.status == "done", result.message
        assert [(r.step, r.attempt) for r in engine.steps(result.run)] == [
            ("a", 1), ("b", 1), ("c", 1),
        ]  # fmt: skip
    assert Work(folder=tmp_path).journal() == ["run a", "run b", "run c"]


def test_a_server_that_stays_away_interrupts_the_run_with_a_message_and_it_is_resumed_later(
    server: Server, tmp_path: Path
) -> None:
    def run(work: Work) -> Outcome:
        work.note("run b")
        if work.journal().count("run b") == 1:
            server.kill()
        return Done("b")

    steps = [scripted("a", [Done("a")]), Step("b", "B", run), scripted("c", [Done("c")])]
    build = {"deploy": factory(tmp_path, *steps)}
    with Engine(server.url, build, ignore, patience=1.0) as engine:
        result = engine.start("deploy", "palermo", {})
    assert (result.status, result.exit_code) == ("interrupted", ExitCode.FAILED)
    for text in ("PostgreSQL does not answer", "database registry at", "barberpro resume palermo"):
        assert text in result.message
    with pytest.raises(RegistryUnavailableError, match="does not answer"):
        Registry.open(server.url)

    server.start()
    with Engine(server.url, build, ignore) as engine:
        assert engine.resume("palermo").status == "done"
    assert Work(folder=tmp_path).journal() == ["run a", "run b", "run b", "run c"]


def test_a_full_disk_of_the_server_interrupts_the_run_and_says_so(
    registry_url: str, tmp_path: Path
) -> None:
    """The server's own error code, from a trigger; DBOS alone would repeat the write for ever."""

    def run(work: Work) -> Outcome:
        work.note("run b")
        if work.journal().count("run b") == 1:
            execute(
                registry_url,
                "CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE"
                " 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$",
                "CREATE TRIGGER disk_is_full BEFORE INSERT ON dbos.operation_outputs"
                " FOR EACH ROW EXECUTE FUNCTION disk_is_full()",
            )
        return Done("b")

    steps = [scripted("a", [Done("a")]), Step("b", "B", run), scripted("c", [Done("c")])]
    build = {"deploy": factory(tmp_path, *steps)}
    with Engine(registry_url, build, ignore, patience=0.5) as engine:
        result = engine.start("deploy", "palermo", {})
        assert result.status == "interrupted", result.message
        assert "No space left on device" in result.message
        assert "free disk space" in result.message
        execute(registry_url, "DROP FUNCTION disk_is_full CASCADE")
        assert engine.resume("palermo").status == "done"
    assert Work(folder=tmp_path).journal() == ["run a", "run b", "run b", "run c"]


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_a_cut_lock_is_taken_back_where_nobody_had_it_in_between(
    registry_url: str, tmp_path: Path
) -> None:
    def run(work: Work) -> Outcome:
        cut_the_lock(registry_url)
        return Done("b")

    steps = [Step("b", "B", run), scripted("c", [Done("c")])]
    with Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, ignore) as engine:
        assert engine.start("deploy", "palermo", {}).status == "done"


def test_a_cut_lock_that_another_run_had_stops_this_one_before_its_next_step(
    registry_url: str, tmp_path: Path
) -> None:
    def run(work: Work) -> Outcome:
        cut_the_lock(registry_url)
        with psycopg.connect(registry_url) as other:  # what a run of another process does
            other.execute("UPDATE registry.holders SET token = gen_random_uuid()")
        return Done("b")

    steps = [Step("b", "B", run), scripted("c", [Done("c")])]
    with Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, ignore) as engine:
        result = engine.start("deploy", "palermo", {})
    assert (result.status, result.exit_code) == ("interrupted", ExitCode.FAILED)
    assert "another run took it" in result.message
    assert Work(folder=tmp_path).journal() == []


def cut_the_lock(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'"
            " AND granted AND (classid::bigint << 32) | objid::bigint"
            " = (SELECT lock_key FROM registry.holders)"
        ).fetchone()
        assert row == (1,)


def test_a_run_that_another_process_took_over_cannot_write_any_more(
    registry_url: str, tmp_path: Path
) -> None:
    """Should all else fail: DBOS refuses the record of a step of a workflow that changed hands."""

    def run(work: Work) -> Outcome:
        with psycopg.connect(registry_url) as other:
            other.execute("UPDATE dbos.workflow_status SET owner_xid = 'somebody else'")
        return Done("b")

    steps = [Step("b", "B", run), scripted("c", [Done("c")])]
    with Engine(registry_url, {"deploy": factory(tmp_path, *steps)}, ignore) as engine:
        result = engine.start("deploy", "palermo", {})
        assert engine.steps(result.run) == []
    assert result.status == "interrupted"
    assert Work(folder=tmp_path).journal() == []
