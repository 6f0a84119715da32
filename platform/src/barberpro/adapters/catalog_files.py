"""Reads the catalog that comes with the product and the operator's own folders (``--catalog PATH``)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from barberpro.catalog.entries import LAYOUT
from barberpro.catalog.loader import parse_catalog
from barberpro.catalog.model import Catalog
from barberpro.catalog.problems import CatalogError, Mark, Problem
from barberpro.errors import InvalidInputError

MAX_BYTES = 512 * 1024  # of one file; the largest that comes with the product has 12 KiB
MAX_ENTRIES = 2_000  # of one folder: a mistaken `--catalog /` ends soon, with a message


def builtin_folder() -> Path:
    """``catalog/`` of ``BARBERPRO_REPOSITORY``, or else of the source tree that this module is in."""
    named = os.environ.get("BARBERPRO_REPOSITORY", "")
    root = Path(named) if named else Path(__file__).resolve().parents[4]
    folder = root / "catalog"
    if not (folder / "markets.yaml").is_file():
        raise InvalidInputError(
            "the catalog that comes with the product is not there",
            where=str(folder),
            mend="set BARBERPRO_REPOSITORY to the folder of the repository",
        )
    return folder


def load_catalog(extra: Sequence[Path] = ()) -> Catalog:
    """The built-in catalog and, in order, the folders in ``extra``, which have the same layout.

    A folder adds entries; to change one that is there already, its file names it in ``redefines``.
    Raises ``CatalogError`` (exit code 2) with every problem: file, line, key, found and expected.
    """
    documents: dict[str, str] = {}
    problems: list[Problem] = []
    builtin = builtin_folder()
    for folder, shown in ((builtin, "catalog"), *((path, str(path)) for path in extra)):
        found = 0
        for path, fault in _yaml_files(folder, shown):
            name = _shown(shown, path, folder)
            found += 1
            text = fault or _read(path)
            if isinstance(text, str):
                documents[name] = text
            else:
                problems.append(Problem(Mark(name), "", text.what))
        if not found:
            what = f"found no .yaml file, expected {LAYOUT}"
            problems.append(Problem(Mark(_printable(shown)), "", what))
    if problems:
        raise CatalogError(problems)
    return parse_catalog(documents)


class _FaultError(Exception):
    """A path that cannot be used."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def _yaml_files(folder: Path, shown: str) -> Iterator[tuple[Path, _FaultError | None]]:
    """Every YAML file below the folder, sorted; hidden folders and other files are left out."""
    entries = 0
    faults: list[OSError] = []
    if not os.path.isdir(
        folder
    ):  # not Path.is_dir, which raises on a folder that may not be searched
        kind = "a file" if os.path.exists(folder) else "nothing that can be read"
        yield folder, _FaultError(f"found {kind}, expected a folder with {LAYOUT}")
        return
    for parent, folders, files in os.walk(folder, onerror=faults.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        entries += len(folders) + len(files)
        if entries > MAX_ENTRIES:
            what = f"found more than {MAX_ENTRIES:,} files and folders, expected a catalog"
            yield folder, _FaultError(what)
            return
        for name in sorted(files):
            if name.startswith("."):
                continue
            if name.endswith(".yml"):
                yield Path(parent, name), _FaultError("found the ending .yml, expected .yaml")
            elif name.endswith(".yaml"):
                yield Path(parent, name), None
    for error in faults:
        where = Path(error.filename) if error.filename else folder
        yield where, _FaultError(f"the folder cannot be read: {error.strerror}")


def _read(path: Path) -> str | _FaultError:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return _FaultError("found a device, pipe or folder, expected a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return _FaultError(f"the file cannot be read: {error.strerror}")
    if len(data) > MAX_BYTES:
        return _FaultError(f"found more than {MAX_BYTES:,} bytes, expected a smaller file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _FaultError(f"found bytes that are not UTF-8 (line {line}), expected UTF-8 text")


def _shown(shown: str, path: Path, folder: Path) -> str:
    relative = path.relative_to(folder).as_posix() if path != folder else ""
    return _printable(f"{shown}/{relative}" if relative else shown)


def _printable(name: str) -> str:
    """File names are bytes: what cannot be shown is replaced."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
