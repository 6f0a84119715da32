"""axe-core over every page of the four verticals, light and dark, on a telephone and a desktop.

The day of each business ends with a look at every page that its routes have; what no day reaches is
looked at by the tests that `support_every_page` names. Each look is a line of a log, and counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from figures import Figure, emit
from support_every_page import ELSEWHERE, VERTICALS

ROOT = Path(__file__).resolve().parent.parent
TESTS = sorted(
    f"tests/browser/{name}"
    for name in {*ELSEWHERE.values(), *(f"test_day_{vertical}.py" for vertical in VERTICALS)}
)
#: Fewer pages than this for one business, screen and scheme, and the looks were not made.
LEAST = 80


def seen(log: Path) -> list[tuple[str, str, int]]:
    """Name, scheme and violations of each look."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return [(name, scheme, int(found)) for name, scheme, found in (line.split() for line in lines)]


def everywhere(looks: list[tuple[str, str, int]]) -> str:
    """Says how much was looked at. Raises `SystemExit` where a business, screen or scheme is short."""
    counted = Counter(
        (vertical, screen, scheme)
        for name, scheme, _ in looks
        for vertical in VERTICALS
        for screen in ("phone", "desktop")
        if name.startswith(f"e-{vertical}-") and name.endswith(f"-{screen}")
    )
    for vertical in VERTICALS:
        for screen in ("phone", "desktop"):
            for scheme in ("light", "dark"):
                if counted[vertical, screen, scheme] < LEAST:
                    raise SystemExit(f"{vertical}, {screen}, {scheme}: too few pages were seen")
    return f"{len(looks)} looks, at {min(counted.values())} pages or more for each business, screen and scheme"


def main() -> None:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "looks"
        finished = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "--timeout", "1800", *TESTS],
            cwd=ROOT, env={**os.environ, "BARBERPRO_AXE_LOG": str(log), "BARBERPRO_EVERY_PAGE": "1"}, check=False,
            stdout=sys.stderr,
        )  # fmt: skip
        looks = seen(log)
    violations = sum(found for _, _, found in looks)
    if finished.returncode != 0 and violations == 0:
        raise SystemExit("the browser tests failed before all pages were seen")
    note = f"{everywhere(looks)}; {time.perf_counter() - started:.0f} s"
    emit(Figure("axe: violations of WCAG 2.2 AA on all pages", violations, "", 0, note=note))


if __name__ == "__main__":
    main()
