"""Locks between processes and threads: advisory, so that the kernel lets go when a process is killed."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def _open_locked(path: Path, operation: int) -> int:
    """A descriptor of ``path`` with the lock; tries again where the file was removed meanwhile."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, operation)
            with suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(descriptor).st_ino:
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


class ExclusiveLock:
    """One holder at a time; the thread that holds it may take it again."""

    def __init__(self, path: Path) -> None:
        self._path, self._thread, self._depth = path, threading.RLock(), 0
        self._descriptor = -1

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._thread:
            if self._depth == 0:
                self._descriptor = _open_locked(self._path, fcntl.LOCK_EX)
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    os.close(self._descriptor)


class UseLock:
    """Says that this process uses the platform, so that no other one shuts it down meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path, self._thread, self._descriptor = path, threading.Lock(), -1

    def take(self) -> None:
        """Waits while another process shuts the platform down."""
        with self._thread:
            if self._descriptor == -1:
                self._descriptor = _open_locked(self._path, fcntl.LOCK_SH)

    def release(self) -> None:
        with self._thread:
            if self._descriptor != -1:
                os.close(self._descriptor)
                self._descriptor = -1

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """True, with everybody else kept out, if nobody else uses the platform. Lets go of ``take``."""
        self.release()
        try:
            descriptor = _open_locked(self._path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            os.close(descriptor)
