"""From what a cluster says of itself to findings; pure.

The list is the manual's ("System Prerequisites", "Network Requirements"): versions, rights, room,
storage, metrics, ingress, certificates, names, zones, and what only a person can vouch for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from barberpro.operations.cluster.facts import Facts, Node
from barberpro.operations.cluster.parts import check_attested, check_parts
from barberpro.operations.cluster.words import bad, doubt, good
from barberpro.planning.findings import Finding
from barberpro.planning.model import Sizes

LEAST_KUBERNETES = (1, 25)
LEAST_HELM = (3, 12)
NEWEST_TRIED = (1, 37)  # the manifests are validated against the schemas up to this one
GIB = Decimal(2**30)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the deployment will need, and what the operator vouches for."""

    sizes: Sizes
    market: str
    attested: Mapping[str, str]


def check_helm(version: tuple[int, int, int], text: str) -> Finding:
    if version[:2] < LEAST_HELM:
        return bad(
            "helm",
            f"Helm {text} is too old",
            "the manual asks for 3.12 or newer",
            "https://helm.sh/docs/intro/install/",
        )
    return good("helm", f"Helm {text}")


def check_cluster(facts: Facts, wanted: Wanted) -> list[Finding]:
    """All findings on the cluster, in the order of what stands on what."""
    found = [_version(facts), _rights(facts), *_nodes(facts, wanted), *_zones(facts)]
    found += [_storage(facts), *check_parts(facts, wanted.market)]
    return [*found, *check_attested(wanted.attested)]


def _version(facts: Facts) -> Finding:
    major, minor = (
        int("".join(c for c in part if c.isdigit())) for part in facts.version.split(".")[:2]
    )
    if (major, minor) < LEAST_KUBERNETES:
        return bad(
            "kubernetes",
            f"Kubernetes {facts.version} is too old",
            "the manual asks for 1.25 or newer",
            "upgrade the control plane and the nodes as your provider has it",
        )
    if (major, minor) > NEWEST_TRIED:
        return doubt(
            "kubernetes",
            f"Kubernetes {facts.version} is newer than any that was tried ({NEWEST_TRIED[0]}.{NEWEST_TRIED[1]})",
            "",
            "deploy to a staging cluster first",
        )
    return good("kubernetes", f"Kubernetes {facts.version}")


def _rights(facts: Facts) -> Finding:
    if not facts.denied:
        return good("rights", "this user may do all that a deployment needs")
    shown = ", ".join(facts.denied[:6]) + (
        f" and {len(facts.denied) - 6} more" if len(facts.denied) > 6 else ""
    )
    return bad(
        "rights", f"this user may not: {shown}", "a deployment makes these objects in its own namespace",
        "kubectl create clusterrolebinding barberpro --clusterrole=cluster-admin --user=USER (by an administrator), "
        "or a role with these rights",
    )  # fmt: skip


def _nodes(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    if "/api/v1/nodes" in facts.hidden:
        yield doubt(
            "nodes",
            "nodes cannot be seen, so their room is not known",
            facts.hidden["/api/v1/nodes"],
            "kubectl create clusterrolebinding barberpro-view --clusterrole=view --user=USER, with nodes added",
        )
        return
    ready = [node for node in facts.nodes if node.ready]
    if not ready:
        yield bad(
            "nodes",
            f"no node is ready ({len(facts.nodes)} known)",
            "pods need a node",
            "kubectl describe nodes",
        )
        return
    lame = [node.name for node in facts.nodes if not node.ready]
    if lame:
        yield doubt(
            "nodes",
            f"{len(ready)} nodes are ready, and these are not: {', '.join(lame[:5])}",
            "",
            f"kubectl describe node {lame[0]}",
        )
    else:
        yield good(
            "nodes", "one node is ready" if len(ready) == 1 else f"{len(ready)} nodes are ready"
        )
    yield _room(ready, wanted, known="/api/v1/pods" not in facts.hidden)


def _room(ready: list[Node], wanted: Wanted, *, known: bool) -> Finding:
    cores = sum((max(node.cores - node.cores_asked, Decimal(0)) for node in ready), Decimal(0))
    memory = (
        sum((max(node.memory - node.memory_asked, Decimal(0)) for node in ready), Decimal(0)) / GIB
    )
    sizes = wanted.sizes
    said = f"{cores:.1f} cores and {memory:.1f} GiB are free; the {wanted.market} market needs {sizes.cpu_cores:g} and {sizes.memory_gb:g}"
    if not known:
        return doubt(
            "capacity",
            f"pods cannot be seen; at most {said}",
            "",
            "ask for the right to list pods in all namespaces",
        )
    if cores < Decimal(str(sizes.cpu_cores)) or memory < Decimal(str(sizes.memory_gb)):
        return bad(
            "capacity",
            f"too little room: {said}",
            'the manual, "Resource Planning"',
            "add nodes, or choose a smaller --market",
        )
    return good("capacity", f"room enough: {said}")


def _zones(facts: Facts) -> Iterator[Finding]:
    if not facts.nodes:
        return
    regions = sorted({node.region for node in facts.nodes if node.region})
    zones = sorted({node.zone for node in facts.nodes if node.zone})
    label = "kubectl label node NODE topology.kubernetes.io/region=REGION topology.kubernetes.io/zone=ZONE"
    if not zones:
        yield doubt(
            "zones",
            "no node tells its zone, so replicas cannot be spread over zones",
            "labels topology.kubernetes.io/region and /zone",
            label,
        )
    elif len(zones) == 1:
        yield doubt(
            "zones",
            f"one zone only ({zones[0]}): the loss of it is the loss of the deployment",
            "",
            "add nodes in a second zone",
        )
    else:
        yield good(
            "zones",
            f"{len(zones)} zones ({', '.join(zones[:4])}) in {', '.join(regions) or 'a region without a label'}",
        )


def _storage(facts: Facts) -> Finding:
    default = [one for one in facts.storage if one.default]
    if default:
        grows = "" if default[0].expandable else "; its volumes cannot grow later"
        return good(
            "storage", f"default storage class {default[0].name} ({default[0].provisioner}){grows}"
        )
    if facts.storage:
        first = facts.storage[0].name
        mark = '{"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}}'
        return bad(
            "storage",
            "no storage class is the default",
            "the database needs a volume",
            f"kubectl patch storageclass {first} -p '{mark}'",
        )
    return bad(
        "storage",
        "there is no storage class",
        "the database needs a volume",
        "install your provider's CSI driver; on-premises such as Longhorn or Ceph",
    )
