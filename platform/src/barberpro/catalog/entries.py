"""Documents to entries: which kind of thing each file defines, under which id, and who defined it first.

Later documents may add entries; to redefine one they must name it in their list ``redefines``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from barberpro.catalog.documents import Document, Value
from barberpro.catalog.problems import Mark, Path, Problem
from barberpro.catalog.validation import describe

Kind = Literal[
    "vertical", "words", "seed", "market", "region", "provider", "control", "policy", "cost_targets",
    "cost_alerts",
]  # fmt: skip
FileKind = Literal[
    "vertical", "words", "seed", "markets", "regions", "provider", "policies", "controls"
]

LAYOUT = (
    "verticals/<id>/{vertical,words,seed}.yaml, markets.yaml, regions.yaml, providers/<id>.yaml, "
    "policies/<name>.yaml, controls/<name>.yaml"
)
KEYED_POLICIES: tuple[Kind, ...] = ("cost_targets", "cost_alerts")
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)
_MARKET = re.compile(r"([a-z][a-z0-9]*)_market", re.ASCII)
_REGIONS = re.compile(r"([a-z][a-z0-9]*)_regions", re.ASCII)
_MAX_ID = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """One definition: ``path`` is where it stands in its document."""

    kind: Kind
    id: str
    value: Value
    document: Document
    path: Path

    def locate(self, inside: Path = ()) -> Mark:
        return self.document.mark((*self.path, *inside))


@dataclass(slots=True)
class Entries:
    """All definitions by kind and id, in the order of the documents."""

    by_kind: dict[Kind, dict[str, Entry]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def of(self, kind: Kind) -> dict[str, Entry]:
        return self.by_kind.setdefault(kind, {})

    def add(self, document: Document) -> None:
        """Take in what one document defines."""
        kind = file_kind(document.file)
        if kind is None:
            what = f"found a file that the catalog does not know, expected {LAYOUT}"
            self.problems.append(Problem(Mark(document.file), "", what))
            return
        redefined = self._redefines(document)
        used: set[str] = set()
        for entry in self._split(kind, document):
            known = self.of(entry.kind)
            if entry.id in known and entry.id not in redefined:
                what = (
                    f"found {entry.id!r}, which {known[entry.id].locate()} defines already; "
                    f"expected a new name, or this one in the list `redefines`"
                )
                self.problems.append(Problem(entry.locate(), "", what))
                continue
            if entry.id in known:
                used.add(entry.id)
            known[entry.id] = entry
        for name in sorted(redefined - used):
            what = f"found {name!r}, which nothing before this file defines"
            self.problems.append(Problem(document.mark(("redefines",)), "redefines", what))

    def _redefines(self, document: Document) -> set[str]:
        names = document.value.get("redefines", ())
        if isinstance(names, tuple) and all(isinstance(name, str) for name in names):
            return {str(name) for name in names}
        what = f"found {describe(names)}, expected a list of names"
        self.problems.append(Problem(document.mark(("redefines",)), "redefines", what))
        return set()

    def _split(self, kind: FileKind, document: Document) -> Iterator[Entry]:
        body = {key: value for key, value in document.value.items() if key != "redefines"}
        if kind == "markets":
            yield from self._named(document, body, _MARKET, "market", "<name>_market")
        elif kind == "regions":
            for key in self._matching(document, body, _REGIONS, "<country>_regions"):
                prefix = key.removesuffix("_regions")
                yield from self._children(document, (key,), "region", f"{prefix}-")
        elif kind == "controls":
            for key in self._matching(document, body, re.compile("controls"), "controls"):
                yield from self._children(document, (key,), "control", "")
        elif kind == "policies":
            for key, value in body.items():
                if key in KEYED_POLICIES:
                    keyed = KEYED_POLICIES[KEYED_POLICIES.index(key)]
                    yield from self._children(document, (key,), keyed, "")
                else:
                    yield Entry("policy", key, value, document, (key,))
        else:
            yield from self._whole(kind, document, body)

    def _whole(self, kind: FileKind, document: Document, body: dict[str, Value]) -> Iterator[Entry]:
        """Files that define one thing, named by the file or by its folder."""
        path = PurePosixPath(document.file)
        name = path.stem if kind == "provider" else path.parent.name
        if not _ID.fullmatch(name) or len(name) > _MAX_ID:
            what = f"found {describe(name)} as the name of the {'file' if kind == 'provider' else 'folder'}"
            what += f", expected small letters, digits and hyphens, at most {_MAX_ID}"
            self.problems.append(Problem(Mark(document.file), "", what))
            return
        if kind in ("vertical", "provider") and body.get(kind) not in (name, None):
            what = f"found {describe(body[kind])}, expected {name!r}, the name of the place"
            self.problems.append(Problem(document.mark((kind,)), kind, what))
            return
        if kind in ("vertical", "words", "seed", "provider"):
            yield Entry(kind, name, body, document, ())

    def _named(
        self,
        document: Document,
        body: dict[str, Value],
        pattern: re.Pattern[str],
        kind: Kind,
        like: str,
    ) -> Iterator[Entry]:
        for key in self._matching(document, body, pattern, like):
            match = pattern.fullmatch(key)
            assert match is not None  # _matching
            yield self._identified(Entry(kind, match[1], body[key], document, (key,)))

    def _children(self, document: Document, path: Path, kind: Kind, prefix: str) -> Iterator[Entry]:
        parent = document.value[str(path[0])]
        if not isinstance(parent, dict):
            what = f"found {describe(parent)}, expected a mapping of keys"
            self.problems.append(Problem(document.mark(path), str(path[0]), what))
            return
        for key, value in parent.items():
            yield self._identified(Entry(kind, prefix + key, value, document, (*path, key)))

    def _identified(self, entry: Entry) -> Entry:
        """Markets, regions and controls take their id from the key, so the data must not give one."""
        if isinstance(entry.value, dict) and "id" in entry.value:
            what = "found an unknown key, expected none of this name (the id is the key above)"
            self.problems.append(Problem(entry.locate(("id",)), "id", what))
        return entry

    def _matching(
        self, document: Document, body: dict[str, Value], pattern: re.Pattern[str], like: str
    ) -> Iterator[str]:
        for key in body:
            if pattern.fullmatch(key):
                yield key
            else:
                what = f"found an unknown key, expected {like} or redefines"
                self.problems.append(Problem(document.mark((key,)), key, what))


def file_kind(file: str) -> FileKind | None:
    """What a file defines, by its place in the layout."""
    parts = PurePosixPath(file).parts
    if len(parts) >= 3 and parts[-3] == "verticals":
        whole: dict[str, FileKind] = {
            "vertical.yaml": "vertical",
            "words.yaml": "words",
            "seed.yaml": "seed",
        }
        return whole.get(parts[-1])
    folders: dict[str, FileKind] = {
        "providers": "provider",
        "policies": "policies",
        "controls": "controls",
    }
    if len(parts) >= 2 and parts[-2] in folders and parts[-1].endswith(".yaml"):
        return folders[parts[-2]]
    singles: dict[str, FileKind] = {"markets.yaml": "markets", "regions.yaml": "regions"}
    return singles.get(parts[-1]) if parts else None
