"""What the supervisor is told to run, as text. Pure: no file and no process is touched here.

Paths in a command lie below the run folder, so none needs quoting beyond ``shlex``; ``%`` starts
an expansion in the supervisor's files and is doubled.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOG_BYTES, LOG_FILES = "5MB", 3


@dataclass(frozen=True, slots=True)
class Program:
    """``stop_seconds`` is how long it may take to end before it is killed. ``account`` runs it
    where the supervisor is root. ``order``: lower starts first and stops last."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_seconds: int = 12
    account: str | None = None
    order: int = 500

    def text(self) -> str:
        pairs = ",".join(
            f'{name}="{_escaped(value)}"' for name, value in sorted(self.environment.items())
        )
        lines = [
            f"[program:{self.name}]",
            f"command={_escaped(shlex.join(self.command))}",
            f"priority={self.order}",
            "autostart=true",
            "autorestart=true",
            "startsecs=1",
            "startretries=20",
            f"stopsignal={self.stop_signal}",
            f"stopwaitsecs={self.stop_seconds}",
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={_escaped(str(self.log))}",
            f"stdout_logfile_maxbytes={LOG_BYTES}",
            f"stdout_logfile_backups={LOG_FILES}",
        ]
        if pairs:
            lines.append(f"environment={pairs}")
        if self.account is not None:
            lines.append(f"user={self.account}")
        return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("%", "%%")


@dataclass(frozen=True, slots=True)
class DaemonFiles:
    """Paths for the supervisor itself, all below the run folder."""

    socket: Path
    log: Path
    pid: Path
    programs: Path
    folder: Path


def daemon_text(files: DaemonFiles, *, root: bool, open_files: int) -> str:
    """The supervisor's own configuration. ``open_files`` is the limit that it sees to."""
    lines = [
        "[unix_http_server]",
        f"file={files.socket}",
        "chmod=0600",
        "[supervisord]",
        f"logfile={files.log}",
        "logfile_maxbytes=2MB",
        "logfile_backups=2",
        f"pidfile={files.pid}",
        f"directory={files.folder}",
        "nocleanup=true",
        "umask=077",
        f"minfds={open_files}",
        "minprocs=50",
        *(["user=root"] if root else []),
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
        "[include]",
        f"files = {files.programs}/*.conf",
    ]
    return "\n".join(lines) + "\n"
