"""Where what is built once is kept: beside the Python environments, in the user's cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """``BARBERPRO_CACHE``, or the user's cache folder, as ``scripts/environment.sh`` finds it."""
    given = os.environ.get("BARBERPRO_CACHE")
    if given:
        return Path(given)
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "barberpro"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "barberpro"
    return Path.home() / ".cache" / "barberpro"


def say(text: str) -> None:
    """A line of progress, on the stderr that a test run does not capture."""
    print(f"cluster: {text}", file=sys.__stderr__, flush=True)
