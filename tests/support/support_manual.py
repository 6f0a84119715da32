"""The manual's kubectl and helm commands: read out of it, and typed into a shell."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

KEPT = Path(__file__).resolve().parents[1] / "cluster" / "manual_commands.toml"
SECTIONS = ("Post-Deployment Verification", "Troubleshooting Guide")
FOLLOW_SECONDS = 3
SECONDS = 120


def extracted(text: str) -> dict[str, list[str]]:
    """By the nearest heading, of those sections alone."""
    found: dict[str, list[str]] = {}
    inside, depth, heading, script = False, 0, "", False
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        title = re.match(r"(#+) (.+)", line)
        if line.startswith("```"):
            script = line == "```bash"
        elif title and not script:
            if len(title[1]) <= depth:
                inside = False
            heading = title[2]
            if any(name in heading for name in SECTIONS):
                inside, depth = True, len(title[1])
        elif inside and script and line.startswith(("kubectl ", "helm ")):
            found.setdefault(heading, []).append(line.strip())
    return found


def kept() -> dict[str, list[str]]:
    tables = tomllib.loads(KEPT.read_text(encoding="utf-8"))
    return {heading: table["commands"] for heading, table in tables.items()}


def exempt() -> dict[str, str]:
    """Commands that have nothing to work on here, with why."""
    tables = tomllib.loads(KEPT.read_text(encoding="utf-8"))
    return {
        c: why for table in tables.values() for c, why in table.get("without_subject", {}).items()
    }


def typed(command: str, names: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """What went wrong, or nothing. Of a search in a log, finding nothing is no fault; what follows a
    log for ever is ended."""
    for name, value in names.items():
        command = command.replace(f"[{name}]", value)
    if " -f deployment/" in command:
        command = f"timeout {FOLLOW_SECONDS} {command}; [ $? = 124 ]"
    elif "| grep" in command:
        command = f"{command}; s=(${{PIPESTATUS[@]}}); [ ${{s[0]}} = 0 ] && [ ${{s[1]}} -le 1 ]"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], env=dict(environment), capture_output=True,
        text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    return "" if done.returncode == 0 else f"{command}: {done.stderr.strip()[-300:]}"
