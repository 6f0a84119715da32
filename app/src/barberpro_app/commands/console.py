"""`console`: many commands in one process, for whoever deploys.

Starting Python and loading the app costs more than most commands. Reads one JSON array of
arguments per line on stdin, answers one JSON object per line on stdout, and ends with its input:
`{"code": 0, "output": ...}`, or `{"code": 1, "error": "..."}` with the code of the command.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import IO

#: Loaded while the caller is still busy elsewhere.
_SOON_NEEDED = (
    "barberpro_app.commands.migrate",
    "barberpro_app.commands.seed",
    "barberpro_app.commands.api_client",
    "barberpro_app.commands.remove_test_data",
    "barberpro_app.commands.owner_link",
)
_NOT_HERE = {"console", "serve", "worker"}


def run(arguments: argparse.Namespace) -> int:
    answers = sys.stdout
    for module in _SOON_NEEDED:
        importlib.import_module(module)
    for line in sys.stdin:
        if line.strip():
            _write(answers, _answer(line, arguments.run_command))
    os._exit(0)  # all is written; taking the interpreter apart would keep the caller waiting


def _answer(line: str, run_command: Callable[[list[str]], int]) -> dict[str, object]:
    try:
        words = json.loads(line)
    except ValueError:
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return {"code": 2, "error": "a line is a JSON array of strings"}
    if not words or words[0] in _NOT_HERE:
        return {"code": 2, "error": f"not a command of the console: {words[:1]}"}
    output, error = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(error):
        code = _run(words, run_command)
    sys.stderr.write(error.getvalue())
    sys.stderr.flush()
    if code != 0:
        return {"code": code, "error": error.getvalue().strip()}
    text = output.getvalue().strip()
    return {"code": 0, "output": json.loads(text) if text else None}


def _run(words: list[str], run_command: Callable[[list[str]], int]) -> int:
    try:
        return run_command(words)
    except SystemExit as ending:  # argparse ends a wrong usage so
        return ending.code if isinstance(ending.code, int) else 2


def _write(stream: IO[str], value: object) -> None:
    json.dump(value, stream, ensure_ascii=False, default=str)
    stream.write("\n")
    stream.flush()
