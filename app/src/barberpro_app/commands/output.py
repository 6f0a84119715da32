"""Data on stdout, as JSON."""

from __future__ import annotations

import json
import sys


def write_json(value: object) -> None:
    """One JSON document and a line end."""
    json.dump(value, sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")
    sys.stdout.flush()
