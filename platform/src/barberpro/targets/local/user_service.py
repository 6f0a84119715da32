"""Starting the deployments when the user logs in or the machine starts: text and place of a unit.

Nothing is installed here; the command line shows it, and writes it when it is asked to.
"""

from __future__ import annotations

import os
import plistlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LABEL = "ar.com.barberpro.start"


@dataclass(frozen=True, slots=True)
class UserService:
    """``enable`` are the commands that put it in force once ``text`` stands at ``path``."""

    path: Path
    text: str
    enable: tuple[str, ...]


def user_service(command: Sequence[str], environment: Mapping[str, str]) -> UserService:
    """The service for this system: launchd on macOS, systemd elsewhere."""
    return (launchd if sys.platform == "darwin" else systemd)(command, environment)


def systemd(command: Sequence[str], environment: Mapping[str, str]) -> UserService:
    """A unit of the user's systemd. The processes belong to the supervisor, which outlives the call."""
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    lines = [
        "[Unit]",
        "Description=BarberPro deployments of this user",
        "[Service]",
        "Type=oneshot",
        "RemainAfterExit=yes",
        *(
            f"Environment={_quoted(f'{name}={value}')}"
            for name, value in sorted(environment.items())
        ),
        f"ExecStart={' '.join(_quoted(word) for word in command)}",
        f"ExecStop={' '.join(_quoted(word) for word in (*command[:-1], 'stop', '--all'))}",
        "[Install]",
        "WantedBy=default.target",
    ]
    return UserService(
        base / "systemd" / "user" / "barberpro.service",
        "\n".join(lines) + "\n",
        (
            "systemctl --user daemon-reload",
            "systemctl --user enable --now barberpro",
            "loginctl enable-linger  # to start with the machine, before anybody logs in",
        ),
    )


def launchd(command: Sequence[str], environment: Mapping[str, str]) -> UserService:
    """An agent of launchd."""
    path = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    content = {
        "Label": LABEL,
        "ProgramArguments": list(command),
        "EnvironmentVariables": dict(environment),
        "RunAtLoad": True,
        "AbandonProcessGroup": True,  # the supervisor goes on after the command has ended
    }
    return UserService(path, plistlib.dumps(content).decode(), (f"launchctl load -w '{path}'",))


def _quoted(word: str) -> str:
    """systemd.syntax(7): double quotes, with backslash, quote and per cent sign escaped."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
