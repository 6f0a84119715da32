"""The operator's own ``helm``: its version, and its answers as JSON."""

from __future__ import annotations

import re
import shutil
from functools import lru_cache
from pathlib import Path

from barberpro.errors import BarberProError
from barberpro.kube.programs import run

LEAST = (3, 12)


def helm_version() -> tuple[tuple[int, int, int], str]:
    """The version as numbers and as text.

    Raises:
        ProgramMissingError: there is no helm.
        BarberProError: what it says of itself cannot be understood.
    """
    program = shutil.which("helm") or ""
    return _version_of(program, Path(program).stat().st_mtime_ns if program else 0)


@lru_cache(maxsize=4)
def _version_of(_program: str, _changed: int) -> tuple[tuple[int, int, int], str]:
    finished = run(["helm", "version", "--template", "{{.Version}}"])
    found = re.search(r"v?(\d+)\.(\d+)(?:\.(\d+))?", finished.output)
    if finished.code != 0 or found is None:
        raise BarberProError(
            f"helm does not tell its version: {(finished.errors or finished.output).strip()}",
            where="helm version",
            mend="install Helm 3.12 or newer: https://helm.sh/docs/intro/install/",
        )
    major, minor, patch = (int(part or 0) for part in found.groups())
    return (major, minor, patch), found.group(0).removeprefix("v")
