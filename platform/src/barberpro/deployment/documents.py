"""Where a deployment's generated documents lie: a folder per revision, and a link to the newest."""

from __future__ import annotations

from pathlib import Path

HTML, LATEST = "runbook.html", "latest"


def revision_folder(documents: Path, revision: int) -> Path:
    return documents / f"revision-{revision:04d}"


def latest(documents: Path) -> Path | None:
    """The newest revision's runbook in HTML, None where there is none yet."""
    path = documents / LATEST / HTML
    return path if path.is_file() else None
