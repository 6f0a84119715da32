"""The parts of the local target that need no server: paths, files, releases, ports, programs."""

from __future__ import annotations

import errno
import os
import plistlib
import shlex
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from configparser import RawConfigParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_app import free_port
from support_local import local_plan

from barberpro.errors import BarberProError
from barberpro.planning.findings import Severity
from barberpro.targets.local import checks, ports, releases, user_service
from barberpro.targets.local.files import remove, told_to_operator, write_atomic
from barberpro.targets.local.layout import PLAIN, SOCKET_PATH_BYTES, Layout
from barberpro.targets.local.locks import UseLock
from barberpro.targets.local.postgres import Postgres
from barberpro.targets.local.programs import Program
from barberpro.targets.local.router import LIVE, link_sockets, sockets_of
from barberpro.targets.local.state import Store

names = st.text(
    st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1, max_size=60
).filter(lambda name: name not in {".", ".."})


@given(name=names, deployment=st.from_regex(r"[a-z0-9][a-z0-9-]{0,61}[a-z0-9]", fullmatch=True))
def test_sockets_are_plain_and_short_whatever_the_home_is_called(
    name: str, deployment: str
) -> None:
    layout = Layout.of(Path("/srv") / name / "home")
    paths = [
        *sockets_of(layout, deployment, 99_999, 12),
        *link_sockets(layout, deployment, LIVE, 12),
        layout.database_sockets / ".s.PGSQL.5432.lock",
    ]
    for path in paths:
        assert PLAIN.fullmatch(str(path))
        assert len(str(path)) <= SOCKET_PATH_BYTES
    assert len({str(path) for path in paths}) == len(paths)


def test_databases_outside_the_home_say_whose_they_are(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("an ordinary user's databases are always in the home")
    tmp_path.chmod(0o700)
    layout = Layout.of(tmp_path / "home")
    assert not layout.cluster.is_relative_to(tmp_path)
    layout.prepare()
    assert (layout.cluster / "home").read_text() == f"{layout.home}\n"
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    layout.remove_all_but_backups()
    assert not layout.cluster.exists()
    assert not layout.run.exists()


def test_two_deployments_never_share_a_socket() -> None:
    layout = Layout.of(Path("/srv/x"))
    ids = [f"barbershop-{suffix}" for suffix in ("palermo", "palermo-2", "norte")]
    sockets = [path for name in ids for path in sockets_of(layout, name, 1, 3)]
    assert len(set(sockets)) == 9


def test_a_file_is_written_whole_with_its_mode_and_only_if_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "secret"
    assert write_atomic(path, "one")
    assert not write_atomic(path, b"one")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    assert write_atomic(path, "one")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret"]


@pytest.mark.parametrize(
    ("number", "mend"),
    [(errno.ENOSPC, "free space"), (errno.EROFS, "read-only"), (errno.EACCES, "writable"),
     (errno.ENAMETOOLONG, "shorter"), (errno.EIO, "doctor")],
)  # fmt: skip
def test_faults_of_the_disk_are_told_with_a_remedy(number: int, mend: str) -> None:
    with pytest.raises(BarberProError) as told, told_to_operator("Writing"):
        raise OSError(number, os.strerror(number), "/some/file")
    assert mend in told.value.mend
    assert told.value.where == "/some/file"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(BarberProError, match="No space left"), told_to_operator("Writing"):
        Path("/dev/full").write_text("x")
    target = tmp_path / "state.json"
    write_atomic(target, "old")
    with pytest.raises(OSError, match="too long"):
        write_atomic(tmp_path / ("n" * 300), "new")
    assert target.read_text() == "old"


def test_a_release_is_named_by_its_content_and_read_only(tmp_path: Path) -> None:
    source = tmp_path / "barberpro_app"
    (source / "web").mkdir(parents=True)
    (source / "__init__.py").write_text("X = 1\n")
    (source / "web" / "page.html").write_text("<p>")
    folder = tmp_path / "releases"
    name = releases.snapshot(source, folder)
    assert releases.snapshot(source, folder) == name
    code = "import barberpro_app; print(barberpro_app.X, barberpro_app.__cached__)"
    ran = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(folder / name)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.startswith("1 ")
    assert Path(ran.stdout.split()[1]).is_file(), "the code was compiled beforehand"
    (source / "__init__.py").write_text("X = 2\n")
    assert releases.content_hash(source) != name
    assert not (folder / name / "barberpro_app" / "web" / "page.html").stat().st_mode & 0o222
    other = releases.snapshot(source, folder)
    releases.prune(folder, {other})
    assert [entry.name for entry in folder.iterdir()] == [other]
    remove(folder)
    assert not folder.exists()


def test_several_at_once_make_one_release(tmp_path: Path) -> None:
    source = tmp_path / "barberpro_app"
    source.mkdir()
    for number in range(40):
        (source / f"m{number}.py").write_text(f"X = {number}\n" * 50)
    folder = tmp_path / "releases"
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: releases.snapshot(source, folder), range(4)))
    assert {entry.name for entry in folder.iterdir()} == made
    assert len(made) == 1
    remove(folder)


