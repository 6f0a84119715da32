"""What a cluster says of itself, read once and kept as plain data. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from barberpro.kube.kubectl import (
    ForbiddenError,
    Kubectl,
    NotFoundError,
    RejectedError,
    UnreachableError,
)
from barberpro.kube.quantities import quantity

AT_ONCE = 4  # calls in flight; an API server gives each user a fair share
ENDED = {"Succeeded", "Failed"}
PODS = "/api/v1/pods"
CONTROLLERS = ("/apis/apps/v1/deployments", "/apis/apps/v1/daemonsets")

Read = Callable[[str], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Node:
    """Room in cores and bytes: what pods may ask for, and what they have asked for."""

    name: str
    ready: bool
    region: str
    zone: str
    cores: Decimal
    memory: Decimal
    cores_asked: Decimal
    memory_asked: Decimal


@dataclass(frozen=True, slots=True)
class StorageClass:
    name: str
    provisioner: str
    default: bool
    expandable: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """``hidden`` lists what the caller may not see, so that nothing is said of it."""

    version: str
    groups: frozenset[str]
    nodes: tuple[Node, ...] = ()
    storage: tuple[StorageClass, ...] = ()
    ingress_classes: tuple[str, ...] = ()
    gateway_classes: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    metrics: bool = False
    parts: frozenset[str] = frozenset()  # names of what runs cluster-wide: deployments, daemon sets
    denied: tuple[str, ...] = ()  # rights that a deployment needs and the caller lacks
    hidden: Mapping[str, str] = field(default_factory=dict)


def read_facts(kubectl: Kubectl, rights: Iterable[Mapping[str, str]]) -> Facts:
    """Ask the cluster all that the checks need; ``rights`` are resource attributes to be reviewed.

    Raises:
        UnreachableError, UnauthorizedError: nothing can be read at all.
    """
    version = str(kubectl.raw("/version")["gitVersion"]).removeprefix("v")
    found = kubectl.raw("/apis")["groups"]
    assert isinstance(found, list)
    groups = frozenset(str(group["name"]) for group in found if isinstance(group, dict))
    hidden: dict[str, str] = {}

    def items(path: str, needs: str = "") -> list[dict[str, Any]]:
        if needs and needs not in groups:
            return []
        slim = SLIM.get(path, _whole)
        try:
            return [slim(item) for item in kubectl.each(path)]
        except (ForbiddenError, NotFoundError) as error:
            hidden[path] = error.what
            return []

    paths = {
        "nodes": ("/api/v1/nodes", ""), "pods": (PODS, ""),
        "storage": ("/apis/storage.k8s.io/v1/storageclasses", ""),
        "ingress": ("/apis/networking.k8s.io/v1/ingressclasses", ""),
        "gateway": ("/apis/gateway.networking.k8s.io/v1/gatewayclasses", "gateway.networking.k8s.io"),
        "issuers": ("/apis/cert-manager.io/v1/clusterissuers", "cert-manager.io"),
        **{path: (path, "") for path in CONTROLLERS},
    }  # fmt: skip
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = {name: pool.submit(items, *where) for name, where in paths.items()}
        denied, metrics = pool.submit(_denied, kubectl, rights), pool.submit(_metrics, kubectl)
        got = {name: future.result() for name, future in asked.items()}
    return Facts(
        version, groups, _nodes(got["nodes"], got["pods"]), _storage(got["storage"]),
        _names(got["ingress"]), _names(got["gateway"]), _names(got["issuers"]), metrics.result(),
        frozenset(part for path in CONTROLLERS for part in _parts(got[path])), denied.result(), hidden,
    )  # fmt: skip


def _whole(item: dict[str, Any]) -> dict[str, Any]:
    return item


def _pod(item: dict[str, Any]) -> dict[str, Any]:
    """What counts of a pod: where it is, and what it asked for."""
    spec = item["spec"]
    asked = [
        {"resources": {"requests": one.get("resources", {}).get("requests", {})}}
        for one in spec.get("containers", ())
    ]
    phase = item.get("status", {}).get("phase")
    return {
        "status": {"phase": phase},
        "spec": {"nodeName": spec.get("nodeName", ""), "containers": asked},
    }


def _named(item: dict[str, Any]) -> dict[str, Any]:
    about = item["metadata"]
    return {"metadata": {"name": about["name"], "labels": about.get("labels", {})}}


#: Of what there may be thousands, only what is looked at is kept.
SLIM = {PODS: _pod, **dict.fromkeys(CONTROLLERS, _named)}


def _denied(kubectl: Kubectl, rights: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    reviews: list[JsonValue] = [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {**right}},
        }
        for right in rights
    ]
    denied = []
    for review in kubectl.create(reviews):
        spec: Any = review["spec"]
        status: Any = review["status"]
        if not status.get("allowed"):
            right = spec["resourceAttributes"]
            kind = "/".join(
                part for part in (right["resource"], right.get("subresource", "")) if part
            )
            denied.append(f"{right['verb']} {kind}")
    return tuple(denied)


def _metrics(kubectl: Kubectl) -> bool:
    try:
        return bool(kubectl.raw("/apis/metrics.k8s.io/v1beta1").get("resources"))
    except (NotFoundError, ForbiddenError, RejectedError, UnreachableError):
        return False  # registered perhaps, and not served: as good as none


def _nodes(nodes: list[dict[str, Any]], pods: list[dict[str, Any]]) -> tuple[Node, ...]:
    cores: dict[str, Decimal] = {}
    memory: dict[str, Decimal] = {}
    for pod in pods:
        if pod.get("status", {}).get("phase") in ENDED:
            continue
        name = pod["spec"].get("nodeName", "")
        for container in pod["spec"].get("containers", ()):
            asked = container.get("resources", {}).get("requests", {})
            cores[name] = cores.get(name, Decimal(0)) + quantity(asked.get("cpu", "0"))
            memory[name] = memory.get(name, Decimal(0)) + quantity(asked.get("memory", "0"))
    return tuple(_node(node, cores, memory) for node in nodes)


def _node(node: dict[str, Any], cores: dict[str, Decimal], memory: dict[str, Decimal]) -> Node:
    name = node["metadata"]["name"]
    labels, status = node["metadata"].get("labels", {}), node.get("status", {})
    room = status.get("allocatable", {})
    ready = any(
        c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", ())
    )
    closed = bool(node["spec"].get("unschedulable"))
    return Node(
        name, ready and not closed, labels.get("topology.kubernetes.io/region", ""),
        labels.get("topology.kubernetes.io/zone", ""),
        quantity(room.get("cpu", "0")), quantity(room.get("memory", "0")),
        cores.get(name, Decimal(0)), memory.get(name, Decimal(0)),
    )  # fmt: skip


def _storage(classes: list[dict[str, Any]]) -> tuple[StorageClass, ...]:
    mark = "storageclass.kubernetes.io/is-default-class"
    return tuple(
        StorageClass(
            item["metadata"]["name"],
            item.get("provisioner", ""),
            item["metadata"].get("annotations", {}).get(mark) == "true",
            bool(item.get("allowVolumeExpansion")),
        )
        for item in classes
    )


def _names(objects: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(item["metadata"]["name"] for item in objects)


def _parts(objects: list[dict[str, Any]]) -> Iterable[str]:
    for item in objects:
        labels = item["metadata"].get("labels", {})
        yield item["metadata"]["name"]
        yield from (labels[key] for key in ("app.kubernetes.io/name", "k8s-app") if key in labels)
