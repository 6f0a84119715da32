"""A local deployment's life after it was made: secrets, start, stop, what runs, destroy."""

from __future__ import annotations

import gzip
import json
import secrets
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import psutil

from barberpro.errors import BarberProError
from barberpro.planning.model import Plan
from barberpro.targets.local import app_process, databases, releases
from barberpro.targets.local.files import private_folder, write_atomic
from barberpro.targets.local.files import remove as remove_files
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.ports import SMTP_HOST
from barberpro.targets.local.postgres import secret
from barberpro.targets.local.roster import SHARED
from barberpro.targets.local.state import Deployment
from barberpro.targets.protocol import Report, ServiceState

READY_SECONDS = 60.0
MOST_LINES = 10_000


def _passwords(platform: LocalPlatform, record: Deployment) -> tuple[str, str]:
    folder = private_folder(platform.layout.deployment(record.id) / "roles")
    return secret(folder / "owner"), secret(folder / "app")


def write_secrets(platform: LocalPlatform, record: Deployment) -> None:
    """The app's secrets: its own keys once, the database's URLs as they are now."""
    folder = private_folder(platform.layout.deployment(record.id) / "secrets")
    owner, app = _passwords(platform, record)
    server = platform.postgres
    write_atomic(
        folder / "database-owner-url", server.url(record.database, record.owner_role, owner)
    )
    write_atomic(folder / "database-url", server.url(record.database, record.app_role, app))
    for name in ("session-key", "token-key", "notes-key"):
        if not (folder / name).exists():
            write_atomic(folder / name, b64encode(secrets.token_bytes(32)) + b"\n")


def ensure_database(platform: LocalPlatform, record: Deployment) -> None:
    owner, app = _passwords(platform, record)
    databases.ensure(
        platform.postgres, record.database, (record.owner_role, owner), (record.app_role, app)
    )


def application(platform: LocalPlatform, plan: Plan) -> dict[str, object]:
    """``app.json``: the plan's, and what only this machine knows."""
    state = platform.store.platform()
    mail = plan.application.get("mail")
    return {
        **plan.application,
        "public_url": state.url_of(plan.network.hostname),
        "mail": {
            "from": f"turnos@{plan.network.hostname}",
            "username": "",
            "starttls": False,
            **(mail if isinstance(mail, dict) else {}),
            "host": SMTP_HOST,
            "port": state.smtp_port,
        },
    }


def _refresh(platform: LocalPlatform, record: Deployment) -> None:
    """After a start elsewhere: sockets may have moved, and the mail catcher's port too."""
    write_secrets(platform, record)
    port = platform.store.platform().smtp_port
    for number, revision in record.revisions.items():
        path = app_process.revision_folder(platform.layout, record.id, number) / "app.json"
        if not path.exists():
            continue
        document = json.loads(path.read_text())
        if document.get("mail", {}).get("port") != port:
            document["mail"]["port"] = port
            text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)
            write_atomic(path, text + "\n")
            revision.applied = app_process.applied_hash(platform.layout, record.id, number)


def start(platform: LocalPlatform, record: Deployment) -> Report:
    """Starts the deployment, and the shared services with it."""
    if record.destroying:
        raise BarberProError(
            f"{record.id} is being destroyed.", where=record.id,
            mend=f"finish it: barberpro destroy {record.id}",
        )  # fmt: skip
    platform.ensure_running()
    with platform.locked():
        record = platform.store.required(record.id)
        record.stopped = False
        _refresh(platform, record)
        platform.store.save(record)
        platform.sync_programs()
        platform.supervisor.revive(_own_states(platform, record))
        platform.sync_routes()
    if record.live is None:
        return Report(f"{record.id} has no live revision: deploy it")
    app_process.wait_for(platform.layout, record, record.live, "/ready", seconds=READY_SECONDS)
    edge = platform.edge()
    edge.wait_certificate(record.local_hostname)
    url = f"https://{record.local_hostname}:{edge.port}"
    return Report(f"{url} serves revision {record.live}", {"url": url, "revision": record.live})