def test_ports_that_are_held_are_passed_over_and_their_holder_is_named() -> None:
    with socket.socket() as held:
        port = free_port()
        held.bind(("127.0.0.1", port))
        held.listen()
        assert not ports.is_free(port, ["127.0.0.1"])
        assert ports.next_free(port, ["127.0.0.1"]) > port
        assert f"process {os.getpid()}" in ports.holder(port)
    assert ports.is_free(port, ["127.0.0.1"])
    assert ports.next_free(port, ["127.0.0.1"], taken=frozenset({port})) > port


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1", " 80", "٤٤٣"])
def test_a_port_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARBERPRO_HTTPS_PORT", text)
    with pytest.raises(BarberProError, match="BARBERPRO_HTTPS_PORT"):
        ports.preferred("BARBERPRO_HTTPS_PORT", 8443)


def test_a_programs_text_reads_back_as_it_was_meant() -> None:
    program = Program(
        name="x-r1", command=["/run/b/env/bin/python", "-m", "app", "--with", "a%b"],
        log=Path("/run/b/home/logs/x.log"), environment={"A": "1 2", "B": "50%"}, account="nobody",
    )  # fmt: skip
    parser = RawConfigParser(inline_comment_prefixes=(";", "#"))
    parser.read_string(program.text())
    section = parser["program:x-r1"]
    assert shlex.split(section["command"] % {}) == [*program.command]
    assert section["environment"] % {} == 'A="1 2",B="50%"'
    assert section["user"] == "nobody"
    assert section["autorestart"] == "true"


def test_a_record_from_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path / "home")
    path = layout.home / "state.json"
    write_atomic(path, '{"schema_version": 2, "https_port": 1}')
    with pytest.raises(BarberProError, match="schema_version") as refused:
        Store(layout).platform()
    assert "newer" in refused.value.mend
    assert "2" in path.read_text()
    with pytest.raises(BarberProError, match="no deployment 'x'"):
        Store(layout).required("x")


def test_databases_of_another_major_version_are_left_alone(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path / "home")
    data = layout.cluster / "data"
    write_atomic(data / "PG_VERSION", "17\n")
    write_atomic(layout.secrets / "postgres-superuser", "secret")
    with pytest.raises(BarberProError, match="PostgreSQL 17"):
        Postgres(layout).initialise()
    assert [entry.name for entry in data.iterdir()] == ["PG_VERSION"]
    layout.remove_all_but_backups()


def test_a_small_machine_is_warned_and_a_full_one_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = local_plan()
    sizes = plan.sizes.model_copy(update={"cpu_cores": 512, "memory_gb": 1e6, "storage_gb": 1e9})
    large = plan.model_copy(update={"sizes": sizes})
    found = {f.id: f.severity for f in checks.resources(large, tmp_path / "a" / "b", first=True)}
    for what in ("cpu", "memory", "disk"):
        assert found[f"local-{what}-below-plan"] is Severity.WARNING
    monkeypatch.setattr(checks, "LEAST_DISK_BYTES", 10**18)
    monkeypatch.setattr(checks, "FIRST_MEMORY_BYTES", 10**18)
    found = {f.id: f.severity for f in checks.resources(plan, tmp_path, first=True)}
    assert found["local-disk-full"] is found["local-memory-short"] is Severity.BLOCKING


@pytest.mark.parametrize(
    ("users", "cores", "expected"), [(50, 8, 1), (250, 8, 1), (1000, 1, 2), (1000, 8, 2)]
)
def test_a_large_market_gets_more_web_processes_within_the_machine(
    users: int, cores: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert checks.web_processes(local_plan(users=users)) == expected


def test_the_platform_is_shut_down_only_by_whoever_is_alone(tmp_path: Path) -> None:
    one, other = UseLock(tmp_path / "use"), UseLock(tmp_path / "use")
    one.take()
    other.take()
    with one.alone() as alone:
        assert not alone
    other.release()
    with one.alone() as alone:
        assert alone
    one.take()
    one.release()


def test_threads_take_one_lock_together_and_let_go_of_it_at_once(tmp_path: Path) -> None:
    for round_ in range(20):
        lock = UseLock(tmp_path / f"use-{round_}")
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _, lock=lock: lock.take(), range(4)))
        with lock.alone() as alone:
            assert alone


def test_the_user_service_starts_barberpro_with_its_home(tmp_path: Path) -> None:
    command = [str(tmp_path / "a b" / "barberpro"), "start"]
    unit = user_service.systemd(command, {"BARBERPRO_HOME": '/srv/my "home" 50%'})
    assert unit.path.name == "barberpro.service"
    assert unit.path.parent.parts[-2:] == ("systemd", "user")
    line = next(t for t in unit.text.splitlines() if t.startswith("ExecStart="))
    assert shlex.split(line.removeprefix("ExecStart=").replace("%%", "%")) == command
    assert 'Environment="BARBERPRO_HOME=/srv/my \\"home\\" 50%%"' in unit.text
    agent = user_service.launchd(command, {"BARBERPRO_HOME": "/srv/<home>"})
    read = plistlib.loads(agent.text.encode())
    assert read["ProgramArguments"] == command
    assert read["EnvironmentVariables"] == {"BARBERPRO_HOME": "/srv/<home>"}
    assert read["RunAtLoad"] is True
