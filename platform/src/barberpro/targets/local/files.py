"""Files of the local target: private, written whole or not at all, and faults an operator can mend."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from barberpro.errors import BarberProError

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
MENDS = {
    errno.ENOSPC: "free space on that disk, then run the same command again",
    errno.EDQUOT: "raise the quota or free space, then run the same command again",
    errno.EACCES: "make the folder writable for this user, or choose another with BARBERPRO_HOME",
    errno.EPERM: "make the folder writable for this user, or choose another with BARBERPRO_HOME",
    errno.EROFS: "the disk is mounted read-only: choose another folder with BARBERPRO_HOME",
    errno.ENAMETOOLONG: "choose a shorter folder with BARBERPRO_HOME",
    errno.ENOTDIR: "a file stands where a folder is needed: choose another with BARBERPRO_HOME",
    errno.EMFILE: "raise the limit of open files (ulimit -n 1024), then run the same command again",
}


@contextmanager
def told_to_operator(doing: str) -> Iterator[None]:
    """Turns an ``OSError`` into a ``BarberProError`` that says what was done, where, how to mend."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise BarberProError(
            f"{doing} failed: {reason}",
            where=str(error.filename or ""),
            mend=MENDS.get(error.errno or 0, "see `barberpro doctor`"),
        ) from error


def private_folder(path: Path, mode: int = PRIVATE_FOLDER) -> Path:
    """Makes ``path`` if need be, and gives it ``mode``; missing parents are private."""
    if path.is_symlink() or not path.is_dir():
        missing = [parent for parent in path.parents if not parent.exists()]
        for parent in reversed(missing):
            with suppress(FileExistsError):
                parent.mkdir(mode=PRIVATE_FOLDER)
        with suppress(FileExistsError):
            path.mkdir(mode=mode)
    if path.stat().st_mode & 0o7777 != mode:
        path.chmod(mode)
    return path


def write_atomic(path: Path, content: str | bytes, mode: int = PRIVATE_FILE) -> bool:
    """Replaces ``path`` durably by ``content``; False where it held that already."""
    data = content.encode() if isinstance(content, str) else content
    try:
        if path.read_bytes() == data and path.stat().st_mode & 0o7777 == mode:
            return False
    except FileNotFoundError:
        private_folder(path.parent, mode=_mode_of(path.parent))
    staging = path.with_name(f".{path.name}.{os.getpid()}.new")
    with suppress(FileNotFoundError):
        staging.unlink()
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        staging.replace(path)
    except OSError:
        with suppress(FileNotFoundError):
            staging.unlink()
        raise
    return True


def _mode_of(folder: Path) -> int:
    return folder.stat().st_mode & 0o7777 if folder.is_dir() else PRIVATE_FOLDER


def link_to(link: Path, target: Path) -> None:
    """Makes ``link`` a symbolic link to ``target``, replacing an older one."""
    with suppress(OSError):
        if os.readlink(link) == str(target):
            return
    staging = link.with_name(f".{link.name}.{os.getpid()}.new")
    with suppress(FileNotFoundError):
        staging.unlink()
    staging.symlink_to(target)
    staging.replace(link)


def remove(path: Path) -> None:
    """Removes a file, a link or a folder with all in it, read-only parts too."""
    if path.is_symlink() or path.is_file() or path.is_socket():
        path.unlink(missing_ok=True)
        return
    if not path.is_dir():
        return
    for folder, _, _ in os.walk(path):
        with suppress(OSError):
            Path(folder).chmod(PRIVATE_FOLDER)
    shutil.rmtree(path)


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """A second name for the same file (no space, no time), or a copy where that cannot be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
