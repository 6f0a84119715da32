"""YAML text to plain values with the line of every key.

A small, safe part of YAML 1.2: one document, string keys, core scalars (``true``, ``false``, ``null``,
decimal numbers; ``yes`` and ``10:30`` are text), no aliases, no tags, bounded size and depth. Lists
become tuples. The parser is read event by event, so that a hostile file is left at the first breach.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from barberpro.catalog.problems import Mark, Path, Problem, dotted, shorten

Value = str | int | float | bool | None | tuple["Value", ...] | dict[str, "Value"]

MAX_CHARACTERS = 256 * 1024
MAX_DEPTH = 16
MAX_NODES = 20_000

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_FLOAT = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}(?:[eE][-+]?[0-9]{1,2})?", re.ASCII)
_WORDS: dict[str, bool | None] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "null": None, "Null": None, "NULL": None, "~": None, "": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """``marks`` has the line of each key and list item, by its path from the root ``()``."""

    file: str
    value: dict[str, Value]
    marks: dict[Path, Mark]

    def mark(self, path: Path) -> Mark:
        """The line of ``path``, or of the nearest thing that holds it."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, Mark(self.file))


class _LeftOffError(Exception):
    """The rest of the file cannot be read."""

    def __init__(self, line: int, what: str, path: Path = ()) -> None:
        super().__init__(what)
        self.line, self.what, self.path = line, what, path


def read_document(file: str, text: str) -> tuple[Document | None, list[Problem]]:
    """The document, if its root is a mapping that could be read to its end, and what is wrong with it."""
    reader = _Reader(file)
    try:
        value = reader.read(text)
    except _LeftOffError as left:
        return None, [
            *reader.problems,
            Problem(Mark(file, left.line), dotted(left.path), left.what),
        ]
    return Document(file, value, reader.marks), reader.problems


@dataclass(slots=True)
class _Reader:
    file: str
    problems: list[Problem] = field(default_factory=list)
    marks: dict[Path, Mark] = field(default_factory=dict)
    nodes: int = 0

    def read(self, text: str) -> dict[str, Value]:
        if len(text) > MAX_CHARACTERS:
            raise _LeftOffError(
                0,
                f"found {len(text):,} characters, expected at most {MAX_CHARACTERS:,} in one file",
            )
        events = _events(text)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                break
        else:
            raise _LeftOffError(1, "found an empty file, expected a mapping of keys")
        first = next(events)
        if not isinstance(first, yaml.MappingStartEvent):
            raise _LeftOffError(_line(first), f"found {_kind(first)}, expected a mapping of keys")
        value = self._mapping(first, events, ())
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise _LeftOffError(_line(event), "found a second document, expected one per file")
        return value

    def _mapping(
        self, start: yaml.Event, events: Iterator[yaml.Event], path: Path
    ) -> dict[str, Value]:
        self._enter(start, path)
        found: dict[str, Value] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            self._count(event, path)
            if not isinstance(event, yaml.ScalarEvent):
                raise _LeftOffError(
                    _line(event), f"found {_kind(event)} as a key, expected text", path
                )
            key = event.value
            here = (*path, key)
            if key in found:
                first = self.marks[here].line
                what = f"found the key twice, expected it once (first in line {first})"
                self.problems.append(Problem(Mark(self.file, _line(event)), dotted(here), what))
            else:
                self.marks[here] = Mark(self.file, _line(event))
            value = self._value(next(events), events, here)
            found.setdefault(key, value)
        return found

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> Value:
        self._count(event, path)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(event, events, path)
        self._enter(event, path)
        items: list[Value] = []
        for item in events:
            if isinstance(item, yaml.SequenceEndEvent):
                break
            here = (*path, len(items))
            self.marks.setdefault(here, Mark(self.file, _line(item)))
            items.append(self._value(item, events, here))
        return tuple(items)

    def _enter(self, event: yaml.Event, path: Path) -> None:
        self.marks.setdefault(path, Mark(self.file, _line(event)))
        if len(path) > MAX_DEPTH:
            raise _LeftOffError(_line(event), f"found more than {MAX_DEPTH} levels", path[:3])

    def _count(self, event: yaml.Event, path: Path) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _LeftOffError(_line(event), f"found more than {MAX_NODES:,} values", path)
        if isinstance(event, yaml.AliasEvent):
            what = f"found the alias *{shorten(event.anchor or '')}, expected the value itself"
            raise _LeftOffError(_line(event), what, path)
        tag: str | None = getattr(event, "tag", None)
        if tag not in (None, "!"):
            what = f"found the tag {shorten(str(tag))}, expected a value without tags"
            raise _LeftOffError(_line(event), what, path)


def _events(text: str) -> Iterator[yaml.Event]:
    """The parser's events; a fault of syntax leaves the file with its line."""
    try:
        yield from yaml.parse(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = shorten(f"not valid YAML: {error.problem or error.context or 'cannot be read'}", 160)
        raise _LeftOffError(mark.line + 1 if mark else 0, f"{what}{_hint(error)}") from error
    except (yaml.YAMLError, UnicodeError) as error:
        what = shorten(f"not valid YAML: {error}".replace("\n", " "), 160)
        raise _LeftOffError(0, what) from error


def _hint(error: yaml.MarkedYAMLError) -> str:
    tab = "cannot start any token" in (error.problem or "")
    return " (indent with spaces, not with tabs)" if tab else ""


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return 0 if mark is None else int(mark.line) + 1


def _kind(event: yaml.Event) -> str:
    if isinstance(event, yaml.SequenceStartEvent):
        return "a list"
    if isinstance(event, yaml.MappingStartEvent):
        return "a mapping"
    return "a single value" if isinstance(event, yaml.ScalarEvent) else "an alias"


def _scalar(event: yaml.ScalarEvent) -> Value:
    text: str = event.value
    if not event.implicit[0] or event.tag == "!":
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
