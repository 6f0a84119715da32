"""An operator with a home folder of their own, who types the documented commands."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from barberpro.targets.local.layout import digest_of
from barberpro.targets.local.supervision import MARK

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DEPLOY = REPOSITORY / "scripts" / "template-deployment-automation.sh"
BARBERPRO = REPOSITORY / "scripts" / "barberpro"


@dataclass
class Operator:
    """``home`` is the whole world of this operator; ``run`` types a command there."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    repository: Path = REPOSITORY

    @classmethod
    def create(cls, name: str = "una casa con espacios") -> Operator:
        base = Path(tempfile.mkdtemp(prefix="bp-op-"))
        base.chmod(0o755)  # as /home is: the account that runs PostgreSQL for root must get through
        home = base / name
        home.mkdir(mode=0o755)
        cache = os.environ.get("BARBERPRO_CACHE") or str(Path.home() / ".cache" / "barberpro")
        kept = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("BARBERPRO_", "XDG_", "PYTHON", "PYTEST"))
        }
        environment = {**kept, "HOME": str(home), "BARBERPRO_CACHE": cache, "NO_COLOR": "1"}
        return cls(home, environment)

    @property
    def state(self) -> Path:
        return self.home / ".local" / "share" / "barberpro"

    def command(self, *words: str) -> list[str]:
        return [str(self.repository / "scripts" / "barberpro"), *words]

    def run(
        self, *words: str, timeout: float = 240, **extra: str
    ) -> subprocess.CompletedProcess[str]:
        """Exit code, stdout (data) and stderr (messages) of one command."""
        return subprocess.run(
            self.command(*words), env={**self.environment, **extra}, cwd=self.home, timeout=timeout,
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    def spawn(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*words), env=self.environment, cwd=self.home, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def must(self, *words: str, timeout: float = 240) -> str:
        finished = self.run(*words, timeout=timeout)
        assert finished.returncode == 0, (
            f"{words}: exit {finished.returncode}\n{finished.stdout}\n{finished.stderr}"
        )
        return finished.stdout

    def data(self, *words: str) -> Any:
        return json.loads(self.must(*words, "-o", "json"))

    def deploy(self, name: str, vertical: str = "barbershop", **flags: str) -> str:
        words = [
            "--vertical",
            vertical,
            "--name",
            name,
            "--market",
            "small",
            "--region",
            "argentina-central",
        ]
        for flag, value in flags.items():
            words += [f"--{flag.replace('_', '-')}", value]
        return self.must("deploy", *words)

    def processes(self) -> list[psutil.Process]:
        """Whatever runs on behalf of this home: by the platform's mark, or by the home's path, and
        what those started (PostgreSQL's own processes write over their environment)."""
        mark = str(self.home)
        identity = digest_of(Path(os.path.realpath(self.state)))
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            try:
                environment = process.environ()
                named = mark in " ".join(process.cmdline()) or mark in environment.get("HOME", "")
                if process.status() != psutil.STATUS_ZOMBIE and (
                    named or environment.get(MARK) == identity
                ):
                    found |= {process.pid: process}
                    found |= {child.pid: child for child in process.children(recursive=True)}
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return list(found.values())

    def outside(self) -> list[Path]:
        """The folders for this home that lie elsewhere: sockets, and root's database."""
        mark = digest_of(Path(os.path.realpath(self.state)))
        places = [Path("/tmp"), Path("/run"), Path("/var/lib")]
        return [
            path for place in places if place.is_dir() for path in place.glob(f"barberpro-*{mark}")
        ]

    def leave(self) -> None:
        """End what still runs for this home, by its processes' ids, and remove the home."""
        self.run("stop", "--all")
        for process in self.processes():
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        deadline = time.monotonic() + 60
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        for folder in (self.home.parent, *self.outside()):
            shutil.rmtree(folder, ignore_errors=True)
