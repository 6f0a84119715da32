"""The images of the app and of the database, built as the documentation says and kept until something
in them changes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testcluster.cache import cache_folder, say
from testcluster.errors import ClusterError, MissingError

REPOSITORY = Path(__file__).resolve().parent.parent.parent.parent
SCRIPT = REPOSITORY / "scripts" / "image.sh"
RECIPE = ("Containerfile", "app/requirements.lock", "scripts/image.sh", "scripts/image_context.py")
DATABASE_RECIPE = ("Containerfile.database", "scripts/database.lock", "scripts/image.sh")
TAG = "localhost/barberpro:test"
DATABASE_TAG = "localhost/barberpro-database:test"
TOOLS = ("buildah", "mmdebstrap")
KEPT_SECONDS = 3600.0
EPOCH = "1760000000"  # the time of every file in the image


@dataclass(frozen=True, slots=True)
class AppImage:
    """``tag`` is the name that a pod asks for once ``archive`` is imported."""

    archive: Path
    digest: str
    tag: str = TAG


def require() -> None:
    """Say what this machine lacks to build an image.

    Raises:
        MissingError: not root, or tools are missing.
    """
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise MissingError(f"an image needs: apt-get install {' '.join(missing)}")
    if os.geteuid() != 0:
        raise MissingError("an image is built in a chroot, which needs root")


def app_image() -> AppImage:
    """The image of the sources as they are; built where it is not kept.

    Raises:
        MissingError: tools are missing.
        ClusterError: it could not be built.
    """
    require()
    base = _base()
    folder = cache_folder() / "cluster" / f"image-{_key()}"
    with _alone():
        if not (folder / "digest").exists():
            _forget_old(folder, folder.parent.glob("image-*"))
            folder.mkdir(parents=True)
            digest = build(base, folder / "image.tar")
            (folder / "digest").write_text(digest, encoding="ascii")
    return AppImage(folder / "image.tar", (folder / "digest").read_text(encoding="ascii"))


def database_image() -> AppImage:
    """PostgreSQL of a pinned wheel; built where it is not kept.

    Raises:
        MissingError: tools are missing.
        ClusterError: it could not be built.
    """
    require()
    base = _base("database-base")
    folder = cache_folder() / "cluster" / f"database-{_digest(DATABASE_RECIPE)}"
    with _alone():
        if not (folder / "digest").exists():
            _forget_old(folder, folder.parent.glob("database-????????????"))
            folder.mkdir(parents=True)
            digest = build(base, folder / "image.tar", "database")
            (folder / "digest").write_text(digest, encoding="ascii")
    digest = (folder / "digest").read_text(encoding="ascii")
    return AppImage(folder / "image.tar", digest, DATABASE_TAG)


def build(base: Path, archive: Path, kind: str = "build") -> str:
    """Build into ``archive`` in a store of its own, from nothing; the image's digest. ``kind`` is the
    script's word: ``build`` for the app, or ``database``."""
    with tempfile.TemporaryDirectory(prefix="bp-image-") as store:
        settings = Path(store, "storage.conf")
        text = f'[storage]\ndriver = "vfs"\ngraphroot = "{store}/graph"\nrunroot = "{store}/run"\n'
        settings.write_text(text, encoding="utf-8")
        extra = {
            "CONTAINERS_STORAGE_CONF": str(settings),
            "STORAGE_DRIVER": "vfs",
            "BUILDAH_ISOLATION": "chroot",
        }
        tag = TAG if kind == "build" else DATABASE_TAG
        words = (kind, "--base", str(base), "--tag", tag, "--archive", str(archive))
        return _script(*words, **extra).strip().splitlines()[-1]


def _base(kind: str = "base") -> Path:
    """A Debian base, made once for each version of the script that makes it."""
    digest = hashlib.sha256(SCRIPT.read_bytes()).hexdigest()[:8]
    path = cache_folder() / "cluster" / f"{kind}-{digest}.tar"
    with _alone():
        if not path.exists():
            staged = path.with_suffix(".part")
            _script(kind, str(staged))
            staged.replace(path)
    return path


def base_archive() -> Path:
    """The base that :func:`app_image` stands on."""
    require()
    return _base()


def _script(*words: str, **extra: str) -> str:
    say(f"scripts/image.sh {' '.join(words)} ...")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "REVISION": "test", **extra}
    finished = subprocess.run(
        [str(SCRIPT), *words], env=environment, capture_output=True, text=True, check=False
    )
    if finished.returncode != 0:
        raise ClusterError(f"scripts/image.sh {words[0]}:\n{finished.stderr.strip()[-2000:]}")
    return finished.stdout


def _forget_old(half_made: Path, folders: Iterable[Path]) -> None:
    """Each takes 0.3 GB; what another checkout has just made stays, for its tests import it still."""
    for folder in folders:
        if folder == half_made or time.time() - folder.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(folder)


def _key() -> str:
    sources = (REPOSITORY / "app" / "src").rglob("*")
    kept = (path for path in sources if path.is_file() and "__pycache__" not in path.parts)
    return _digest(RECIPE, *sorted(kept))


def _digest(recipe: tuple[str, ...], *sources: Path) -> str:
    digest = hashlib.sha256()
    for path in (*(REPOSITORY / name for name in recipe), *sources):
        digest.update(str(path.relative_to(REPOSITORY)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@contextmanager
def _alone() -> Iterator[None]:
    path = cache_folder() / "cluster" / ".image-lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield
