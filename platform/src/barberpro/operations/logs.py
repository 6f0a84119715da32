"""Log lines of one local deployment, from all its processes, merged by time; read from files."""

from __future__ import annotations

import gzip
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from barberpro.targets.local.layout import Layout

LEVELS = ("debug", "info", "warning", "error")
_WORDS = {"warn": "warning", "critical": "error", "fatal": "error", "exception": "error"}
_HIDDEN = {"event", "msg", "level", "timestamp", "ts", "time", "logger", "deployment"}


@dataclass(frozen=True, slots=True)
class LogLine:
    """``time`` is local, ``source`` the process that wrote the line, ``raw`` the line as written."""

    at: float
    source: str
    level: str
    text: str
    raw: str

    @property
    def time(self) -> str:
        return datetime.fromtimestamp(self.at).astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


@dataclass
class LogReader:
    """``request`` and ``level`` narrow what is given; ``new`` goes on where the last call ended."""

    layout: Layout
    deployment: str
    request: str | None = None
    level: str | None = None
    _offsets: dict[Path, int] = field(default_factory=dict)

    def last(self, count: int) -> list[LogLine]:
        """The newest ``count`` lines, oldest first, rotated files included."""
        found: deque[LogLine] = deque(maxlen=count)
        lines = [line for path in self._paths("*.log*") for line in self._read(path)]
        found.extend(sorted(lines, key=lambda line: line.at))
        return list(found)

    def new(self) -> list[LogLine]:
        """What was written since the last call."""
        lines = [line for path in self._paths("*.log") for line in self._read(path)]
        return sorted(lines, key=lambda line: line.at)

    def _paths(self, pattern: str) -> Iterator[Path]:
        yield from sorted((self.layout.deployment(self.deployment) / "logs").glob(pattern))
        yield from sorted(self.layout.logs.glob("access" + pattern))

    def _read(self, path: Path) -> Iterator[LogLine]:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8", errors="replace") as stream:
                yield from self._wanted(path, stream)
            return
        start = self._offsets.get(path, 0)
        if start > path.stat().st_size:  # rotated away under us
            start = 0
        with path.open("rb") as raw:
            raw.seek(start)
            block = raw.read()
        whole = block[
            : block.rfind(b"\n") + 1
        ]  # a line still being written comes with the next call
        self._offsets[path] = start + len(whole)
        yield from self._wanted(path, whole.decode("utf-8", errors="replace").splitlines())

    def _wanted(self, path: Path, lines: Iterable[str]) -> Iterator[LogLine]:
        shared = path.parent == self.layout.logs
        for raw in lines:
            text = raw.rstrip("\n")
            if self.request is not None and self.request not in text:
                continue
            if shared and f'"{self.deployment}.' not in text:  # the router serves other brands too
                continue
            line = parse(text, "router" if shared else path.name.split(".")[0])
            if self.level is None or LEVELS.index(line.level) >= LEVELS.index(self.level):
                yield line


def parse(raw: str, source: str) -> LogLine:
    """A JSON line of app or router; any other text is kept as it is, at the time zero."""
    try:
        entry = json.loads(raw)
    except ValueError:
        return LogLine(0.0, source, "info", raw, raw)
    if not isinstance(entry, dict):
        return LogLine(0.0, source, "info", raw, raw)
    level = str(entry.get("level", "info")).lower()
    level = _WORDS.get(level, level)
    text = _access(entry) if isinstance(entry.get("request"), Mapping) else _app(entry)
    return LogLine(_instant(entry), source, level if level in LEVELS else "info", text, raw)


def _instant(entry: Mapping[str, object]) -> float:
    for name in ("ts", "timestamp", "time"):
        value = entry.get(name)
        if isinstance(value, (int, float)):
            return float(value)
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
            except ValueError:
                continue
    return 0.0


def _access(entry: Mapping[str, object]) -> str:
    request = entry["request"]
    assert isinstance(request, Mapping)
    seconds = entry.get("duration")
    spent = f" {float(seconds) * 1000:.1f} ms" if isinstance(seconds, (int, float)) else ""
    return f"{request.get('method')} {request.get('uri')} {entry.get('status')}{spent}"


def _app(entry: Mapping[str, object]) -> str:
    event = entry.get("event", entry.get("msg", ""))
    rest = " ".join(
        f"{name}={value}" for name, value in entry.items() if name not in _HIDDEN and value != ""
    )
    return f"{event} {rest}".rstrip()
