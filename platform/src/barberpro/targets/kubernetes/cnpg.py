"""A database that CloudNativePG looks after: how it stands, and the wait until it takes connections.

Fields and phases as its reference has them: docs/reference/cloudnativepg.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from barberpro.errors import BarberProError
from barberpro.kube.kubectl import UnreachableError
from barberpro.targets.kubernetes import progress
from barberpro.targets.kubernetes.site import (
    POLL_SECONDS,
    ROOM_SECONDS,
    UNREACHABLE_SECONDS,
    Object,
    Site,
)
from barberpro.targets.protocol import PassingFaultError, ServiceState

CLUSTERS, STORES = "clusters.postgresql.cnpg.io", "objectstores.barmancloud.cnpg.io"
#: As a path of the API, for many at once.
PATH = "/apis/postgresql.cnpg.io/v1/clusters"
POOLERS = "poolers.postgresql.cnpg.io"
NAME, POOLER = "database", "database-pooler"
#: Label of what the operator makes for a pooler; its Deployment has none of ours.
POOLED = "cnpg.io/poolerName"
HEALTHY = "Cluster in healthy state"
#: Phases that the operator does not leave by itself, and what a person does about them.
HOPELESS = {
    "Cluster is unrecoverable and needs manual intervention": "restore it from its backups, or look at its pods",
    "Unable to create required cluster objects": "something refuses its objects: quota, admission policy, rights",
    "Invalid cluster definition": "correct what was set in --kube-values",
    "Cluster has incomplete or invalid image catalog": "name an image in database.cnpg.image of --kube-values",
    "Cluster cannot proceed to reconciliation due to an unknown plugin being required": "install the Barman Cloud "
    "plugin beside the operator, or set database.cnpg.backup.enabled to false in --kube-values",
    "Not enough disk space": "enlarge its volumes: a larger database.storageGb, where the storage class allows it",
}
#: Conditions that are True while all is well, in words for when they are not.
CONDITIONS = {
    "ContinuousArchiving": "the log is not archived",
    "LastBackupSucceeded": "the last backup failed",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """``line`` is for people: "1 of 3 instances ready: Creating a new replica". ``usable``: the primary
    takes connections. ``mend`` where waiting does not help."""

    ready: int
    wanted: int
    line: str
    usable: bool
    mend: str = ""


def standing(cluster: Object) -> Standing:
    """Of one object of the kind Cluster, as the operator describes it."""
    status, wanted = cluster.get("status", {}), int(cluster.get("spec", {}).get("instances", 1))
    ready, phase = int(status.get("readyInstances", 0)), str(status.get("phase", ""))
    line = f"{ready} of {wanted} instances ready"
    if not phase:
        line += ": not looked at by its operator yet"
    elif phase != HEALTHY:
        line += f": {phase}"
        if status.get("phaseReason"):
            line += f" ({str(status['phaseReason'])[:200]})"
    for condition in status.get("conditions") or ():
        words = CONDITIONS.get(str(condition.get("type")))
        if words and condition.get("status") == "False":
            message = str(condition.get("message", ""))[:200]
            line += f"; {words}{f': {message}' if message else ''}"
    usable = ready >= 1 and bool(status.get("currentPrimary")) and phase != "Failing over"
    return Standing(ready, wanted, line, usable and phase not in HOPELESS, HOPELESS.get(phase, ""))


def state_of(cluster: Object) -> ServiceState:
    """As a service of the deployment."""
    now = standing(cluster)
    name = str(cluster["metadata"]["name"])
    if now.mend:
        return ServiceState(name, "failed", now.line)
    return ServiceState(name, "running" if now.usable else "starting", now.line)


def services(site: Site) -> list[ServiceState]:
    return [state_of(one) for one in site.objects(CLUSTERS)]


def wait_for(site: Site, *, seconds: float, say: Callable[[str], None]) -> None:
    """Waits until the primary takes connections; its replicas may follow.

    Raises ``BarberProError`` at once for what waiting does not mend, and ``PassingFaultError`` with how it
    stands when ``seconds`` have passed. An API server that is away is waited for.
    """
    started = heard = time.monotonic()
    said = ""
    while True:
        try:
            found = site.get(CLUSTERS, NAME) or {}
            now = standing(found)
            if now.usable:
                return
            patient = time.monotonic() - started < ROOM_SECONDS
            pods = progress.standing([], _pods(site), patient=patient)
            heard = time.monotonic()
        except UnreachableError as error:
            if time.monotonic() - heard > UNREACHABLE_SECONDS:
                raise PassingFaultError(error.what, seconds=5.0, where=error.where) from error
            time.sleep(POLL_SECONDS)
            continue
        line = "; ".join(part for part in (f"database: {now.line}", pods.notes) if part)
        if line != said:
            said = line
            say(said)
        if now.mend:
            raise BarberProError(line, where=site.shown("describe", CLUSTERS, NAME), mend=now.mend)
        if pods.trouble is not None:
            raise site.explained(pods.trouble)
        if time.monotonic() - started > seconds:
            raise PassingFaultError(
                f"after {seconds:.0f} s {line}", seconds=3.0, where=site.shown("describe", CLUSTERS, NAME)
            )  # fmt: skip
        time.sleep(POLL_SECONDS)


def kept_elsewhere(site: Site) -> list[str]:
    """Where its backups lie, which nothing of the cluster removes, and how long."""
    found = []
    for one in site.objects(STORES):
        spec = one.get("spec", {})
        where = spec.get("configuration", {}).get("destinationPath", "")
        found.append(
            f"kept: archive and backups in {where}; their retention was {spec.get('retentionPolicy')}"
        )
    return found


def _pods(site: Site) -> Sequence[Object]:
    return site.objects("pods", "-l", f"cnpg.io/cluster={NAME}")
