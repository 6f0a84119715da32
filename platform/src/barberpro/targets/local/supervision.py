"""The one supervisor of a home: started detached, told what to run, found again, ended.

Desired state is the folder of program files. ``apply`` brings the running supervisor in line with
it. Processes that a killed supervisor left behind are recognised by a mark in their environment.
"""

from __future__ import annotations

import http.client
import os
import resource
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

import psutil

from barberpro.errors import BarberProError
from barberpro.targets.local.files import write_atomic
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.programs import DaemonFiles, Program, daemon_text
from barberpro.targets.local.unix_http import call
from barberpro.targets.protocol import ServiceState

MARK = "BARBERPRO_PLATFORM"  # in the environment of every process of ours, with the home's identity
STATES = {
    "RUNNING": "running", "STARTING": "starting", "BACKOFF": "failed", "STOPPING": "stopped",
    "STOPPED": "stopped", "EXITED": "failed", "FATAL": "failed", "UNKNOWN": "failed",
}  # fmt: skip
OPEN_FILES = 4096
STOP_SECONDS = 75.0  # more than any program may take (postgres: 60)
UNREACHABLE = (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError)


class Supervisor:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._socket = layout.socket("supervisor")
        self._folder = layout.home / "supervisor"

    # -- what runs

    def states(self) -> dict[str, ServiceState] | None:
        """All programs by name; None where no supervisor answers."""
        try:
            listed = call(self._socket, "supervisor.getAllProcessInfo", timeout=5.0)
        except UNREACHABLE:
            return None
        found = {}
        for entry in cast("list[dict[str, object]]", listed):
            name, pid = str(entry["name"]), int(str(entry["pid"]))
            found[name] = ServiceState(
                name=name,
                state=STATES.get(str(entry["statename"]), "failed"),
                detail=str(entry["description"] or entry["spawnerr"]),
                pid=pid or None,
            )
        return found

    def pid(self) -> int | None:
        """The supervisor's process, from its pid file, if that process is ours."""
        try:
            pid = int((self._folder / "supervisord.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if self._ours(pid) else None

    def processes(self) -> list[psutil.Process]:
        """The supervisor and everything that it started."""
        pid = self.pid()
        if pid is None:
            return []
        try:
            root = psutil.Process(pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    # -- bringing it in line

    def write(self, programs: Iterable[Program], *, keep: Iterable[str] = ()) -> None:
        """Makes the program files say ``programs`` and nothing else; ``keep`` stay as they are."""
        folder = self._folder / "conf.d"
        wanted = {f"{program.name}.conf": program.text() for program in programs}
        for name, text in wanted.items():
            write_atomic(folder / name, text)
        kept = {f"{name}.conf" for name in keep}
        for path in folder.glob("*.conf"):
            if path.name not in wanted and path.name not in kept:
                path.unlink(missing_ok=True)

    def start(self) -> None:
        """Starts the supervisor with the programs written; returns once it answers."""
        layout = self._layout
        through = layout.in_run(self._folder)
        files = DaemonFiles(
            socket=self._socket, log=layout.in_run(layout.logs) / "supervisor.log",
            pid=through / "supervisord.pid", programs=through / "conf.d", folder=layout.run / "home",
        )  # fmt: skip
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        limit = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        text = daemon_text(files, root=os.geteuid() == 0, open_files=limit)
        write_atomic(self._folder / "supervisord.conf", text)
        with suppress(FileNotFoundError):
            self._socket.unlink()
        command = [
            sys.executable, "-m", "supervisor.supervisord", "-c", str(through / "supervisord.conf"),
        ]  # fmt: skip
        finished = subprocess.run(
            command, env=self._environment(), cwd="/", stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
        if finished.returncode != 0:
            raise BarberProError(
                f"The supervisor did not start: {(finished.stderr or finished.stdout).strip()}",
                where=str(layout.logs / "supervisor.log"),
                mend="mend what it says, then run `barberpro start`",
            )
        deadline = time.monotonic() + 15
        while self.states() is None:
            if time.monotonic() > deadline:
                raise BarberProError(
                    "The supervisor started and does not answer.",
                    where=str(layout.logs / "supervisor.log"),
                    mend="see the log, then run `barberpro start`",
                )
            time.sleep(0.01)

    def apply(self) -> None:
        """Starts, restarts and ends programs so that what runs is what the files say."""
        [[added, changed, removed]] = cast("list[list[list[str]]]", self._call("reloadConfig"))
        self._stop([*removed, *changed])
        for name in (*removed, *changed):
            self._call("removeProcessGroup", name)
        for name in (*changed, *added):
            self._call("addProcessGroup", name)

    def restart(self, names: Sequence[str]) -> None:
        self._stop(names)
        for name in names:
            with suppress(xmlrpc.client.Fault):  # it was started meanwhile
                self._call("startProcess", name, False)

    def _stop(self, names: Sequence[str]) -> None:
        """Ends programs side by side and waits for all; the supervisor itself would end them in turn,
        and look only once a second unless somebody asks."""
        for name in names:
            with suppress(xmlrpc.client.Fault):  # it does not run
                self._call("stopProcess", name, False)
        deadline = time.monotonic() + STOP_SECONDS
        while True:
            states = self.states() or {}
            left = [name for name in names if name in states and states[name].pid is not None]
            if not left:
                return
            if time.monotonic() > deadline:
                raise BarberProError(
                    f"Programs do not end: {', '.join(left)}",
                    where=str(self._layout.logs / "supervisor.log"),
                    mend="see the log, then run the same command again",
                )
            time.sleep(0.01)

    def revive(self, states: Mapping[str, ServiceState]) -> None:
        """Starts the programs that the supervisor gave up on."""
        for name, state in states.items():
            if state.state in {"failed", "stopped"}:
                with suppress(xmlrpc.client.Fault):  # started in the meantime
                    self._call("startProcess", name, False)

    def _call(self, method: str, *arguments: object) -> object:
        return call(self._socket, f"supervisor.{method}", *arguments)

    # -- the end

    def end(self) -> None:
        """Ends the supervisor and all of its programs; those of one that was killed, too."""
        pid = self.pid()
        if pid is not None:
            process = psutil.Process(pid)
            asked = self._asked_to_end()
            if not asked or not _ended([process], seconds=5.0):
                _end([process], signal.SIGTERM, seconds=STOP_SECONDS)
        self.end_orphans()
        (self._folder / "supervisord.pid").unlink(missing_ok=True)
        if self._layout.sockets.is_dir():
            for path in self._layout.sockets.iterdir():
                path.unlink(missing_ok=True)

    def _asked_to_end(self) -> bool:
        """Ends the programs side by side, then the supervisor; False where it cannot be reached."""
        states = self.states()
        if states is None:
            return False
        try:
            self._stop([name for name, state in states.items() if state.pid is not None])
            self._call("shutdown")
        except (*UNREACHABLE, xmlrpc.client.Fault):
            return False
        return True

    def end_orphans(self) -> int:
        """Ends what carries our mark and has no supervisor any more; returns how many there were."""
        left = [process for process in psutil.process_iter() if self._ours(process.pid)]
        postmasters = [p for p in left if _name(p) == "postgres"]
        _end(postmasters, signal.SIGINT, seconds=60)  # fast shutdown: the rest ends with it
        _end([p for p in left if p not in postmasters], signal.SIGTERM, seconds=12)
        return len(left)

    def _ours(self, pid: int) -> bool:
        if pid == os.getpid():
            return False
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return process.environ().get(MARK) == self._layout.identity
        except (psutil.Error, OSError):
            return False

    def _environment(self) -> dict[str, str]:
        """Only what programs need: the operator's own settings and secrets are not handed on."""
        kept = {name: os.environ[name] for name in ("HOME", "USER", "TMPDIR") if name in os.environ}
        return {
            **kept,
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PYTHONNOUSERSITE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            MARK: self._layout.identity,
        }


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _ended(processes: Sequence[psutil.Process], *, seconds: float) -> bool:
    """Waits for the end of all; one whose parent has not taken note of its end counts as ended."""
    deadline = time.monotonic() + seconds
    while any(_runs(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _end(processes: Sequence[psutil.Process], first: signal.Signals, *, seconds: float) -> None:
    """Sends ``first``, waits, then kills what is left."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(first)
    if _ended(processes, seconds=seconds):
        return
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _ended(processes, seconds=5)
