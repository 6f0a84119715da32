"""Snapshots of the app: the local target's image. A running deployment never reads the clone.

A release is a read-only copy of the app's source, named by the hash of its content, so that
`git pull` changes what the next deployment runs and nothing that runs already.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from barberpro.errors import BarberProError
from barberpro.targets.local.files import private_folder, remove

PACKAGE = "barberpro_app"
CACHE = "__pycache__"
ABANDONED_SECONDS = 3600


def app_source() -> Path:
    """The folder of the app's package, found without importing it."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise BarberProError(
            "The app is not in this installation.",
            where=f"Python package {PACKAGE}",
            mend="run BarberPro by scripts/barberpro of a complete clone",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def content_hash(source: Path) -> str:
    """16 hex digits over names and content of all files but compiled ones."""
    digest = hashlib.sha256()
    for path in _files(source):
        digest.update(f"{path.relative_to(source)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def snapshot(source: Path, releases: Path) -> str:
    """Copies ``source`` to ``releases/<hash>/barberpro_app`` unless it is there; returns the hash."""
    name = content_hash(source)
    final = releases / name
    if final.is_dir():
        return name
    private_folder(releases)
    staging = Path(tempfile.mkdtemp(prefix=".", dir=releases))
    for path in _files(source):
        target = staging / PACKAGE / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
        target.chmod(0o444)
    # compiled code that fits (Python checks time and size of its source) saves the first start
    for cached in source.rglob(f"{CACHE}/*.pyc"):
        target = staging / PACKAGE / cached.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(cached, target)
    compileall.compile_dir(staging / PACKAGE, quiet=2)
    for folder, _, _ in os.walk(staging, topdown=False):
        if Path(folder) != staging:
            Path(folder).chmod(0o555)
    try:
        staging.rename(final)
        final.chmod(0o555)
    except OSError:
        remove(staging)
        if not final.is_dir():  # nobody else was quicker either
            raise
    return name


def prune(releases: Path, used: set[str]) -> None:
    """Removes the snapshots that no revision uses, and what a killed process left half done."""
    for folder in releases.iterdir() if releases.is_dir() else ():
        if folder.name.startswith("."):
            if time.time() - folder.stat().st_mtime > ABANDONED_SECONDS:
                remove(folder)
        elif folder.name not in used:
            remove(folder)


def _files(source: Path) -> list[Path]:
    return sorted(
        path for path in source.rglob("*")
        if path.is_file() and CACHE not in path.parts and path.suffix != ".pyc"
    )  # fmt: skip
