"""The judges of the chart, in an environment of their own: heavy, and none of the product's business."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements-chart.lock"


def cache_folder() -> Path:
    """As ``scripts/environment.sh`` finds it."""
    given = os.environ.get("BARBERPRO_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(home) / "barberpro"


@lru_cache(maxsize=1)
def validators() -> Path:
    """The folder of programs of the environment that ``requirements-chart.lock`` describes; made the
    first time (half a minute), by the same bootstrap as the product's own."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    folder = cache_folder() / "environments" / f"chart-{digest}"
    if not (folder / ".ready").exists():
        subprocess.run(
            [sys.executable, str(ROOT / "scripts" / "bootstrap.py"), str(folder), str(LOCK)],
            check=True,
        )
    return folder / "bin"
