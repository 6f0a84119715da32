"""Runs a program that ends with whoever started it, also where that is killed (kill -9).

The keeper stands between the two. Its standard input is a pipe that nobody writes to: the kernel closes
it when the starter is gone, whatever its end was, and then the keeper ends the program. Linux could
tell the program itself (PR_SET_PDEATHSIG), but of the end of the starter's *thread*, and only there; the
keeper, which has one thread that forks, uses it so that the program does not outlive the keeper either.

    python -IS keeper.py [--remove FOLDER] -- PROGRAM ARGUMENTS

As a program this module stands alone: the standard library and nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

PR_SET_PDEATHSIG = 1  # prctl(2)
PATIENCE_SECONDS = 5.0


def start_kept(
    command: Sequence[str],
    output: IO[bytes],
    *,
    remove: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts ``command`` under a keeper and returns the keeper; the program has no standard input.
    ``remove`` is a folder that goes with them where this process goes first.

    Raises:
        OSError: the keeper cannot be started. That the program cannot be is in ``output``.
    """
    words = [sys.executable, "-IS", __file__]
    if remove is not None:
        words += ["--remove", str(remove)]
    return subprocess.Popen(
        [*words, "--", *command], stdin=subprocess.PIPE, stdout=output, stderr=output,
        env=environment, start_new_session=True,
    )  # fmt: skip


def end_kept(keeper: subprocess.Popen[bytes] | None) -> None:
    """Ends the program and its keeper, and waits for both; nothing where they have ended."""
    if keeper is None:
        return
    if keeper.poll() is None:
        keeper.terminate()
        try:
            keeper.wait(2 * PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            keeper.kill()
            keeper.wait(PATIENCE_SECONDS)
    if keeper.stdin is not None:
        keeper.stdin.close()


def _with_keeper() -> Callable[[], None] | None:
    """To be called in the program's process before it becomes the program."""
    if not sys.platform.startswith("linux"):
        return None
    prctl, keeper = ctypes.CDLL(None).prctl, os.getpid()

    def bind() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:  # it went before this was said
            os._exit(1)

    return bind


def _end(program: subprocess.Popen[bytes]) -> None:
    program.terminate()
    try:
        program.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        program.kill()


def main(arguments: list[str]) -> int:
    at = arguments.index("--")
    folder = arguments[1] if arguments[:1] == ["--remove"] else None
    wanted = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        wanted.set()

    signal.signal(signal.SIGTERM, stop)
    try:
        program = subprocess.Popen(
            arguments[at + 1 :],
            stdin=subprocess.DEVNULL,
            preexec_fn=_with_keeper(),  # noqa: PLW1509 - one thread as yet
        )
    except OSError as error:
        sys.stderr.write(f"{arguments[at + 1]}: {error.strerror}\n")
        return 127
    orphaned = False

    def listen() -> None:
        nonlocal orphaned
        while os.read(0, 1):
            continue
        orphaned = True
        wanted.set()

    def watch() -> None:
        program.wait()
        wanted.set()

    for act in (listen, watch):
        threading.Thread(target=act, daemon=True).start()
    wanted.wait()
    _end(program)
    if orphaned and folder is not None:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
    return program.wait()


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]) & 0xFF)  # a thread may still read
