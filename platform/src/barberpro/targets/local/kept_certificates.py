"""Certificates that were obtained beside the router (by proof in DNS), as it finds them: per name a folder
of files with chain and key, called by their end, so that a new one is another address for the router."""

from __future__ import annotations

from pathlib import Path


def newest(folder: Path, name: str) -> Path | None:
    """The file that is to be served for ``name``; None where there is none."""
    found = sorted((folder / name).glob("*.pem"))
    return found[-1] if found else None