def stop(platform: LocalPlatform, record: Deployment) -> Report:
    """Ends the deployment's processes; its address says that it is stopped."""
    with platform.locked():
        record = platform.store.required(record.id)
        record.stopped = True
        platform.store.save(record)
        if platform.is_running():
            platform.sync_routes()
            platform.sync_programs()
    return Report(f"{record.id} is stopped; its data stays")


def destroy(platform: LocalPlatform, record: Deployment, *, keep_backup: bool) -> Report:
    """Removes the deployment; first a last, verified backup, unless told not to."""
    record.destroying = record.stopped = True
    platform.store.save(record)
    platform.ensure_running()
    with platform.locked():
        platform.sync_routes()
        platform.sync_programs()
        if keep_backup and record.backup is None:
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            final = private_folder(platform.layout.backups) / f"{record.id}-{stamp}.dump"
            platform.postgres.dump(record.database, final)
            record.backup = str(final)
            platform.store.save(record)
        remove(platform, record)
    kept = f"; last backup: {record.backup}" if record.backup else ""
    return Report(f"{record.id} is removed{kept}", {"backup": record.backup})


def remove(platform: LocalPlatform, record: Deployment) -> None:
    """Processes, routes, database, roles and files; the record goes last, so that it can be repeated."""
    with platform.locked():
        record.stopped = True
        platform.store.save(record)
        platform.sync_programs()
        roles = (record.owner_role, record.app_role)
        databases.drop(platform.postgres, record.database, roles)
        folder = platform.layout.deployment(record.id)
        for entry in folder.iterdir():
            if entry.name != "record.json":
                remove_files(entry)
        remove_files(folder)
        platform.sync_routes()
        platform.sync_access()
        used = {
            revision.release
            for other in platform.store.deployments()
            for revision in other.revisions.values()
        }
        releases.prune(platform.layout.home / "releases", used)


def services(platform: LocalPlatform, record: Deployment) -> list[ServiceState]:
    """The deployment's processes, desired or there, then the shared ones."""
    states = platform.supervisor.states() or {}
    names = [
        program.name
        for number, _ in record.wanted()
        for program in app_process.programs(platform.layout, record, number)
    ]
    found = [_state(name, states) for name in [*names, *SHARED]]
    if record.stopped:
        found.insert(0, ServiceState(record.id, "stopped"))
    return found


def _state(name: str, states: dict[str, ServiceState]) -> ServiceState:
    state = states.get(name)
    if state is None:
        return ServiceState(name, "missing" if states else "stopped")
    if state.pid is None:
        return state
    try:
        process = psutil.Process(state.pid)
        memory = sum(_memory(p) for p in (process, *process.children(recursive=True)))
    except psutil.Error:
        return state
    return ServiceState(name, state.state, state.detail, state.pid, memory)


def _memory(process: psutil.Process) -> int:
    """Bytes, what is shared counted in shares (PSS) where the system tells: the processes of
    PostgreSQL have their buffers in common."""
    full = process.memory_full_info()
    return int(getattr(full, "pss", full.rss))


def _own_states(platform: LocalPlatform, record: Deployment) -> dict[str, ServiceState]:
    states = platform.supervisor.states() or {}
    wanted = {
        program.name
        for number, _ in record.wanted()
        for program in app_process.programs(platform.layout, record, number)
    }
    return {name: state for name, state in states.items() if name in wanted}


def listeners(platform: LocalPlatform) -> list[tuple[str, int, str]]:
    """Address, port and process of every TCP socket that this platform listens on."""
    found = set()
    for process in platform.supervisor.processes():
        try:
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    address, port = cast("tuple[str, int]", connection.laddr)
                    found.add((address, port, process.name()))
        except psutil.NoSuchProcess:
            continue
    return sorted(found)


def log_lines(platform: LocalPlatform, record: Deployment, request_id: str) -> list[str]:
    """The lines of router and app, rotated ones too, that carry ``request_id``."""
    if not request_id:
        return []
    layout = platform.layout
    paths = [
        *sorted(layout.logs.glob("access*.log*")),
        *sorted((layout.deployment(record.id) / "logs").glob("*.log*")),
    ]
    return [line for path in paths for line in _lines(path) if request_id in line][:MOST_LINES]


def _lines(path: Path) -> Iterator[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", errors="replace") as stream:
        for line in stream:
            yield line.rstrip("\n")
