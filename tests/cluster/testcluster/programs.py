"""The programs of the cluster, each built once from its pinned Go module into the user's cache.

``tests/cluster/programs`` holds, per module, the ``go.mod`` and ``go.sum`` that pin it. A program is
kept under a key of those files, so a new version is built beside the old one; what was built or
downloaded before an interruption is not built or downloaded again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testcluster.cache import cache_folder, say
from testcluster.errors import ClusterError
from testcluster.golang import find_go

RECIPES = Path(__file__).resolve().parent.parent / "programs"
CONTROL_PLANE = ("etcd", "kubernetes")
NODE = (*CONTROL_PLANE, "pause", "coredns", "metrics-server", "local-path-provisioner")
TRIES = 3  # a module proxy hiccups now and then, and what was fetched stays fetched


@dataclass(frozen=True, slots=True)
class Recipe:
    """One Go module and the programs and files that come out of it; ``seconds`` is a cold build on
    two cores. ``files`` are patterns by module; ``edited`` maps a file or folder of a module to the file
    of ours that stands in its place."""

    name: str
    programs: tuple[str, ...]
    package: str
    version: str
    stamp: tuple[str, ...]
    seconds: int
    module: str = ""
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    edited: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where its programs are, or will be."""
        digest = hashlib.sha256()
        for path in sorted((RECIPES / self.name).rglob("*")):
            if path.is_file():
                digest.update(path.read_bytes())
        kept = f"{self.name}-{self.version}-{platform.machine()}-{digest.hexdigest()[:8]}"
        return cache_folder() / "cluster" / kept

    def missing(self) -> list[str]:
        return [name for name in self.programs if not os.access(self.folder / name, os.X_OK)]


def recipes() -> dict[str, Recipe]:
    """All that can be built, by name."""
    tables = tomllib.loads((RECIPES / "programs.toml").read_text(encoding="utf-8"))
    return {name: _recipe(name, table) for name, table in tables.items()}


def _recipe(name: str, table: dict[str, Any]) -> Recipe:
    version = "1"
    if "module" in table:
        pinned = (RECIPES / name / "go.mod").read_text(encoding="utf-8")
        found = re.search(
            rf"^\s*(?:require )?{re.escape(str(table['module']))} v(\S+)", pinned, re.M
        )
        assert found, f"{name}: go.mod does not name {table['module']}"
        version = found.group(1)
    module = str(table.get("module", ""))
    files = {module: table.get("files", []), **table.get("others", {})}
    return Recipe(
        name, tuple(table["programs"]), str(table["package"]), version,
        tuple(word.format(version=version) for word in table.get("stamp", [])), int(table["seconds"]),
        module, {one: tuple(patterns) for one, patterns in files.items() if patterns},
        table.get("edited", {}),
    )  # fmt: skip


def program(name: str) -> Path:
    """Where a built program is; :func:`build` makes it."""
    for recipe in recipes().values():
        if name in recipe.programs:
            return recipe.folder / name
    raise ClusterError(f"{name} is not among the programs of the test cluster")


def build(names: Iterable[str]) -> None:
    """Build what is missing of these recipes, one at a time; a second caller waits for the first.

    Raises:
        MissingError: no Go compiler.
        ClusterError: a module could not be fetched or built.
    """
    known = recipes()
    todo = [known[name] for name in names if known[name].missing()]
    if not todo:
        return
    with _alone():
        todo = [recipe for recipe in todo if recipe.missing()]
        left = sum(recipe.seconds for recipe in todo)
        for recipe in todo:
            say(f"building {recipe.name} {recipe.version}; about {left} s of building left ...")
            _build(recipe)
            left -= recipe.seconds


@contextmanager
def _alone() -> Iterator[None]:
    path = cache_folder() / "cluster" / ".lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def _build(recipe: Recipe) -> None:
    go, started = find_go(), time.monotonic()
    recipe.folder.mkdir(parents=True, exist_ok=True)
    for module, patterns in recipe.files.items():
        source = _module_folder(go, recipe, module)
        for path in (path for pattern in patterns for path in source.glob(pattern)):
            (recipe.folder / path.name).write_bytes(path.read_bytes())
    flags = " ".join(["-s", "-w", *(f"-X {stamp}" for stamp in recipe.stamp)])
    for name in recipe.missing():
        with tempfile.TemporaryDirectory(dir=recipe.folder.parent) as staging:
            package = recipe.package.format(program=name)
            edited = _edit(go, recipe, Path(staging))
            command = [
                "build",
                "-trimpath",
                "-mod=readonly",
                "-ldflags",
                flags,
                "-o",
                f"{staging}/it",
                *edited,
            ]
            _go(go, [*command, package], RECIPES / recipe.name)
            Path(staging, "it").replace(recipe.folder / name)
    say(f"built {recipe.name} {recipe.version} in {time.monotonic() - started:.0f} s")


def _go(go: Path, words: list[str], folder: Path) -> str:
    environment = {
        **os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": os.environ.get("GOFLAGS", "") + " -buildvcs=false",
    }  # fmt: skip
    for attempt in range(1, TRIES + 1):
        finished = subprocess.run(
            ["nice", "-n", "10", str(go), *words],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if finished.returncode == 0:
            return finished.stdout
        tail = "\n".join(finished.stderr.strip().splitlines()[-8:])
        if attempt < TRIES:
            say(f"again ({attempt} of {TRIES}): {tail}")
    raise ClusterError(
        f"{folder.name} could not be built:\n{tail}\n"
        "  mend: see that this machine reaches a Go module proxy; what was built so far is kept"
    )


def _module_folder(go: Path, recipe: Recipe, module: str) -> Path:
    fetched = _go(go, ["mod", "download", "-json", module], RECIPES / recipe.name)
    return Path(json.loads(fetched)["Dir"])


def _edit(go: Path, recipe: Recipe, staging: Path) -> list[str]:
    """Copies of the modules that are edited, and the flags that build with them."""
    if not recipe.edited:
        return []
    own, sheet = RECIPES / recipe.name, staging / "go.mod"
    shutil.copy(own / "go.sum", staging / "go.sum")
    shutil.copy(own / "go.mod", sheet)
    for number, (module, replaced) in enumerate(recipe.edited.items()):
        copy = staging / f"module-{number}"
        shutil.copytree(_module_folder(go, recipe, module), copy)
        subprocess.run(["chmod", "-R", "u+w", copy], check=True)
        for place, ours in replaced.items():
            old = copy / place
            if old.is_dir():
                shutil.rmtree(old)
                old.mkdir()
                old /= "it.go"
            shutil.copyfile(own / ours, old)
        _go(go, ["mod", "edit", f"-replace={module}={copy}", str(sheet)], own)
    return [f"-modfile={sheet}"]
