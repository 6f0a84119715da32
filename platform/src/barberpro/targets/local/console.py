"""The app's console: one process that runs many of the app's commands for one revision.

It loads while the revision's own processes start, and ends with its standard input, so that it
cannot outlive the process that opened it, however that one ends.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import IO

from barberpro.errors import BarberProError
from barberpro.targets.local import app_process
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.state import Deployment

COMMAND_SECONDS = 180.0
LARGEST_ANSWER = 8 * 2**20


class Console:
    """Opened for one revision; ``run`` may be called as often as needed, ``close`` ends it."""

    def __init__(self, layout: Layout, record: Deployment, number: int) -> None:
        self._where = record.id
        self._buffer = b""
        self._process = subprocess.Popen(
            [record.revisions[number].python, "-m", "barberpro_app", "console"],
            env=app_process.command_environment(layout, record, number), cwd=layout.home,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def run(self, arguments: Sequence[str]) -> Mapping[str, object]:
        """The JSON that the command gives; raises ``BarberProError`` where it fails."""
        shown = " ".join(["python -m barberpro_app", *arguments[:2]])
        answer = self._ask(json.dumps(list(arguments)).encode() + b"\n")
        if answer is None:
            self.close()
            raise BarberProError(
                f"{shown} did not end within {COMMAND_SECONDS:.0f} s, or its process ended.",
                where=self._where,
                mend="see `barberpro logs`, then run the same command again",
            )
        if answer.get("code") != 0:
            raise BarberProError(
                f"{shown} failed (exit {answer.get('code')}): {answer.get('error')}",
                where=self._where,
                mend="mend what it says, then run the same command again",
            )
        output = answer.get("output")
        return output if isinstance(output, dict) else {"value": output}

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, line: bytes) -> dict[str, object] | None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(line)
            stdin.flush()
            raw = self._line(stdout)
        except OSError:
            return None
        found = json.loads(raw) if raw else None
        return found if isinstance(found, dict) else None

    def _line(self, stdout: IO[bytes]) -> bytes:
        """The next line; empty where the process ended or the time is up."""
        deadline = time.monotonic() + COMMAND_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer and len(self._buffer) < LARGEST_ANSWER:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    return b""
                block = os.read(stdout.fileno(), 65536)
                if not block:
                    return b""
                self._buffer += block
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


class Consoles:
    """The consoles that one process has open, by deployment and revision."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._open: dict[tuple[str, int], Console] = {}

    def open(self, record: Deployment, number: int) -> Console:
        key = (record.id, number)
        console = self._open.get(key)
        if console is None or not console.alive:
            console = self._open[key] = Console(self._layout, record, number)
        return console

    def close(self, deployment: str | None = None, number: int | None = None) -> None:
        """Those of ``deployment``, or all."""
        for key in [k for k in self._open if deployment in (None, k[0]) and number in (None, k[1])]:
            self._open.pop(key).close()
