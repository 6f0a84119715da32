"""Stages 1 and 2: what a deployment stands on here: names, database, secrets, isolation, route."""

from __future__ import annotations

import secrets
import socket
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from barberpro.errors import BarberProError
from barberpro.planning.findings import Finding
from barberpro.planning.model import Plan
from barberpro.targets.local import checks, databases, lifecycle, publishing, releases
from barberpro.targets.local.basis import Basis
from barberpro.targets.local.files import private_folder
from barberpro.targets.local.state import Deployment, Revision
from barberpro.targets.protocol import Report


def check_resources(basis: Basis, plan: Plan) -> Sequence[Finding]:
    others = [r for r in basis.store.deployments() if r.id != plan.deployment_id]
    return list(checks.resources(plan, basis.layout.home, first=not others))


def check_hostname(basis: Basis, plan: Plan) -> Sequence[Finding]:
    return list(checks.hostnames(plan, basis.store.deployments()))


def provision_resources(basis: Basis, plan: Plan) -> Report:
    """Shared services, record, secrets, database and roles; meanwhile the snapshot of the app."""
    with ThreadPoolExecutor(1) as aside:
        release = aside.submit(basis.snapshot)
        started = basis.platform.ensure_running()
        release.result()
    with basis.platform.locked():
        record = basis.store.deployment(plan.deployment_id)
        if record is None:
            names = plan.database
            record = Deployment(
                id=plan.deployment_id, database=names.name,
                preview_token=secrets.token_urlsafe(24),
                owner_role=names.owner_role, app_role=names.app_role,
            )  # fmt: skip
            basis.store.save(record)
        lifecycle.write_secrets(basis.platform, record)
        lifecycle.ensure_database(basis.platform, record)
        basis.platform.sync_access()
    detail = f"{started.detail}; database {record.database} with roles of its own"
    folder = basis.layout.deployment(record.id) / "secrets"
    facts = {**started.facts, "database": record.database, "secrets": str(folder)}
    return Report(detail, facts)


def remove_resources(basis: Basis, plan: Plan) -> None:
    """Undoes a first deployment: nothing is removed once a revision has been live."""
    record = basis.store.deployment(plan.deployment_id)
    if record is not None and record.live is None and record.previous is None:
        basis.platform.ensure_running()
        lifecycle.remove(basis.platform, record)


def configure_network(basis: Basis, plan: Plan) -> Report:
    """The addresses that the deployment answers at, all of them loopback."""
    state = basis.store.platform()
    names = checks.names_of(plan)
    unknown = [name for name in names if not _resolves_to_loopback(name)]
    detail = f"{', '.join(names)} on {', '.join(state.addresses)}, port {state.https_port}"
    if unknown:
        detail += (
            f"; browsers find *.localhost by themselves, for other programs add to /etc/hosts: "
            f"127.0.0.1 {' '.join(unknown)}"
        )
    return Report(detail, {"hostnames": names, "port": state.https_port, "unresolved": unknown})


def configure_isolation(basis: Basis, plan: Plan) -> Report:
    """Only this deployment's roles may enter its database; its files are this user's alone."""
    record = basis.store.required(plan.deployment_id)
    with basis.platform.locked():
        private_folder(basis.layout.deployment(record.id))
        private_folder(basis.layout.deployment(record.id) / "secrets")
        basis.platform.sync_access()
    roles = (record.owner_role, record.app_role)
    strangers = databases.strangers(basis.platform.postgres, record.database, roles)
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


def configure_load_balancer(basis: Basis, plan: Plan, revision: int) -> Report:
    """A route for the deployment's names; until it is live, a page says that it is prepared."""
    with basis.platform.locked():
        record = basis.store.required(plan.deployment_id)
        entry = record.revisions.get(revision)
        if entry is None:
            release = releases.snapshot(
                basis.app or releases.app_source(), basis.layout.home / "releases"
            )
            entry = Revision(
                release=release, python=sys.executable,
                hostnames=checks.names_of(plan), web_processes=checks.web_processes(plan),
            )  # fmt: skip
            record.revisions = {**record.revisions, revision: entry}
        record.preview = revision
        basis.store.save(record)
        basis.platform.sync_routes()
    edge = basis.platform.edge()
    for name in checks.names_of(plan):
        if not publishing.is_public(record, name):
            edge.wait_certificate(name)
    return Report(
        f"{record.local_hostname}: {'revision ' + str(record.live) if record.live else 'waiting page'}"
        f" for the public, revision {revision} for the preview",
        {"release": entry.release},
    )


def remove_route(basis: Basis, plan: Plan, revision: int) -> None:
    with basis.platform.locked():
        record = basis.store.deployment(plan.deployment_id)
        if record is None or revision in (record.live, record.previous):
            return
        record.revisions = {n: r for n, r in record.revisions.items() if n != revision}
        record.preview = record.live
        basis.store.save(record)
        if basis.platform.is_running():
            basis.platform.sync_routes()


def _resolves_to_loopback(name: str) -> bool:
    try:
        found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        return False
    return all(str(entry[4][0]) in {"127.0.0.1", "::1"} for entry in found)
