"""Stages 3 to 6: a revision's processes, its configuration, and what serves from now on."""

from __future__ import annotations

import json
from collections.abc import Mapping

from barberpro.planning.model import Plan
from barberpro.targets.local import app_process, lifecycle
from barberpro.targets.local.basis import Basis
from barberpro.targets.local.files import private_folder, remove, write_atomic
from barberpro.targets.local.ports import SMTP_HOST
from barberpro.targets.local.router import PREVIEW_HEADER
from barberpro.targets.local.state import Deployment
from barberpro.targets.protocol import PassingFaultError, Report

HEALTH_SECONDS, READY_SECONDS = 30.0, 30.0


def start_base(basis: Basis, plan: Plan, revision: int) -> Report:
    """Starts the revision's processes beside the live ones, and waits until they answer."""
    with basis.platform.locked():
        record, entry = basis.revision(plan, revision)
        folder = private_folder(app_process.revision_folder(basis.layout, record.id, revision))
        if not (folder / "app.json").exists():
            write_application(basis, record, revision, lifecycle.application(basis.platform, plan))
        write_atomic(folder / "seed.json", json.dumps(plan.seed, ensure_ascii=False, indent=1))
        if not entry.running:
            entry.running = True
            entry.applied = app_process.applied_hash(basis.layout, record.id, revision)
            basis.store.save(record)
        basis.consoles.open(record, revision)  # it loads while the processes start
        basis.platform.sync_programs()
        basis.platform.sync_routes()
    app_process.wait_for(basis.layout, record, revision, "/health", seconds=HEALTH_SECONDS)
    base = [load.name for load in plan.workloads if load.kind == "base"]
    count = entry.web_processes
    how = "one process" if count == 1 else f"{count} web processes and a worker"
    return Report(f"{how} started for {len(base)} base services", {"processes": count})


def start_specialized(basis: Basis, plan: Plan, revision: int) -> Report:
    """The same processes serve them; says which of the plan's the running release reports."""
    record, _ = basis.revision(plan, revision)
    health = app_process.wait_for(basis.layout, record, revision, "/health", seconds=HEALTH_SECONDS)
    reported = health.get("services")
    known = set(reported) if isinstance(reported, (dict, list)) else set()
    wanted = [load.name for load in plan.workloads if load.kind == "specialized"]
    there = [name for name in wanted if name in known]
    return Report(
        f"{len(there)} of {len(wanted)} specialised services answer in the same processes",
        {"services": list(there), "missing": [n for n in wanted if n not in known]},
    )


def configure_mesh(basis: Basis, plan: Plan, revision: int) -> Report:
    """The path router → socket → process, walked from outside with the preview token."""
    record, entry = basis.revision(plan, revision)
    answer = basis.platform.edge().get(
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


def initialise_database(basis: Basis, plan: Plan, revision: int) -> Report:
    record, _ = basis.revision(plan, revision)
    folder = basis.layout.in_run(app_process.revision_folder(basis.layout, record.id, revision))
    console = basis.consoles.open(record, revision)
    migrated = console.run(["migrate"])
    seeded = console.run(["seed", str(folder / "seed.json")])
    app_process.wait_for(basis.layout, record, revision, "/ready", seconds=READY_SECONDS)
    return Report(
        f"schema {migrated.get('from')} → {migrated.get('to')}, first data there",
        {"migrated": dict(migrated), "seeded": dict(seeded)},
    )


def stop_revision(basis: Basis, plan: Plan, revision: int) -> None:
    basis.consoles.close(plan.deployment_id, revision)
    with basis.platform.locked():
        record = basis.store.deployment(plan.deployment_id)
        if record is None or revision not in record.revisions or revision == record.live:
            return
        record.revisions[revision].running = False
        basis.store.save(record)
        if basis.platform.is_running():
            basis.platform.sync_programs()
            basis.platform.sync_routes()
        if revision != record.previous:
            remove(app_process.revision_folder(basis.layout, record.id, revision))


def write_configuration(
    basis: Basis, plan: Plan, revision: int, section: str, values: Mapping[str, object]
) -> Report:
    """Sets the key ``section`` of the revision's ``app.json``; ``apply_configuration`` follows."""
    record, _ = basis.revision(plan, revision)
    facts: dict[str, object] = {}
    written = dict(values)
    if section == "mail":
        state = basis.store.platform()
        written = {**written, "host": SMTP_HOST, "port": state.smtp_port}
        facts = {**written, "mailbox": str(basis.layout.mail)}
    path = app_process.revision_folder(basis.layout, record.id, revision) / "app.json"
    application = json.loads(path.read_text())
    changed = application.get(section) != written
    application[section] = written
    write_application(basis, record, revision, application)
    facts["changed"] = changed
    return Report(f"{section} {'written' if changed else 'as it was'}", facts)


def apply_configuration(basis: Basis, plan: Plan, revision: int) -> Report:
    """Restarts the revision's processes if they were started with another configuration."""
    with basis.platform.locked():
        record, entry = basis.revision(plan, revision)
        now = app_process.applied_hash(basis.layout, record.id, revision)
        if entry.applied == now:
            return Report("in force already")
        programs = app_process.programs(basis.layout, record, revision)
        basis.platform.supervisor.restart([program.name for program in programs])
        entry.applied = now
        basis.store.save(record)
    app_process.wait_for(basis.layout, record, revision, "/health", seconds=HEALTH_SECONDS)
    return Report("processes restarted with it")


def write_application(
    basis: Basis, record: Deployment, revision: int, application: Mapping[str, object]
) -> None:
    path = app_process.revision_folder(basis.layout, record.id, revision) / "app.json"
    text = json.dumps(application, ensure_ascii=False, indent=1, sort_keys=True)
    write_atomic(path, text + "\n")


def activate(basis: Basis, plan: Plan, revision: int) -> Report:
    """Leads the public to the revision at once, then lets the one before end its requests."""
    with basis.platform.locked():
        record, _ = basis.revision(plan, revision)
        if record.live != revision:
            app_process.wait_for(basis.layout, record, revision, "/ready", seconds=READY_SECONDS)
            record.previous, record.live, record.stopped = record.live, revision, False
            basis.store.save(record)
        basis.platform.sync_routes()
        retired = record.revisions.get(record.previous) if record.previous else None
        if retired is not None and retired.running:
            retired.running = False
            basis.store.save(record)
            basis.platform.sync_programs()
            basis.platform.sync_routes()
    url = basis.store.platform().url_of(plan.network.hostname)
    before = f", revision {record.previous} ended" if record.previous else ""
    return Report(f"{url} serves revision {revision}{before}", {"url": url})


def deactivate(basis: Basis, plan: Plan, revision: int) -> None:
    """Leads the public back to the revision before, which is started again for that."""
    with basis.platform.locked():
        record = basis.store.deployment(plan.deployment_id)
        if record is None or record.live != revision:
            return
        earlier = record.previous
        if earlier is not None:
            record.revisions[earlier].running = True
            basis.store.save(record)
            basis.platform.sync_programs()
            app_process.wait_for(basis.layout, record, earlier, "/ready", seconds=READY_SECONDS)
        record.live, record.previous = earlier, None
        basis.store.save(record)
        basis.platform.sync_routes()
