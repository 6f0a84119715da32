"""The longest files first, so that no worker is left alone with one of them in the end.

``tests/durations.txt`` has seconds per file, of those that take five or more. It is written anew from
a whole run by ``BARBERPRO_TEST_DURATIONS=tests/durations.txt scripts/test.sh``.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

RECORDED = Path(__file__).resolve().parents[1] / "durations.txt"
WORTH_SECONDS = 5
UNKNOWN_SLOW_SECONDS = 30  # a file that is not recorded yet, with a test that is marked slow


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def recorded(path: Path = RECORDED) -> dict[str, float]:
    """Seconds by file, as the line has them: ``seconds path``."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {name: float(seconds) for seconds, _, name in (line.partition(" ") for line in lines)}


def longest_first(items: list[pytest.Item]) -> None:
    """Sorts files by how long they take; within a file, and among short files, nothing moves."""
    known = recorded()
    slow = {file_of(item.nodeid) for item in items if item.get_closest_marker("slow")}

    def seconds(item: pytest.Item) -> float:
        name = file_of(item.nodeid)
        return known.get(name, UNKNOWN_SLOW_SECONDS if name in slow else 0)

    items.sort(key=lambda item: -seconds(item))


class Recorder:
    """Adds up what the tests of each file took, and writes it in the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seconds: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[file_of(report.nodeid)] += report.duration  # type: ignore[assignment]

    def pytest_sessionfinish(self) -> None:
        found = sorted(self._seconds.items(), key=lambda pair: (-round(pair[1]), pair[0]))
        lines = [f"{seconds:.0f} {name}\n" for name, seconds in found if seconds >= WORTH_SECONDS]
        self._path.write_text("".join(lines), encoding="utf-8")
