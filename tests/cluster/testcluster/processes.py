"""The processes of one cluster: started apart from whoever starts them, ended by the ids on file."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from testcluster.errors import ClusterError

END_SECONDS = 10
LOG_LINES = 15


@dataclass(frozen=True, slots=True)
class Processes:
    """``prefix`` is put before each command: how to get into the cluster's namespaces."""

    folder: Path
    prefix: tuple[str, ...] = ()

    def start(self, name: str, command: Sequence[str | Path], *, inside: bool = True) -> int:
        """Start a program in a session of its own; its output goes to ``logs/<name>.log``."""
        logs, pids = self.folder / "logs", self.folder / "pids"
        logs.mkdir(exist_ok=True)
        pids.mkdir(exist_ok=True)
        words = [*(self.prefix if inside else ()), *map(str, command)]
        program = shutil.which(words[0])
        if program is None:
            raise ClusterError(f"{words[0]} is not on this machine")
        log = os.open(logs / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            pid = os.posix_spawn(
                program, words, os.environ, setsid=True,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ],
            )  # fmt: skip
        finally:
            os.close(log)
        known = {"pid": pid, "created": psutil.Process(pid).create_time()}
        (pids / name).write_text(json.dumps(known), encoding="utf-8")
        return pid

    def names(self) -> list[str]:
        """What was started and not ended, oldest first."""
        folder = self.folder / "pids"
        if not folder.is_dir():
            return []
        return [path.name for path in sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime_ns)]

    def find(self, name: str) -> psutil.Process | None:
        """The process under this name, or None where it has ended; an id that was used again by
        another program is not taken for ours."""
        path = self.folder / "pids" / name
        if not path.is_file():
            return None
        known = json.loads(path.read_text(encoding="utf-8"))
        try:
            process = psutil.Process(known["pid"])
            same = abs(process.create_time() - known["created"]) < 1
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def stop(self, name: str) -> None:
        """Ask it to end, and make it after ten seconds."""
        process = self.find(name)
        if process is not None:
            # behind a prefix the program itself is the child of what was started
            family = [*process.children(), process]
            for member in family:
                _signal(member.terminate)
            for member in psutil.wait_procs(family, timeout=END_SECONDS)[1]:
                _signal(member.kill)
            psutil.wait_procs(family, timeout=END_SECONDS)
        (self.folder / "pids" / name).unlink(missing_ok=True)

    def kill(self, name: str) -> None:
        """End it as a crash does."""
        process = self.find(name)
        if process is not None:
            family = [*process.children(), process]
            for member in family:
                _signal(member.kill)
            psutil.wait_procs(family, timeout=END_SECONDS)
        (self.folder / "pids" / name).unlink(missing_ok=True)

    def log(self, name: str, lines: int = LOG_LINES) -> str:
        """The end of its log."""
        path = self.folder / "logs" / f"{name}.log"
        if not path.is_file():
            return ""
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def wait(self, name: str, what: str, ready: Callable[[], bool], seconds: float = 90) -> None:
        """Until ``ready``.

        Raises:
            ClusterError: it ended meanwhile, or the time was over; with the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            ended = self.find(name) is None
            if ended or time.monotonic() > deadline:
                said = "it ended" if ended else f"not within {seconds:.0f} s"
                raise ClusterError(f"{name}: {what}: {said}\n{self.log(name)}")
            time.sleep(0.1)


def _signal(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        return
