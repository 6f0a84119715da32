"""How long ``barberpro --help`` takes, from the shell, environment already built."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from figures import Figure, emit, median

PROGRAM = Path(__file__).resolve().parent.parent / "scripts" / "barberpro"


def main() -> None:
    subprocess.run([PROGRAM, "--help"], check=True, capture_output=True)
    spent = []
    for _ in range(21):
        started = time.perf_counter()
        subprocess.run([PROGRAM, "--help"], check=True, capture_output=True)
        spent.append((time.perf_counter() - started) * 1000)
    emit(
        Figure(
            "barberpro --help",
            median(spent),
            "ms",
            150,
            note="median of 21 calls through the shell script",
        )
    )


if __name__ == "__main__":
    main()
