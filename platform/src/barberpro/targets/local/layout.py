"""Where everything of one operator's local platform lies, and which account PostgreSQL runs as.

``home`` holds state and may have any name. ``run`` holds the sockets and is short and plain, because
a socket's path has at most 103 bytes and configuration files quote badly: programs reach the home
through the link ``run/home``. Nothing is ever changed outside these folders.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from barberpro.errors import BarberProError
from barberpro.targets.local.files import link_to, private_folder, remove, write_atomic

SOCKET_PATH_BYTES = 103  # sockaddr_un.sun_path: 104 on macOS and the BSDs, 108 on Linux, with a NUL
LONGEST_IN_RUN = 40  # the longest path below ``run``, with room to spare
PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
KEPT = "backups"  # the one folder that outlives the last deployment
PARTS = (
    "deployments", "releases", "programs", "postgresql", "router", "supervisor", "mail", "secrets",
    "logs", "run", "state.json", "lock", "use",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged account that PostgreSQL runs as where the operator is root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one platform. ``cluster`` holds PostgreSQL's data and programs."""

    home: Path
    run: Path
    cluster: Path
    account: Account | None

    @classmethod
    def of(cls, home: Path | None = None) -> Layout:
        """The layout for ``home``, by default ``BARBERPRO_HOME`` or the user's data folder."""
        chosen = home or Path(os.environ.get("BARBERPRO_HOME") or user_data_path("barberpro"))
        resolved = Path(os.path.realpath(chosen.expanduser()))
        try:
            os.fspath(resolved).encode("utf-8")
        except UnicodeEncodeError as error:
            raise BarberProError(
                "The name of the home folder is not valid UTF-8.",
                where=repr(os.fspath(resolved)),
                mend="choose another folder with BARBERPRO_HOME",
            ) from error
        account = service_account()
        if resolved in (Path("/"), Path.home().resolve(), *Path.home().resolve().parents):
            raise BarberProError(
                "The home folder must be one of its own: destroying removes what is in it.",
                where=os.fspath(resolved),
                mend=f"for example BARBERPRO_HOME={resolved / 'barberpro'}",
            )
        open_to_account = account is None or enterable(
            resolved if resolved.exists() else resolved.parent
        )
        return cls(
            home=resolved,
            run=_run_folder(resolved, inside=open_to_account),
            cluster=resolved / "postgresql" if open_to_account else _system_folder(resolved),
            account=account,
        )

    @property
    def identity(self) -> str:
        """Marks the processes of this home, whatever it is called."""
        return digest_of(self.home)

    @property
    def sockets(self) -> Path:
        return self.run / "s"

    @property
    def database_sockets(self) -> Path:
        return self.run / "pg"

    @property
    def secrets(self) -> Path:
        return self.home / "secrets"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def mail(self) -> Path:
        return self.home / "mail"

    @property
    def backups(self) -> Path:
        return self.home / KEPT

    def deployment(self, identifier: str) -> Path:
        return self.home / "deployments" / identifier

    def in_run(self, path: Path) -> Path:
        """``path`` below the home as programs reach it: short and without odd characters."""
        return self.run / "home" / path.relative_to(self.home)

    def socket(self, name: str) -> Path:
        return self.sockets / f"{name}.sock"

    def prepare_home(self) -> None:
        """Makes the home, or refuses one that is not the operator's own."""
        self._outer(self.home)

    def prepare(self) -> None:
        """Makes the folders and links, and refuses folders that are not the operator's own."""
        for folder in (self.home, self.run, self.cluster):
            self._outer(folder)
        for folder in (self.secrets, self.logs, self.home / "supervisor" / "conf.d"):
            private_folder(folder)
        private_folder(self.sockets)
        self.for_account(self.database_sockets)
        if self.cluster.parent != self.home:  # whose databases these are, should the home be lost
            write_atomic(self.cluster / "home", f"{self.home}\n")
        link_to(self.run / "home", self.home)
        link_to(self.run / "cluster", self.cluster)

    def _outer(self, folder: Path) -> None:
        if os.path.lexists(folder):
            _own(folder)
        else:  # the account passes, and lists nothing
            private_folder(folder, 0o711 if self.account is not None else 0o700)

    def for_account(self, folder: Path) -> Path:
        """A private folder that belongs to PostgreSQL's account."""
        private_folder(folder)
        if self.account is not None and folder.stat().st_uid != self.account.uid:
            os.chown(folder, self.account.uid, self.account.gid)
        return folder

    def remove_runtime(self) -> None:
        """Removes sockets and links; nothing may be running any more."""
        remove(self.run)

    def remove_all_but_backups(self) -> None:
        """Removes everything; the home itself stays only if it holds backups."""
        remove(self.run)
        if self.cluster.parent != self.home:
            remove(self.cluster)
        if not self.home.is_dir():
            return
        for name in PARTS:
            remove(self.home / name)
        if self.backups.is_dir() and not any(self.backups.iterdir()):
            self.backups.rmdir()
        if not any(self.home.iterdir()):
            self.home.rmdir()


def digest_of(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:10]


def service_account() -> Account | None:
    """``postgres`` where it exists, else ``nobody``; None where the operator is not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid > 0:  # on macOS nobody is -2: a number that setuid does not take
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise BarberProError(
        "PostgreSQL does not run as root, and this machine has no account for it.",
        where="accounts postgres, nobody",
        mend="run BarberPro as an ordinary user, or create an account: useradd --system postgres",
    )


def enterable(folder: Path) -> bool:
    """Whether any account may pass through ``folder`` and all above it."""
    for part in (folder, *folder.parents):
        if part.exists() and not part.stat().st_mode & stat.S_IXOTH:
            return False
        if not part.exists():  # we shall make it, private
            return False
    return True


def _run_folder(home: Path, *, inside: bool) -> Path:
    candidate = home / "run"
    text = os.fspath(candidate)
    if inside and PLAIN.fullmatch(text) and len(text) + LONGEST_IN_RUN <= SOCKET_PATH_BYTES:
        return candidate
    # not XDG_RUNTIME_DIR: it goes when the user logs out, and the deployments stay
    if os.geteuid() == 0 and Path("/run").is_dir():
        return Path("/run") / f"barberpro-{digest_of(home)}"
    return Path("/tmp") / f"barberpro-{os.geteuid()}-{digest_of(home)}"  # noqa: S108 - see _own


def _system_folder(home: Path) -> Path:
    base = Path("/usr/local/var") if sys.platform == "darwin" else Path("/var/lib")
    return base / f"barberpro-{digest_of(home)}"


def _own(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise BarberProError(
            "A folder that must be private to this user is somebody else's or open to others.",
            where=os.fspath(folder),
            mend="remove it, or choose another home with BARBERPRO_HOME",
        )
