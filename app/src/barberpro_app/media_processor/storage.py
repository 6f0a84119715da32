"""The media folder: originals that wait, and what is published. Nobody but the app reads it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from uuid import UUID

from barberpro_app.kit.errors import NotFoundError

_NAME = re.compile(r"[0-9a-f]{64}\.(webp|jpg)")


class MediaFolder:
    """Files of mode 0600 in folders of mode 0700; no path is ever made of what a caller says."""

    def __init__(self, root: Path) -> None:
        self._published = root / "published"
        self._incoming = root / "incoming"

    def keep_original(self, media_id: UUID, content: bytes) -> None:
        _write(self._incoming / str(media_id), content)

    def original(self, media_id: UUID) -> bytes:
        """Raises `FileNotFoundError`."""
        return (self._incoming / str(media_id)).read_bytes()

    def forget_original(self, media_id: UUID) -> None:
        (self._incoming / str(media_id)).unlink(missing_ok=True)

    def publish(self, name: str, content: bytes) -> None:
        _write(self._published / checked(name), content)

    def published(self, name: str) -> bytes:
        """Raises `NotFoundError`."""
        try:
            return (self._published / checked(name)).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError from error

    def unpublish(self, name: str) -> None:
        (self._published / checked(name)).unlink(missing_ok=True)


def checked(name: str) -> str:
    """A name as we give them. Raises `NotFoundError` for any other."""
    if not _NAME.fullmatch(name):
        raise NotFoundError
    return name


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, also when the machine stops."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
