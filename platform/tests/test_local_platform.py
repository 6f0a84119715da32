"""The shared services come up from whatever state they are in, and leave nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from support_app import free_port
from support_local import local_home, processes_of

from barberpro.errors import BarberProError
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.roster import SHARED
from barberpro.targets.local.state import Deployment
from barberpro.targets.local.unix_http import takes_connections

pytestmark = pytest.mark.xdist_group("local-platform")
ENSURE = (
    "from barberpro.targets.local.platform import LocalPlatform;"
    "print(LocalPlatform.open().ensure_running().detail)"
)


@pytest.fixture(scope="module")
def platform() -> Iterator[LocalPlatform]:
    with local_home() as home:
        platform = LocalPlatform.open(home)
        yield platform
        platform.close()


def supervisors(platform: LocalPlatform) -> list[psutil.Process]:
    found = []
    for process in processes_of(platform):
        try:
            if "supervisor.supervisord" in process.cmdline():
                found.append(process)
        except psutil.NoSuchProcess:  # PostgreSQL's own workers come and go
            continue
    return found


def note(platform: LocalPlatform, text: str) -> list[str]:
    """Writes into the registry, and returns all that was ever written."""
    with psycopg.connect(platform.registry_url()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (at serial, text text)")
        connection.execute("INSERT INTO notes (text) VALUES (%s)", (text,))
        rows = connection.execute("SELECT text FROM notes ORDER BY at").fetchall()
    return [row[0] for row in rows]


def running(platform: LocalPlatform) -> bool:
    """Waits until the supervisor counts every service as up (it takes a second to be sure)."""
    deadline = time.monotonic() + 60
    while not platform.is_running():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_two_first_calls_at_once_make_one_platform(platform: LocalPlatform) -> None:
    environment = {**os.environ, "BARBERPRO_HOME": str(platform.layout.home)}
    calls = [
        subprocess.Popen(
            [sys.executable, "-c", ENSURE], env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [call.communicate(timeout=120) for call in calls]
    assert [call.returncode for call in calls] == [0, 0], said
    assert len(supervisors(platform)) == 1
    assert note(platform, "first") == ["first"]


def test_a_second_call_does_nothing(platform: LocalPlatform) -> None:
    assert running(platform)
    before = programs(platform)
    assert platform.ensure_running().detail == "running already"
    assert before == programs(platform)


def programs(platform: LocalPlatform) -> dict[str, int | None]:
    """The supervisor's programs and their processes; PostgreSQL's own workers come and go."""
    return {name: entry.pid for name, entry in (platform.supervisor.states() or {}).items()}


def test_sockets_and_secrets_are_private(platform: LocalPlatform) -> None:
    layout = platform.layout
    assert layout.sockets.stat().st_mode & 0o777 == 0o700
    assert layout.database_sockets.stat().st_mode & 0o777 == 0o700
    assert (layout.cluster / "data").stat().st_mode & 0o077 == 0
    pid = programs(platform)["postgres"]  # of the supervisor's: others come and go meanwhile
    assert pid is not None
    server = psutil.Process(pid)
    assert server.uids().real != 0
    with psycopg.connect(platform.registry_url()) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert connection.execute(f"SHOW {name}".encode()).fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_killed_database_server_comes_back_with_its_data(platform: LocalPlatform) -> None:
    states = platform.supervisor.states()
    assert states is not None
    pid = states["postgres"].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while takes_connections(platform.layout.database_sockets / ".s.PGSQL.5432"):
        time.sleep(0.001)  # the kernel takes a moment
    platform.ensure_running()
    assert note(platform, "after a crash") == ["first", "after a crash"]


def test_a_killed_supervisor_is_replaced_and_what_it_left_is_ended(platform: LocalPlatform) -> None:
    before = processes_of(platform)
    for process in supervisors(platform):
        process.kill()
    assert len(processes_of(platform)) == len(before) - 1
    platform.ensure_running()
    assert len(supervisors(platform)) == 1
    assert {p.pid for p in processes_of(platform)}.isdisjoint({p.pid for p in before})
    assert len(note(platform, "supervisor killed")) == 3


def test_a_lost_runtime_folder_is_made_again(platform: LocalPlatform) -> None:
    shutil.rmtree(platform.layout.run)
    platform.ensure_running()
    assert len(supervisors(platform)) == 1
    assert len(note(platform, "folder lost")) == 4


def test_a_stale_pid_file_with_somebody_elses_number_stops_nothing(platform: LocalPlatform) -> None:
    port = platform.store.platform().https_port
    for process in processes_of(platform):
        process.kill()
    stale = platform.layout.cluster / "data" / "postmaster.pid"
    lines = stale.read_text().splitlines()
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    (platform.layout.home / "supervisor" / "supervisord.pid").write_text(str(os.getpid()))
    platform.ensure_running()
    assert len(note(platform, "restarted")) == 5
    assert platform.store.platform().https_port == port


def test_another_process_at_work_keeps_the_platform_up(platform: LocalPlatform) -> None:
    other = LocalPlatform.open(platform.layout.home)
    other.ensure_running()
    assert platform.settle(remove=True).detail == "another process is at work"
    other.close()
    assert len(note(platform, "still there")) == 6


def test_a_port_that_is_taken_is_named_and_kept_for_the_deployments(
    platform: LocalPlatform,
) -> None:
    platform.stop_all()
    state = platform.store.platform()
    platform.store.save(
        Deployment(
            id="x", database="x", owner_role="x", app_role="x", preview_token="x", stopped=True
        )
    )
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", state.https_port))
        other.listen()
        with pytest.raises(BarberProError) as refused:
            platform.ensure_running()
        assert str(state.https_port) in refused.value.what
        assert f"process {os.getpid()}" in refused.value.what
        assert "barberpro start" in refused.value.mend
        shutil.rmtree(platform.layout.deployment("x"))
        report = platform.ensure_running()  # no address rests on the port: another is taken
        assert report.facts["https_port"] != state.https_port
        assert "HTTPS on port" in report.detail
    assert len(note(platform, "moved")) == 7


def test_when_all_is_removed_no_process_port_or_file_is_left(platform: LocalPlatform) -> None:
    state = platform.store.platform()
    assert "was removed" in platform.settle(remove=True).detail
    assert processes_of(platform) == []
    assert not platform.layout.home.exists()
    assert not platform.layout.run.exists()
    assert not platform.layout.cluster.exists()
    for port in (state.https_port, state.smtp_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert platform.settle().detail == "nothing is there"


def test_a_full_disk_is_said_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 10**7))
    with local_home() as home:
        platform = LocalPlatform.open(home)
        with pytest.raises(BarberProError, match="disk is nearly full") as refused:
            platform.ensure_running()
        assert "BARBERPRO_HOME" in refused.value.mend
        assert processes_of(platform) == []
        platform.close()


def test_a_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BarberProError) as refused:
        LocalPlatform.open(tmp_path / "file" / "home").ensure_running()
    assert refused.value.mend
    with pytest.raises(BarberProError, match="one of its own"):
        LocalPlatform.open(Path.home())


def test_a_runtime_folder_of_somebody_else_is_refused() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to somebody else")
    with local_home() as home:
        platform = LocalPlatform.open(home)
        platform.layout.run.mkdir(parents=True)
        os.chown(platform.layout.run, 65534, 65534)
        with pytest.raises(BarberProError, match="somebody else's"):
            platform.ensure_running()
        platform.close()


def test_a_busy_port_at_the_first_start_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with local_home() as home, socket.socket() as other:
        port = free_port()
        other.bind(("127.0.0.1", port))
        other.listen()
        monkeypatch.setenv("BARBERPRO_HTTPS_PORT", str(port))
        platform = LocalPlatform.open(home)
        report = platform.ensure_running()
        assert report.facts["https_port"] != port
        assert running(platform)
        assert sorted(platform.supervisor.states() or {}) == sorted(SHARED)
        platform.settle(remove=True)
