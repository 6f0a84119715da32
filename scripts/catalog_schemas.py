"""Writes the JSON Schemas of the catalog's files to catalog/schemas, from the models.

Run it after a change of the models: scripts/barberpro's environment, then
``python scripts/catalog_schemas.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "platform" / "src"))

from barberpro.catalog.schemas import file_schemas  # noqa: E402


def main() -> int:
    folder = ROOT / "catalog" / "schemas"
    folder.mkdir(exist_ok=True)
    for name, schema in file_schemas():
        text = json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
