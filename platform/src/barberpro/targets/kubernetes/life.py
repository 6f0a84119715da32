"""A deployment's life on a cluster after it was made: what runs, start, stop, logs, destroy."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from barberpro.errors import BarberProError
from barberpro.kube.kubectl import NotFoundError
from barberpro.targets.kubernetes import cnpg
from barberpro.targets.kubernetes.helm import Helm
from barberpro.targets.kubernetes.records import Record, Records
from barberpro.targets.kubernetes.site import Object, Site
from barberpro.targets.local.files import private_folder, told_to_operator
from barberpro.targets.protocol import Report, ServiceState

START_SECONDS, DUMP_SECONDS = 300.0, 1800.0
LOG_WINDOW = "15m"
PARTS = "app.kubernetes.io/component in (base,specialized)"
RETAINED = "Retain"


def services(site: Site, database_mode: str = "") -> list[ServiceState]:
    """Each Deployment and the database, where it is in the cluster, with how many replicas are ready."""
    found = site.objects("deployments,statefulsets")
    if database_mode != "cnpg":
        return [state_of(one) for one in found]
    poolers = [one for one in found if cnpg.POOLED in one["metadata"].get("labels", {})]
    ours = [one for one in found if one not in poolers]
    return [*map(state_of, [*ours, *poolers]), *cnpg.services(site)]


def state_of(one: Object) -> ServiceState:
    """How a Deployment or StatefulSet stands."""
    status, spec = one.get("status", {}), one.get("spec", {})
    wanted, ready = int(spec.get("replicas", 1)), int(status.get("readyReplicas", 0))
    if wanted == 0:
        state = "stopped"
    elif ready == 0:
        state = "failed" if _failing(one) else "starting"
    else:
        state = "running"
    return ServiceState(one["metadata"]["name"], state, f"{ready} of {wanted} replicas ready")


def _failing(one: Object) -> bool:
    return any(
        condition.get("type") == "Progressing" and condition.get("status") == "False"
        for condition in one.get("status", {}).get("conditions") or ()
    )


def app_log(site: Site) -> list[str]:
    """What the app's pods wrote lately, one JSON object a line."""
    try:
        text = site.kubectl.call(
            "logs", "-n", site.namespace, "-l", PARTS, f"--since={LOG_WINDOW}", "--tail=-1",
            "--prefix=false", "--max-log-requests=60", "--ignore-errors",
        )  # fmt: skip
    except NotFoundError:
        return []
    return text.splitlines()


def start(site: Site, say: Callable[[str], None]) -> Report:
    """Back to as many replicas as the plan has at least, and waits until they are ready."""
    least = {
        one["metadata"]["name"]: int(one["spec"].get("minReplicas", 1))
        for one in site.objects("horizontalpodautoscalers")
    }
    found = [one["metadata"]["name"] for one in site.objects("deployments", "-l", PARTS)]
    if not found:
        return Report(f"{site.namespace} has no processes on the cluster: deploy it")
    site.scale((name, least.get(name, 1)) for name in found)
    wanted = set(found)
    site.wait_for(
        "deployments", lambda one: one["metadata"]["name"] in wanted, seconds=START_SECONDS, say=say
    )
    return Report(f"{len(found)} services of {site.namespace} run")


def stop(site: Site) -> Report:
    """No replica of the app; an autoscaler does not act on what was scaled to none. The database stays up."""
    names = [one["metadata"]["name"] for one in site.objects("deployments", "-l", PARTS)]
    site.scale((name, 0) for name in names)
    return Report(f"{site.namespace} is stopped; its database stays up, its data stays")


@dataclass(frozen=True, slots=True)
class Destruction:
    records: Records
    record: Record
    site: Site
    helm: Helm


def destroy(task: Destruction, backups: Path | None) -> Report:
    """A last backup where one is wanted and the database is ours; then the release, then the
    namespace with all in it. Says what stays. Safe to repeat."""
    record, site = task.record, task.site
    record.destroying = True
    task.records.save(record)
    kept = []
    if site.namespace_object() is not None:
        if backups is not None and record.backup is None and record.live is not None:
            record.backup = _back_up(task, backups)
            task.records.save(record)
        volumes = _retained(site)
        if record.database_mode == "cnpg":
            kept += cnpg.kept_elsewhere(site)
        if not task.helm.history() and record.live is not None:
            kept.append("the release was not there: somebody ran helm uninstall by hand")
        task.helm.uninstall()
        site.remove_namespace()
        kept += [f"kept: volume {name} (its class retains it)" for name in volumes]
    if record.backup:
        kept.append(f"kept: backup {record.backup}")
    elif record.database_mode == "external":
        kept.append("kept: the database, which is not ours")
    task.records.remove(record.id)
    detail = "; ".join([f"release and namespace {record.id} removed", *kept])
    return Report(detail, {"backup": record.backup} if record.backup else {})


def _back_up(task: Destruction, backups: Path) -> str | None:
    """Dumps the database through its own pod; None where it is not ours."""
    record, site = task.record, task.site
    if record.database_mode == "external":
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = private_folder(backups) / f"{record.id}-{stamp}.dump"
    pod, name = _primary(site, record)
    words = site.kubectl.words("exec", pod, "-n", site.namespace, "--request-timeout=0", "--")
    command = [*words, "pg_dump", "-U", "postgres", "--format=custom", f"--dbname={name}"]
    with told_to_operator("Keeping a backup"), path.open("wb") as stream:
        done = subprocess.run(
            command, stdout=stream, stderr=subprocess.PIPE, timeout=DUMP_SECONDS, check=False
        )
    if done.returncode != 0 or path.stat().st_size == 0:
        path.unlink(missing_ok=True)
        raise BarberProError(
            f"the last backup failed: {done.stderr.decode(errors='replace').strip()[-300:]}",
            where=site.shown("exec", pod, "--", "pg_dump"),
            mend=f"mend it and repeat; or remove without one: barberpro destroy {record.id} --no-backup",
        )
    return str(path)


def _primary(site: Site, record: Record) -> tuple[str, str]:
    """The pod that takes writes, and the database's name."""
    if record.database_mode == "cnpg":
        found = site.get(cnpg.CLUSTERS, cnpg.NAME) or {}
        pod = str(found.get("status", {}).get("currentPrimary", "database-1"))
        return pod, str(
            found.get("spec", {}).get("bootstrap", {}).get("initdb", {}).get("database")
        )
    start = site.get("configmap", "database-start") or {}
    return "database-0", str(start.get("data", {}).get("database", ""))


def _retained(site: Site) -> list[str]:
    """Volumes that outlive their claims."""
    found = site.kubectl.raw("/api/v1/persistentvolumes").get("items")
    names = []
    for one in found if isinstance(found, list) else []:
        assert isinstance(one, dict)
        spec, metadata = one.get("spec"), one.get("metadata")
        assert isinstance(spec, dict)
        assert isinstance(metadata, dict)
        claim = spec.get("claimRef")
        ours = isinstance(claim, dict) and claim.get("namespace") == site.namespace
        if ours and spec.get("persistentVolumeReclaimPolicy") == RETAINED:
            names.append(str(metadata.get("name")))
    return names
