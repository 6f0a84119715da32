"""A double of CloudNativePG's controller: it makes and says of a Cluster what the operator's documentation
says that one sees, over a control plane whose pods run in name only, and misbehaves on demand.

It has no PostgreSQL, no probes, no rolling updates and no recovery; no Job makes the first database. What it
is asked for, and the page of each field: docs/reference/cloudnativepg.md.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import yaml

from testcluster import cnpg_objects as made
from testcluster.cluster import Cluster
from testcluster.cnpg_api import Api
from testcluster.cnpg_reference import definitions

Object = dict[str, Any]
HEALTHY = "Cluster in healthy state"
UNRECOVERABLE = "Cluster is unrecoverable and needs manual intervention"
LOOK_SECONDS = 0.2


@dataclass
class Mood:
    """How it misbehaves. ``crowded``: serial numbers of instances that no node takes. ``asleep``: the
    operator is away. ``stuck`` and ``reason``: a phase that it does not leave."""

    crowded: set[int] = field(default_factory=set)
    asleep: bool = False
    stuck: str = ""
    reason: str = ""
    archive_error: str = ""
    backup_error: str = ""


@dataclass
class Known:
    """Of one Cluster: what was made for it."""

    uid: str
    primary: int = 1
    failing_over: bool = False
    made: set[str] = field(default_factory=set)


class Operator:
    """Runs in a thread of its own until it is stopped."""

    def __init__(self, cluster: Cluster) -> None:
        self.mood = Mood()
        self.trouble: BaseException | None = None
        self._api = Api(cluster.plane)
        self._known: dict[tuple[str, str], Known] = {}
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cnpg")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ends.set()
        self._thread.join()
        self._api.close()

    def fail_over(self, namespace: str) -> None:
        """The primary's pod is lost: failover/."""
        for (where, _), known in self._known.items():
            if where == namespace:
                known.failing_over = True

    def _run(self) -> None:
        try:
            while not self._ends.wait(LOOK_SECONDS):
                if not self.mood.asleep:
                    self._look()
        except BaseException as error:
            self.trouble = error
            raise

    def _look(self) -> None:
        try:
            clusters = self._api.everywhere("Cluster")
            pods = self._api.everywhere("Pod", "cnpg.io/podRole=instance")
            for one in clusters:
                self._of_cluster(one, pods)
            for one in self._api.everywhere("Pooler"):
                self._of_pooler(one)
            for one in self._api.everywhere("ScheduledBackup"):
                self._of_schedule(one)
            for one in self._api.everywhere("Backup"):
                self._of_backup(one)
        except httpx.TransportError:
            return  # an API server that restarts

    # -- a Cluster

    def _of_cluster(self, one: Object, pods: list[Object]) -> None:
        name, namespace = one["metadata"]["name"], one["metadata"]["namespace"]
        if one["metadata"].get("deletionTimestamp"):
            return
        known = self._known.get((namespace, name))
        if known is None or known.uid != one["metadata"]["uid"]:
            known = self._known[namespace, name] = Known(one["metadata"]["uid"])
        if "around" not in known.made:
            for other in (*made.own_secrets(one, namespace), *made.services(one), made.budget(one)):
                self._api.make(other, namespace=namespace)
            known.made.add("around")
        own = {
            pod["metadata"]["name"]: pod for pod in pods
            if pod["metadata"]["namespace"] == namespace and pod["metadata"]["labels"].get("cnpg.io/cluster") == name
        }  # fmt: skip
        ready = {pod for pod, about in own.items() if _is_ready(about)}
        wanted = [f"{name}-{serial}" for serial in range(1, one["spec"]["instances"] + 1)]
        if known.failing_over:
            self._fail_over(one, known, own, ready)
            return
        primary = f"{name}-{known.primary}"
        phase = "Setting up primary" if primary not in ready else HEALTHY
        for serial, instance in enumerate(wanted, 1):
            if instance not in own:
                role = "primary" if instance == primary else "replica"
                volume = made.volume(namespace, instance, one["spec"]["storage"]["size"])
                self._api.make(volume, namespace="")
                self._api.make(made.claim(one, instance), namespace=namespace)
                pod = made.instance_pod(one, instance, role, room=serial not in self.mood.crowded)
                self._api.make(pod, namespace=namespace)
            if instance not in ready:
                if phase == HEALTHY:
                    phase = "Creating a new replica"
                break  # one after the other
        self._say(
            one, phase, [w for w in wanted if w in ready], primary if primary in ready else ""
        )

    def _fail_over(
        self, one: Object, known: Known, own: dict[str, Object], ready: set[str]
    ) -> None:
        """First seen, then done: whoever reads often sees both."""
        name, namespace = one["metadata"]["name"], one["metadata"]["namespace"]
        old = f"{name}-{known.primary}"
        if one.get("status", {}).get("phase") != "Failing over":
            self._api.remove("Pod", namespace, old)
            self._say(one, "Failing over", sorted(ready - {old}), old)
            return
        if old in own:
            return
        known.primary = next(int(pod.rsplit("-", 1)[1]) for pod in sorted(ready - {old}))
        for pod in ready:
            role = "primary" if pod == f"{name}-{known.primary}" else "replica"
            labels = {"cnpg.io/instanceRole": role, "role": role}
            self._api.merge("Pod", namespace, pod, {"metadata": {"labels": labels}})
        known.failing_over = False

    def _say(self, one: Object, phase: str, ready: list[str], primary: str) -> None:
        name, namespace = one["metadata"]["name"], one["metadata"]["namespace"]
        status: Object = {
            "instances": one["spec"]["instances"], "readyInstances": len(ready), "instanceNames": ready,
            "phase": self.mood.stuck or phase, "phaseReason": self.mood.reason,
            "writeService": f"{name}-rw", "readService": f"{name}-r",
        }  # fmt: skip
        if primary:
            status |= {"currentPrimary": primary, "targetPrimary": primary}
        whole = phase == HEALTHY and not self.mood.stuck
        conditions = [
            _condition("Ready", whole, "ClusterIsReady" if whole else "ClusterIsNotReady")
        ]
        if one["spec"].get("plugins"):
            error = self.mood.archive_error
            word = "ContinuousArchivingFailing" if error else "ContinuousArchivingSuccess"
            conditions.append(_condition("ContinuousArchiving", not error, word, error))
        last = self._last_backup(namespace, name)
        if last is not None:
            good, error = last["status"]["phase"] == "completed", last["status"].get("error", "")
            word = "LastBackupSucceeded" if good else "LastBackupFailed"
            conditions.append(_condition("LastBackupSucceeded", good, word, error))
        before = {key: value for key, value in one.get("status", {}).items() if key in status}
        status["conditions"] = conditions
        said = [
            (c["type"], c["status"], c["message"])
            for c in one.get("status", {}).get("conditions", [])
        ]
        if before != {k: v for k, v in status.items() if k != "conditions"} or said != [
            (c["type"], c["status"], c["message"]) for c in conditions
        ]:
            self._api.merge("Cluster", namespace, name, {"status": status}, "status")

    def _last_backup(self, namespace: str, name: str) -> Object | None:
        done = [
            one for one in self._api.everywhere("Backup")
            if one["metadata"]["namespace"] == namespace and one["spec"]["cluster"]["name"] == name
            and one.get("status", {}).get("phase") in ("completed", "failed")
        ]  # fmt: skip
        return max(done, key=lambda one: str(one["status"]["stoppedAt"]), default=None)

    # -- what belongs to it

    def _of_pooler(self, one: Object) -> None:
        name, namespace = one["metadata"]["name"], one["metadata"]["namespace"]
        if self._api.find("Cluster", namespace, one["spec"]["cluster"]["name"]) is None:
            status: Object = {
                "phase": "inactive",
                "phaseReason": "the cluster is not there",
                "instances": 0,
            }
        else:
            for other in made.pooler_objects(one):
                self._api.make(other, namespace=namespace)
            found = self._api.find("Deployment", namespace, name) or {}
            status = {"phase": "active", "instances": found.get("status", {}).get("replicas", 0)}
        if {key: one.get("status", {}).get(key) for key in status} != status:
            self._api.merge("Pooler", namespace, name, {"status": status}, "status")

    def _of_schedule(self, one: Object) -> None:
        name, namespace = one["metadata"]["name"], one["metadata"]["namespace"]
        if one.get("status", {}).get("lastScheduleTime") or not one["spec"].get("immediate"):
            return
        now = datetime.now(UTC)
        spec = {
            key: one["spec"][key]
            for key in ("cluster", "method", "pluginConfiguration")
            if key in one["spec"]
        }
        backup = {
            "apiVersion": one["apiVersion"], "kind": "Backup", "spec": spec,
            "metadata": {"name": f"{name}-{now:%Y%m%d%H%M%S}", "labels": {"cnpg.io/scheduled-backup": name,
                                                                        "cnpg.io/immediateBackup": "true"}},
        }  # fmt: skip
        self._api.make(backup, namespace=namespace)
        status = {"lastScheduleTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
        self._api.merge("ScheduledBackup", namespace, name, {"status": status}, "status")

    def _of_backup(self, one: Object) -> None:
        """Started at the first look, over at the second. By the plugin it needs its ObjectStore."""
        name, namespace = one["metadata"]["name"], one["metadata"]["namespace"]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        phase = one.get("status", {}).get("phase")
        if phase is None:
            status = {"phase": "started", "startedAt": now, "method": one["spec"]["method"]}
        elif phase == "started":
            store = self._api.find("ObjectStore", namespace, one["spec"]["cluster"]["name"])
            error = self.mood.backup_error or ("" if store else "the ObjectStore is not there")
            status = {"phase": "failed" if error else "completed", "error": error, "stoppedAt": now}
        else:
            return
        self._api.merge("Backup", namespace, name, {"status": status}, "status")


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _condition(type_: str, good: bool, reason: str, message: str = "") -> Object:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "type": type_, "status": "True" if good else "False", "reason": reason, "message": message,
        "lastTransitionTime": now,
    }  # fmt: skip


@contextmanager
def operated(cluster: Cluster) -> Iterator[Operator]:
    """A cluster with CloudNativePG's kinds and the double of its operator; afterwards without them."""
    definitions_ = definitions()
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(definitions_))
    names = [f"crd/{one['metadata']['name']}" for one in definitions_]
    cluster.kubectl("wait", "--for=condition=Established", *names, "--timeout=60s")
    operator = Operator(cluster)
    operator.start()
    try:
        yield operator
    finally:
        operator.stop()
        cluster.kubectl("delete", *names, "--ignore-not-found")
    if operator.trouble is not None:
        raise operator.trouble
