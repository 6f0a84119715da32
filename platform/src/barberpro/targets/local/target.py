"""The local target: each sub-step of a deployment carried out on this machine.

Desired state goes into the deployment's record first, then processes, routes and databases follow
it; that order makes a repetition after a kill end where an undisturbed run would have ended.
"""

from __future__ import annotations

import json
import re
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from barberpro.errors import BarberProError
from barberpro.planning.findings import Finding
from barberpro.planning.model import Plan
from barberpro.targets.local import (
    app_process,
    checks,
    databases,
    lifecycle,
    publishing,
    releases,
)
from barberpro.targets.local.console import Consoles
from barberpro.targets.local.files import private_folder, remove, told_to_operator, write_atomic
from barberpro.targets.local.platform import SMTP_HOST, LocalPlatform
from barberpro.targets.local.router import PREVIEW_HEADER
from barberpro.targets.local.state import Deployment, Revision
from barberpro.targets.protocol import (
    Access,
    PassingFaultError,
    Publishing,
    Report,
    ServiceState,
)

HEALTH_SECONDS, READY_SECONDS = 30.0, 30.0
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")


class LocalTarget:
    """Implements ``barberpro.targets.protocol.Target``. ``app`` is the folder of the app's package,
    by default the one that this installation contains."""

    def __init__(self, platform: LocalPlatform, app: Path | None = None) -> None:
        self.platform = platform
        self._app = app
        self._layout, self._store = platform.layout, platform.store
        self._consoles = Consoles(platform.layout)

    def close(self) -> None:
        """This process is done with the target."""
        self._consoles.close()

    # -- stage 1

    def check_resources(self, plan: Plan) -> Sequence[Finding]:
        others = [r for r in self._store.deployments() if r.id != plan.deployment_id]
        return list(checks.resources(plan, self._layout.home, first=not others))

    def check_hostname(self, plan: Plan) -> Sequence[Finding]:
        return list(checks.hostnames(plan, self._store.deployments()))

    # -- stage 2

    def provision_resources(self, plan: Plan) -> Report:
        """Shared services, record, secrets, database and roles; meanwhile the snapshot of the app."""
        with ThreadPoolExecutor(1) as aside:
            release = aside.submit(self._snapshot)
            started = self.platform.ensure_running()
            release.result()
        with self.platform.locked():
            record = self._store.deployment(plan.deployment_id)
            if record is None:
                names = plan.database
                record = Deployment(
                    id=plan.deployment_id, database=names.name,
                    preview_token=secrets.token_urlsafe(24),
                    owner_role=names.owner_role, app_role=names.app_role,
                )  # fmt: skip
                self._store.save(record)
            lifecycle.write_secrets(self.platform, record)
            lifecycle.ensure_database(self.platform, record)
            self.platform.sync_access()
        detail = f"{started.detail}; database {record.database} with roles of its own"
        folder = self._layout.deployment(record.id) / "secrets"
        facts = {**started.facts, "database": record.database, "secrets": str(folder)}
        return Report(detail, facts)

    def remove_resources(self, plan: Plan) -> None:
        """Undoes a first deployment: nothing is removed once a revision has been live."""
        record = self._store.deployment(plan.deployment_id)
        if record is not None and record.live is None and record.previous is None:
            self.platform.ensure_running()
            lifecycle.remove(self.platform, record)

    def configure_network(self, plan: Plan) -> Report:
        """The addresses that the deployment answers at, all of them loopback."""
        state = self._store.platform()
        names = checks.names_of(plan)
        unknown = [name for name in names if not _resolves_to_loopback(name)]
        detail = f"{', '.join(names)} on {', '.join(state.addresses)}, port {state.https_port}"
        if unknown:
            detail += (
                f"; browsers find *.localhost by themselves, for other programs add to /etc/hosts: "
                f"127.0.0.1 {' '.join(unknown)}"
            )
        return Report(detail, {"hostnames": names, "port": state.https_port, "unresolved": unknown})

    def configure_isolation(self, plan: Plan) -> Report:
        """Only this deployment's roles may enter its database; its files are this user's alone."""
        record = self._store.required(plan.deployment_id)
        with self.platform.locked():
            private_folder(self._layout.deployment(record.id))
            private_folder(self._layout.deployment(record.id) / "secrets")
            self.platform.sync_access()
        roles = (record.owner_role, record.app_role)
        strangers = databases.strangers(self.platform.postgres, record.database, roles)
        if strangers:
            raise BarberProError(
                f"Other roles may connect to this deployment's database: {', '.join(strangers)}",
                where=record.database, mend="REVOKE CONNECT from them, then deploy again",
            )  # fmt: skip
        return Report(
            f"only {' and '.join(roles)} may enter {record.database}; PostgreSQL and the app listen "
            f"on Unix sockets in a private folder",
            {"roles": list(roles)},
        )

    def configure_load_balancer(self, plan: Plan, revision: int) -> Report:
        """A route for the deployment's names; until it is live, a page says that it is prepared."""
        with self.platform.locked():
            record = self._store.required(plan.deployment_id)
            entry = record.revisions.get(revision)
            if entry is None:
                release = releases.snapshot(
                    self._app or releases.app_source(), self._layout.home / "releases"
                )
                entry = Revision(
                    release=release, python=sys.executable,
                    hostnames=checks.names_of(plan), web_processes=checks.web_processes(plan),
                )  # fmt: skip
                record.revisions = {**record.revisions, revision: entry}
            record.preview = revision
            self._store.save(record)
            self.platform.sync_routes()
        edge = self.platform.edge()
        for name in checks.names_of(plan):
            if not publishing.is_public(record, name):
                edge.wait_certificate(name)
        return Report(
            f"{record.local_hostname}: {'revision ' + str(record.live) if record.live else 'waiting page'}"
            f" for the public, revision {revision} for the preview",
            {"release": entry.release},
        )

    def remove_route(self, plan: Plan, revision: int) -> None:
        with self.platform.locked():
            record = self._store.deployment(plan.deployment_id)
            if record is None or revision in (record.live, record.previous):
                return
            record.revisions = {n: r for n, r in record.revisions.items() if n != revision}
            record.preview = record.live
            self._store.save(record)
            if self.platform.is_running():
                self.platform.sync_routes()

    # -- stage 3

    def start_base(self, plan: Plan, revision: int) -> Report:
        """Starts the revision's processes beside the live ones, and waits until they answer."""
        with self.platform.locked():
            record, entry = self._revision(plan, revision)
            folder = private_folder(app_process.revision_folder(self._layout, record.id, revision))
            if not (folder / "app.json").exists():
                self._write_application(
                    record, revision, lifecycle.application(self.platform, plan)
                )
            write_atomic(folder / "seed.json", json.dumps(plan.seed, ensure_ascii=False, indent=1))
            if not entry.running:
                entry.running = True
                entry.applied = app_process.applied_hash(self._layout, record.id, revision)
                self._store.save(record)
            self._consoles.open(record, revision)  # it loads while the processes start
            self.platform.sync_programs()
            self.platform.sync_routes()
        app_process.wait_for(self._layout, record, revision, "/health", seconds=HEALTH_SECONDS)
        base = [load.name for load in plan.workloads if load.kind == "base"]
        count = entry.web_processes
        how = "one process" if count == 1 else f"{count} web processes and a worker"
        return Report(f"{how} started for {len(base)} base services", {"processes": count})

    def start_specialized(self, plan: Plan, revision: int) -> Report:
        """The same processes serve them; says which of the plan's the running release reports."""
        record, _ = self._revision(plan, revision)
        health = app_process.wait_for(
            self._layout, record, revision, "/health", seconds=HEALTH_SECONDS
        )
        reported = health.get("services")
        known = set(reported) if isinstance(reported, (dict, list)) else set()
        wanted = [load.name for load in plan.workloads if load.kind == "specialized"]
        there = [name for name in wanted if name in known]
        return Report(
            f"{len(there)} of {len(wanted)} specialised services answer in the same processes",
            {"services": list(there), "missing": [n for n in wanted if n not in known]},
        )

    def configure_mesh(self, plan: Plan, revision: int) -> Report:
        """The path router → socket → process, walked from outside with the preview token."""
        record, entry = self._revision(plan, revision)
        answer = self.platform.edge().get(
            record.local_hostname, "/health", {PREVIEW_HEADER: record.preview_token}
        )
        if answer.status != 200:
            raise PassingFaultError(
                f"The router does not reach revision {revision}: {answer.status}",
                where=record.local_hostname,
            )
        return Report(
            f"router reaches {entry.web_processes} process(es) by Unix socket; the services call each "
            "other inside the process, so nothing passes a network"
        )

    def initialise_database(self, plan: Plan, revision: int) -> Report:
        record, _ = self._revision(plan, revision)
        folder = self._layout.in_run(app_process.revision_folder(self._layout, record.id, revision))
        console = self._consoles.open(record, revision)
        migrated = console.run(["migrate"])
        seeded = console.run(["seed", str(folder / "seed.json")])
        app_process.wait_for(self._layout, record, revision, "/ready", seconds=READY_SECONDS)
        return Report(
            f"schema {migrated.get('from')} → {migrated.get('to')}, first data there",
            {"migrated": dict(migrated), "seeded": dict(seeded)},
        )

    def stop_revision(self, plan: Plan, revision: int) -> None:
        self._consoles.close(plan.deployment_id, revision)
        with self.platform.locked():
            record = self._store.deployment(plan.deployment_id)
            if record is None or revision not in record.revisions or revision == record.live:
                return
            record.revisions[revision].running = False
            self._store.save(record)
            if self.platform.is_running():
                self.platform.sync_programs()
                self.platform.sync_routes()
            if revision != record.previous:
                remove(app_process.revision_folder(self._layout, record.id, revision))

    # -- stage 4

    def write_configuration(
        self, plan: Plan, revision: int, section: str, values: Mapping[str, object]
    ) -> Report:
        """Sets the key ``section`` of the revision's ``app.json``; ``apply_configuration`` follows."""
        record, _ = self._revision(plan, revision)
        facts: dict[str, object] = {}
        written = dict(values)
        if section == "mail":
            state = self._store.platform()
            written = {**written, "host": SMTP_HOST, "port": state.smtp_port}
            facts = {**written, "mailbox": str(self._layout.mail)}
        path = app_process.revision_folder(self._layout, record.id, revision) / "app.json"
        application = json.loads(path.read_text())
        changed = application.get(section) != written
        application[section] = written
        self._write_application(record, revision, application)
        facts["changed"] = changed
        return Report(f"{section} {'written' if changed else 'as it was'}", facts)

    def apply_configuration(self, plan: Plan, revision: int) -> Report:
        """Restarts the revision's processes if they were started with another configuration."""
        with self.platform.locked():
            record, entry = self._revision(plan, revision)
            now = app_process.applied_hash(self._layout, record.id, revision)
            if entry.applied == now:
                return Report("in force already")
            programs = app_process.programs(self._layout, record, revision)
            self.platform.supervisor.restart([program.name for program in programs])
            entry.applied = now
            self._store.save(record)
        app_process.wait_for(self._layout, record, revision, "/health", seconds=HEALTH_SECONDS)
        return Report("processes restarted with it")

    def _write_application(
        self, record: Deployment, revision: int, application: Mapping[str, object]
    ) -> None:
        path = app_process.revision_folder(self._layout, record.id, revision) / "app.json"
        text = json.dumps(application, ensure_ascii=False, indent=1, sort_keys=True)
        write_atomic(path, text + "\n")

    # -- stages 5 and 6

    def access(self, plan: Plan, revision: int | None) -> Access:
        """``revision`` None means whatever is live, as the public sees it."""
        record = self._store.required(plan.deployment_id)
        state = self._store.platform()
        headers = {}
        if revision is not None:
            headers = {PREVIEW_HEADER: self._revision(plan, revision)[0].preview_token}
        hostname = plan.network.hostname if record.revisions else record.local_hostname
        edge = publishing.edge_of(self.platform, record, hostname)
        return Access(
            url=state.url_of(plan.network.hostname), hostname=hostname,
            address=edge.address, port=edge.port,
            ca_certificate=edge.ca_certificate, preview_headers=headers,
        )  # fmt: skip

    def exposed_ports(self, plan: Plan) -> Sequence[tuple[str, int, str]]:
        """Every TCP port that a process of this platform listens on: address, port, process."""
        return lifecycle.listeners(self.platform)

    def run_app_command(
        self, plan: Plan, revision: int, arguments: Sequence[str]
    ) -> Mapping[str, object]:
        record, _ = self._revision(plan, revision)
        with told_to_operator("Running the app's command"):
            return self._consoles.open(record, revision).run(arguments)

    def publishing(self) -> Publishing:
        return publishing.facts_of(self._store.platform())

    def publish(self, plan: Plan) -> Report:
        if plan.network.certificate_issuer != "acme":
            return Report("no public name: the local CA vouches", not_applicable=True)
        return publishing.publish(self.platform, plan.deployment_id, plan.network.hostname)

    def unpublish(self, plan: Plan) -> None:
        publishing.unpublish(self.platform, plan.deployment_id, plan.network.hostname)

    def require_https(self, plan: Plan) -> Report:
        return publishing.require_https(self.platform, plan.deployment_id, plan.network.hostname)

    def activate(self, plan: Plan, revision: int) -> Report:
        """Leads the public to the revision at once, then lets the one before end its requests."""
        with self.platform.locked():
            record, _ = self._revision(plan, revision)
            if record.live != revision:
                app_process.wait_for(
                    self._layout, record, revision, "/ready", seconds=READY_SECONDS
                )
                record.previous, record.live, record.stopped = record.live, revision, False
                self._store.save(record)
            self.platform.sync_routes()
            retired = record.revisions.get(record.previous) if record.previous else None
            if retired is not None and retired.running:
                retired.running = False
                self._store.save(record)
                self.platform.sync_programs()
                self.platform.sync_routes()
        url = self._store.platform().url_of(plan.network.hostname)
        before = f", revision {record.previous} ended" if record.previous else ""
        return Report(f"{url} serves revision {revision}{before}", {"url": url})

    def deactivate(self, plan: Plan, revision: int) -> None:
        """Leads the public back to the revision before, which is started again for that."""
        with self.platform.locked():
            record = self._store.deployment(plan.deployment_id)
            if record is None or record.live != revision:
                return
            earlier = record.previous
            if earlier is not None:
                record.revisions[earlier].running = True
                self._store.save(record)
                self.platform.sync_programs()
                app_process.wait_for(self._layout, record, earlier, "/ready", seconds=READY_SECONDS)
            record.live, record.previous = earlier, None
            self._store.save(record)
            self.platform.sync_routes()

    # -- stage 7 and day 2

    def write_monitoring(self, plan: Plan, files: Mapping[str, str]) -> Report:
        folder = private_folder(self._layout.deployment(plan.deployment_id) / "monitoring")
        for name, text in files.items():
            if not FILE_NAME.fullmatch(name):
                raise BarberProError(f"Not a file name: {name!r}", where=str(folder))
            write_atomic(folder / name, text)
        return Report(f"{len(files)} file(s) in {folder}", {"folder": str(folder)})

    def log_lines(self, deployment: str, request_id: str) -> Sequence[str]:
        return lifecycle.log_lines(self.platform, self._store.required(deployment), request_id)

    def services(self, deployment: str) -> Sequence[ServiceState]:
        return lifecycle.services(self.platform, self._store.required(deployment))

    def start(self, deployment: str) -> Report:
        return lifecycle.start(self.platform, self._store.required(deployment))

    def stop(self, deployment: str) -> Report:
        return lifecycle.stop(self.platform, self._store.required(deployment))

    def destroy(self, deployment: str, *, keep_backup: bool) -> Report:
        record = self._store.deployment(deployment)
        if record is None:
            return Report(f"{deployment} was not there")
        self._consoles.close(deployment)
        return lifecycle.destroy(self.platform, record, keep_backup=keep_backup)

    # -- inside

    def _snapshot(self) -> str:
        with told_to_operator("Making the release"):
            self._layout.prepare_home()
            return releases.snapshot(
                self._app or releases.app_source(), self._layout.home / "releases"
            )

    def _revision(self, plan: Plan, number: int) -> tuple[Deployment, Revision]:
        record = self._store.required(plan.deployment_id)
        if number not in record.revisions:
            raise BarberProError(
                f"{record.id} has no revision {number} on this machine.", where=record.id,
                mend="deploy again: the run makes it",
            )  # fmt: skip
        return record, record.revisions[number]


def _resolves_to_loopback(name: str) -> bool:
    try:
        found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        return False
    return all(str(entry[4][0]) in {"127.0.0.1", "::1"} for entry in found)
