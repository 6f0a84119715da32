"""axe-core over every page of the four verticals, light and dark: the browser tests, counted."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from figures import Figure, emit

ROOT = Path(__file__).resolve().parent.parent
TESTS = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "tests" / "browser").glob("test_*.py")
    if any(
        name in path.read_text(encoding="utf-8") for name in ("support_axe", "support_day_pages")
    )
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "looks"
        finished = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *TESTS],
            cwd=ROOT, env={**os.environ, "BARBERPRO_AXE_LOG": str(log), "BARBERPRO_EVERY_PAGE": "1"}, check=False,
            stdout=sys.stderr,
        )  # fmt: skip
        looks = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    violations = sum(int(found) for _, _, found in looks)
    if finished.returncode != 0 and violations == 0:
        raise SystemExit("the browser tests failed before all pages were seen")
    note = f"{len({name for name, _, _ in looks})} pages and screens, {len(looks)} looks, light and dark"
    emit(Figure("axe: violations of WCAG 2.2 AA on all pages", violations, "", 0, note=note))


if __name__ == "__main__":
    main()
