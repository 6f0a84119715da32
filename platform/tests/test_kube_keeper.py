"""A program under a keeper ends with whoever started it, and with its keeper."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from barberpro.kube.keeper import end_kept, start_kept

STARTER = """
import sys
from pathlib import Path
from barberpro.kube.keeper import start_kept
folder = Path(sys.argv[1])
folder.mkdir()
with (folder / "log").open("wb") as log:
    kept = start_kept(["sh", "-c", "echo $$ && exec sleep 600"], log, remove=folder)
print(kept.pid, flush=True)
kept.wait()
"""


def child_of(keeper: int) -> psutil.Process:
    """The program, as soon as it is itself."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for child in psutil.Process(keeper).children():
            if child.name() == "sleep":
                return child
        time.sleep(0.01)
    raise AssertionError("the program was not started")


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", STARTER, str(tmp_path / "kept")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_kill_9_of_the_starter_leaves_no_process_and_no_folder(
    starter: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert starter.stdout is not None
    keeper = psutil.Process(int(starter.stdout.readline()))
    program = child_of(keeper.pid)
    starter.send_signal(signal.SIGKILL)
    assert not psutil.wait_procs([keeper, program], timeout=20)[1]
    assert not (tmp_path / "kept").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of this")
def test_kill_9_of_the_keeper_ends_the_program_too(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        keeper = start_kept(["sleep", "600"], log)
    program = child_of(keeper.pid)
    keeper.kill()
    assert not psutil.wait_procs([program], timeout=20)[1]
    end_kept(keeper)


def test_what_is_ended_in_order_is_gone_when_that_returns(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        keeper = start_kept(["sleep", "600"], log)
        missing = start_kept([str(tmp_path / "nothing")], log)
    program = child_of(keeper.pid)
    end_kept(keeper)
    assert not program.is_running()
    assert missing.wait(20) == 127
    end_kept(missing)
    assert "nothing" in (tmp_path / "log").read_text()
