"""Many commands in one process, whatever stands on the lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"


def converse(lines: str) -> list[dict[str, object]]:
    finished = subprocess.run(
        [sys.executable, "-m", "barberpro_app", "console"],
        input=lines, capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "BARBERPRO_APP_CONFIG": "/nowhere/app.json"},
    )  # fmt: skip
    return [json.loads(line) for line in finished.stdout.splitlines()]


def test_each_line_is_answered_by_one_line_in_order() -> None:
    answers = converse(
        '["services"]\n\nnot json\n["no-such"]\n["console"]\n[1]\n["migrate"]\n["services"]\n'
    )
    assert [answer["code"] for answer in answers] == [0, 2, 2, 2, 2, 2, 0]
    first, last = answers[0]["output"], answers[-1]["output"]
    assert isinstance(first, dict)
    assert first["services"]
    assert first == last


def test_a_command_that_fails_says_why() -> None:
    [answer] = converse('["migrate"]\n')
    assert "/nowhere/app.json" in str(answer["error"])
