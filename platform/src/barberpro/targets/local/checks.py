"""What can be known about this machine before a deployment: size, disk, names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import Plan
from barberpro.targets.local.router import MAIL_HOST
from barberpro.targets.local.state import Deployment

GIB = 1024**3
LEAST_DISK_BYTES = GIB
FIRST_MEMORY_BYTES = 250 * 1024**2  # what one idle deployment takes with all shared services
FURTHER_MEMORY_BYTES = 120 * 1024**2
MANY_CONCURRENT = 250  # users at once that one process serves; a larger plan gets several


def web_processes(plan: Plan) -> int:
    """One process up to a medium market; beyond it the gateway's replicas, at most one per core."""
    if plan.sizes.concurrent_users <= MANY_CONCURRENT:
        return 1
    replicas = [load.replicas_min for load in plan.workloads if load.name == "api-gateway"]
    return max(2, min(os.cpu_count() or 1, replicas[0] if replicas else 2))


def resources(plan: Plan, home: Path, *, first: bool) -> Iterator[Finding]:
    """Findings on CPU, memory and disk. A machine below the plan's sizes is told, not refused:
    the figures are for the market's full load. What cannot even start is refused."""
    folder = next(part for part in (home, *home.parents) if part.exists())
    free = shutil.disk_usage(folder).free
    if free < LEAST_DISK_BYTES:
        yield Finding(
            id="local-disk-full", severity=Severity.BLOCKING,
            what=f"{free / GIB:.1f} GB are free on the disk, at least 1 GB is needed",
            where=str(folder), why="database, backups and logs would fill it",
            mend="free space there, or choose another folder with BARBERPRO_HOME",
        )  # fmt: skip
    elif free < plan.sizes.storage_gb * GIB:
        yield _small(
            "disk", f"{free / GIB:.0f} GB free", f"{plan.sizes.storage_gb:g} GB", str(folder)
        )
    memory = psutil.virtual_memory()
    needed = FIRST_MEMORY_BYTES if first else FURTHER_MEMORY_BYTES
    if memory.available < needed:
        yield Finding(
            id="local-memory-short", severity=Severity.BLOCKING,
            what=f"{memory.available // 2**20} MB of memory are available, "
            f"{needed // 2**20} MB are needed to start",
            where="this machine", mend="end other programs, or deploy to another machine",
        )  # fmt: skip
    elif memory.total < plan.sizes.memory_gb * GIB * 0.95:  # the kernel keeps some for itself
        yield _small(
            "memory", f"{memory.total / GIB:.1f} GB", f"{plan.sizes.memory_gb:g} GB", "this machine"
        )
    cores = os.cpu_count() or 1
    if cores < plan.sizes.cpu_cores:
        yield _small("cpu", f"{cores} cores", f"{plan.sizes.cpu_cores:g} cores", "this machine")
    if os.geteuid() == 0:
        yield Finding(
            id="local-root", severity=Severity.INFO,
            what="the app and the router run as root, PostgreSQL as an account of its own",
            where="this machine", why="the least rights that do are enough",
            mend="run BarberPro as an ordinary user",
        )  # fmt: skip


def _small(what: str, found: str, wanted: str, where: str) -> Finding:
    return Finding(
        id=f"local-{what}-below-plan", severity=Severity.WARNING,
        what=f"{what}: {found}, the plan counts on {wanted}", where=where,
        why="manual, Resource Planning: figures for the market's full load",
        mend="good enough to try and for little traffic; use a larger machine for the full load",
    )  # fmt: skip


def hostnames(plan: Plan, records: Sequence[Deployment]) -> Iterator[Finding]:
    """A name that another deployment has is refused; a public one says what is still to be done."""
    for name in names_of(plan):
        if name == MAIL_HOST:
            yield Finding(
                id="hostname-reserved", severity=Severity.BLOCKING,
                what=f"{name} is the address of this machine's mail catcher", where=name,
                mend="choose another --name, --id or --domain",
            )  # fmt: skip
        for record in records:
            if record.id != plan.deployment_id and name in record.hostnames:
                yield Finding(
                    id="hostname-taken", severity=Severity.BLOCKING,
                    what=f"{name} is the address of the deployment {record.id}", where=name,
                    mend=f"choose another --domain, or first `barberpro destroy {record.id}`",
                )  # fmt: skip
    if plan.network.domain is not None and plan.network.certificate_issuer != "acme":
        yield Finding(
            id="public-domain-local-ca", severity=Severity.INFO,
            what=f"{plan.network.domain} is served on this machine with a certificate of the local CA",
            where=plan.network.domain,
            why="public DNS and a public certificate need credentials that were not given",
            mend=f"until then use https://{plan.network.local_hostname}",
        )  # fmt: skip


def names_of(plan: Plan) -> list[str]:
    """Every name that the deployment answers to, the local one first."""
    network = plan.network
    names = (network.local_hostname, network.hostname, network.domain)
    return list(dict.fromkeys(name for name in names if name))
