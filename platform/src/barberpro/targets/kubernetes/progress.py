"""How a rollout stands, from what the cluster says: pure. What cannot heal by waiting is told apart
from what may, with the commands that a person would look with next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]

#: Reasons for which a container waits, that waiting does not mend.
HOPELESS = {
    "ImagePullBackOff": "its image cannot be pulled",
    "ErrImagePull": "its image cannot be pulled",
    "InvalidImageName": "its image has no valid name",
    "ErrImageNeverPull": "its image is not on the node",
    "CreateContainerConfigError": "something that it mounts or reads is not there",
    "CreateContainerError": "it cannot be created",
    "RunContainerError": "it cannot be started",
}
PULLS = frozenset({"ErrImagePull"})  # once may be a hiccup; the kubelet then says BackOff
CRASHES = 4  # restarts of one container, after which it is taken as broken
REMEDIES = {
    "image": "see that the image is there under this name and that the cluster may pull it (--image)",
    "quota": "raise the quota, or choose a smaller market",
    "room": "add a node, or choose a smaller market; barberpro cluster check shows what is free",
    "volume": "the cluster makes no volume for it: kubectl get storageclass lists what there is; name one "
    "in database.storageClass of --kube-values",
    "crash": "read its log with the command above; a wrong setting is named there",
    "denied": "an admission policy of the cluster refuses the pods: ask who runs it",
    "config": "see which Secret or ConfigMap is missing with the describe command above",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that waiting does not mend."""

    what: str
    mend: str
    pod: str = ""
    crash: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """``line`` is for people: "2 of 3 pods ready; booking-7d…: image pull: not found"."""

    ready: int
    wanted: int
    line: str
    notes: str
    trouble: Trouble | None

    @property
    def done(self) -> bool:
        return self.ready >= self.wanted


def standing(
    workloads: Sequence[Object], pods: Sequence[Object], *, patient: bool = False
) -> Standing:
    """Of Deployments or StatefulSets and all pods of the namespace. ``patient``: a pod that finds no
    node yet may wait for a cluster that is adding one."""
    ready = sum(1 for one in workloads if rolled_out(one))
    notes: list[str] = []
    trouble: Trouble | None = None
    names = {one["metadata"]["name"] for one in workloads}
    for one in workloads:
        trouble = trouble or _refused(one)
    for pod in pods:
        owner = pod["metadata"].get("labels", {}).get("app.kubernetes.io/name", "")
        if names and owner not in names:
            continue
        note, found = _of_pod(pod, patient=patient)
        if note:
            notes.append(note)
        trouble = trouble or found
    missing = [o["metadata"]["name"] for o in workloads if not rolled_out(o)]
    line = f"{ready} of {len(workloads)} workloads ready"
    if notes:
        line += f"; {'; '.join(notes[:3])}"
    elif missing:
        line += f"; waiting for {', '.join(missing[:4])}"
    return Standing(ready, len(workloads), line, "; ".join(notes[:3]), trouble)


def rolled_out(one: Object) -> bool:
    """All replicas are of the newest template, and ready (as `kubectl rollout status` sees it)."""
    spec, status = one.get("spec", {}), one.get("status", {})
    wanted = int(spec.get("replicas", 1))
    if int(status.get("observedGeneration", 0)) < int(one["metadata"].get("generation", 0)):
        return False
    updated = int(status.get("updatedReplicas", 0))
    if "availableReplicas" in status or one.get("kind") == "Deployment":
        available = int(status.get("availableReplicas", 0))
    else:
        available = int(status.get("readyReplicas", 0))
    total = int(status.get("replicas", 0))
    return updated >= wanted and total <= max(updated, wanted) and available >= wanted


def _refused(one: Object) -> Trouble | None:
    """The controller could not make pods at all."""
    for condition in one.get("status", {}).get("conditions") or ():
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            message = str(condition.get("message", ""))
            quota = "exceeded quota" in message
            return Trouble(
                f"no pod of {one['metadata']['name']} may be made: {message[:300]}",
                REMEDIES["quota" if quota else "denied"],
            )
    return None


def _of_pod(pod: Object, *, patient: bool) -> tuple[str, Trouble | None]:
    name = str(pod["metadata"]["name"])
    status = pod.get("status", {})
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            message = str(condition.get("message", "no node takes it"))
            found = None
            if condition.get("reason") == "Unschedulable" and not patient:
                kind = "volume" if "PersistentVolumeClaim" in message else "room"
                found = Trouble(f"{name} finds no node: {message[:300]}", REMEDIES[kind], name)
            return f"{name}: finds no node: {message[:120]}", found
    for one in _containers(status):
        waiting = one.get("state", {}).get("waiting") or {}
        reason, message = str(waiting.get("reason", "")), str(waiting.get("message", ""))
        restarts = int(one.get("restartCount", 0))
        if reason in HOPELESS:
            what = f"{name}: {HOPELESS[reason]} ({one.get('image', '')}): {message[:200] or reason}"
            kind = "image" if "mage" in reason else "config"
            return what, None if reason in PULLS else Trouble(what, REMEDIES[kind], name)
        if reason == "CrashLoopBackOff":
            ended = (one.get("lastState", {}).get("terminated") or {}).get("exitCode")
            what = f"{name}: {one.get('name')} ends again and again (exit code {ended})"
            broken = restarts >= CRASHES or ended == 2  # 2: its configuration is not valid
            return what, Trouble(what, REMEDIES["crash"], name, crash=True) if broken else None
    if status.get("phase") == "Pending":
        return f"{name}: pending", None
    return "", None


def _containers(status: Object) -> Iterable[Object]:
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def job_state(job: Object) -> str:
    """``complete``, ``failed`` or ``running``."""
    for condition in job.get("status", {}).get("conditions") or ():
        if condition.get("status") == "True" and condition.get("type") in ("Complete", "Failed"):
            return str(condition["type"]).lower()
    return "running"
