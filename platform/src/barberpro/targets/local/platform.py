"""The local platform: one PostgreSQL, one router and one mail catcher for all deployments of a user.

``ensure_running`` brings them up from whatever state they are in: never started, running, stopped,
killed in part or whole, or the machine was restarted. Desired state is on disk (``state.py``).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from barberpro.errors import BarberProError
from barberpro.targets.local import databases, ports, router
from barberpro.targets.local.doors import Doors
from barberpro.targets.local.edge import Edge
from barberpro.targets.local.files import (
    told_to_operator,
)
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.locks import ExclusiveLock, UseLock
from barberpro.targets.local.ports import HTTPS_PORT, SMTP_PORT
from barberpro.targets.local.postgres import Postgres, secret
from barberpro.targets.local.roster import SHARED, Roster
from barberpro.targets.local.routes import Routes
from barberpro.targets.local.state import Store
from barberpro.targets.local.supervision import Supervisor
from barberpro.targets.local.unix_http import takes_connections
from barberpro.targets.protocol import Report

LEAST_FREE_BYTES = 300 * 1024 * 1024


class LocalPlatform:
    """Everything that the local deployments of one home share."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.store = Store(layout)
        self.supervisor = Supervisor(layout)
        self.postgres = Postgres(layout)
        self._lock = ExclusiveLock(layout.home / "lock")
        self._use = UseLock(layout.home / "use")
        self.roster = Roster(layout, self.store)
        self.routes = Routes(layout, self.store)
        self.doors = Doors(layout, self.store, self.supervisor, self.roster, self.routes)

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
            state = self.doors.choose()
            with ThreadPoolExecutor(1) as aside:
                cluster = aside.submit(self._make_cluster)
                self.routes.write(state)
                self.supervisor.write([self.roster.router(state), self.roster.mailbox(state)])
                self.supervisor.start()
                cluster.result()
            self.postgres.forget_stale_lock()
        self._make_cluster()
        self._write_access()
        state = self.store.platform()
        self.supervisor.write(
            [self.postgres.program(), self.roster.router(state), self.roster.mailbox(state),
             *self.roster.renewal(state), *self.roster.app()]
        )  # fmt: skip
        self.supervisor.apply()
        self.supervisor.revive(self.supervisor.states() or {})
        self.postgres.wait()
        databases.ensure_registry(self.postgres, secret(self.layout.secrets / "registry-database"))
        self.doors.wait_router()
        self.doors.wait_mailbox()
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

    # -- bringing things in line with the records

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process at a time changes records, programs and routes."""
        with told_to_operator("Changing the local platform"), self._lock():
            yield

    def sync_programs(self) -> None:
        renewal = self.roster.renewal(self.store.platform())
        self.supervisor.write([*renewal, *self.roster.app()], keep=SHARED)
        self.supervisor.apply()

    def sync_routes(self) -> None:
        """Hands Caddy its whole configuration; it takes it at once or keeps the old one."""
        self.routes.hand_over()

    def restart_router(self) -> None:
        """For other sockets; programs beside it go on."""
        state = self.store.platform()
        self.routes.write(state)
        others = [name for name in self.supervisor.states() or {} if name != "router"]
        self.supervisor.write([self.roster.router(state)], keep=others)
        self.supervisor.apply()
        self.doors.wait_router()

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

    # -- programs

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
