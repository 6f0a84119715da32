"""Side by side, stop and start, reboot, destroy: and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support_operator import Operator


@pytest.fixture(scope="module")
def two() -> Iterator[Operator]:
    someone = Operator.create("dos marcas")
    someone.deploy("Barbería Uno")
    someone.deploy("Consultorio Dos", "dental")
    yield someone
    someone.leave()


def listening(operator: Operator) -> set[int]:
    """Ports on which processes of this home listen."""
    ports = set()
    for process in operator.processes():
        try:
            found = process.net_connections(kind="tcp")
        except psutil.NoSuchProcess:
            continue
        ports |= {c.laddr.port for c in found if c.status == psutil.CONN_LISTEN}
    return ports


def postmaster_of(operator: Operator) -> psutil.Process:
    """The one PostgreSQL process that no PostgreSQL process started."""
    for process in operator.processes():
        with contextlib.suppress(psutil.NoSuchProcess):  # backends come and go
            above = process.parent()
            if "postgres" in process.name() and above and "postgres" not in above.name():
                return process
    raise AssertionError("there is none")


def states(operator: Operator) -> dict[str, str]:
    return {row["id"]: row["state"] for row in operator.data("list")}


def test_two_brands_live_side_by_side(two: Operator) -> None:
    assert states(two) == {"barberia-uno": "live", "consultorio-dos": "live"}
    first, second = (
        two.data("status", name)["url"] for name in ("barberia-uno", "consultorio-dos")
    )
    assert first != second


def test_only_loopback_is_listened_on(two: Operator) -> None:
    listening: set[str] = set()
    for process in two.processes():
        with contextlib.suppress(psutil.NoSuchProcess):  # one that has ended listens no more
            listening |= {
                connection.laddr.ip
                for connection in process.net_connections(kind="inet")
                if connection.status == psutil.CONN_LISTEN
            }
    assert listening
    assert listening <= {"127.0.0.1", "::1"}


def test_a_stopped_brand_leaves_the_other_alone(two: Operator) -> None:
    two.must("stop", "barberia-uno")
    assert states(two) == {"barberia-uno": "stopped", "consultorio-dos": "live"}
    two.must("start", "barberia-uno")
    assert states(two) == {"barberia-uno": "live", "consultorio-dos": "live"}


def test_everything_comes_back_after_a_reboot(two: Operator) -> None:
    """A reboot ends all processes at once and empties the folder of sockets."""
    deadline = time.monotonic() + 60
    while left := two.processes():  # again: the supervisor may have started one before its own end
        assert time.monotonic() < deadline, left
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):  # a child of one that was killed before
                process.send_signal(signal.SIGKILL)
    assert {row["state"] for row in two.data("list")} == {"down"}
    two.must("start")
    assert states(two) == {"barberia-uno": "live", "consultorio-dos": "live"}


def test_a_killed_database_comes_back_by_itself(two: Operator) -> None:
    postmaster_of(two).send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        finished = two.run("status", "consultorio-dos", "-o", "json")
        if finished.returncode == 0 and '"state": "live"' in finished.stdout:
            break
        time.sleep(0.2)
    assert states(two)["consultorio-dos"] == "live"


def test_all_are_summed_up_and_what_is_not_well_is_told_apart(two: Operator) -> None:
    found = two.data("status", "--all", "--vertical", "dental")
    assert (found["total"], found["well"], found["states"]) == (1, 1, {"live": 1})
    shown = two.run("status", "--all", "--detailed-exitcode")
    assert (shown.returncode, shown.stdout.strip()) == (0, "2 deployments: 2 live")
    for words in (
        ["status"],
        ["status", "--all", "barberia-uno"],
        ["list", "--vertical", "dentla"],
    ):
        assert two.run(*words).returncode == 2


def test_destroy_asks_first(two: Operator) -> None:
    finished = two.run("destroy", "barberia-uno", "--non-interactive")
    assert finished.returncode == 2
    assert "--yes" in finished.stderr
    assert states(two)["barberia-uno"] == "live"


def test_a_taken_port_is_passed_over_and_destroy_leaves_nothing_but_the_backup() -> None:
    """Without a backup nothing at all is left: `test_kill.py`."""
    someone = Operator.create()
    try:
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind(("127.0.0.1", 8443))
                taken.listen()
            except OSError:
                pass  # somebody else has it: as good
            someone.deploy("Efímera")
        assert ":8443" not in someone.data("status", "efimera")["url"]
        before = set(someone.state.rglob("*"))
        assert before
        ports = listening(someone)
        assert ports
        assert someone.outside()
        someone.must("destroy", "efimera", "--yes")
        assert not someone.processes()
        for port in ports:
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)) != 0
        left = [p for p in someone.home.rglob("*") if p.is_file()]
        assert left
        assert all("backups" in p.parts for p in left), left
        assert all(p.stat().st_mode & 0o077 == 0 for p in left)
        assert not someone.outside()
    finally:
        someone.leave()


def test_a_full_disk_is_told_and_nothing_is_half_done(tmp_path: Path) -> None:
    """On a file system of 60 MB, which has no room for a database."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root, to mount a small file system")
    small = tmp_path / "small"
    small.mkdir()
    if os.system(f"mount -t tmpfs -o size=60m,mode=0755 tmpfs '{small}'") != 0:
        pytest.skip("this machine does not let root mount a file system")
    someone = Operator.create()
    someone.environment["BARBERPRO_HOME"] = str(small / "state")
    try:
        words = [
            "--vertical",
            "barbershop",
            "--name",
            "Lleno",
            "--market",
            "small",
            "--region",
            "argentina-central",
        ]
        finished = someone.run("deploy", *words)
        assert finished.returncode in {1, 3}
        assert "Traceback" not in finished.stderr
        assert "disk" in finished.stderr or "space" in finished.stderr
        assert "mend" in finished.stderr
    finally:
        someone.run("stop", "--all")
        someone.leave()
        os.system(f"umount -l '{small}'")
