"""The manifest of a release as Helm keeps it: which objects it has, without reading all of its YAML, which
for a thousand releases takes minutes. Fields of the top level stand at the margin, as our chart writes them."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator

VERSION = re.compile(r"^apiVersion: *[\"']?([^\s\"']+)", re.MULTILINE)
KIND = re.compile(r"^kind: *[\"']?(\w+)", re.MULTILINE)
NAME = re.compile(r"^metadata:\n(?: .*\n|\n)*?  name: *[\"']?([^\s\"']+)", re.MULTILINE)
SPLIT = re.compile(r"^---$", re.MULTILINE)
Name = tuple[str, str]  # kind, name


def objects_of(manifest: str) -> Iterator[tuple[str, Name]]:
    """For each object: the list of the API that has it, and its name."""
    for document in SPLIT.split(manifest):
        found = _read(document)
        if found is not None:
            version, name = found
            yield sys.intern(list_path(version, name[0])), name


def only(manifest: str, names: Collection[Name]) -> str:
    """The objects of these names alone."""
    documents = []
    for document in SPLIT.split(manifest):
        found = _read(document)
        if found is not None and found[1] in names:
            documents.append(document)
    return "---".join(documents)


def _read(document: str) -> tuple[str, Name] | None:
    version, kind, name = VERSION.search(document), KIND.search(document), NAME.search(document)
    if version is None or kind is None or name is None:
        return None
    return version[1], (sys.intern(kind[1]), sys.intern(name[1]))


def list_path(version: str, kind: str) -> str:
    """The list of all namespaces; the plural as Kubernetes and the operators that we use form it."""
    lower = kind.lower()
    if lower.endswith("y"):
        plural = f"{lower[:-1]}ies"
    else:
        plural = f"{lower}es" if lower.endswith(("s", "x", "ch")) else f"{lower}s"
    return f"/api{'s' if '/' in version else ''}/{version}/{plural}"
