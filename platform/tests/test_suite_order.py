"""The suite runs its longest files first, by what was recorded."""

from __future__ import annotations

from pathlib import Path

from support_order import Recorder, recorded

ROOT = Path(__file__).resolve().parents[2]


def test_every_recorded_file_is_there() -> None:
    assert [name for name in recorded() if not (ROOT / name).is_file()] == []


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    class Report:
        def __init__(self, nodeid: str, duration: float) -> None:
            self.nodeid, self.duration = nodeid, duration

    recorder = Recorder(tmp_path / "durations.txt")
    for name, seconds in (("a/test_b.py::x", 4.0), ("a/test_b.py::y[1::2]", 8.0), ("c.py::z", 30.0),
                          ("short.py::s", 1.0)):  # fmt: skip
        recorder.pytest_runtest_logreport(Report(name, seconds))  # type: ignore[arg-type]
    recorder.pytest_sessionfinish()
    assert recorded(tmp_path / "durations.txt") == {"c.py": 30, "a/test_b.py": 12}
