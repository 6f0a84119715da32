"""The network policies allow exactly the flows that the plan declares: all pairs are tried."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest
from support_chart import (
    COMBINATIONS,
    Object,
    helm,
    installation,
    of_kind,
    plan_for,
    rendered,
    rendered_with,
)

from barberpro.planning.model import Plan
from barberpro.targets.kubernetes.values import database_mode

pytestmark = pytest.mark.skipif(helm() is None, reason="Helm is neither on PATH nor built")

OWN = {  # what the chart runs beside the plan's workloads
    ("migrate", "database", 5432, "tcp"), ("migrate", "dns", 53, "udp"),
    ("helm-test", "api-gateway", 8080, "tcp"), ("helm-test", "dns", 53, "udp"),
}  # fmt: skip
PORTS = (
    (8080, "tcp"),
    (5432, "tcp"),
    (443, "tcp"),
    (587, "tcp"),
    (465, "tcp"),
    (2525, "tcp"),
    (25, "tcp"),
    (53, "udp"),
    (53, "tcp"),
    (80, "tcp"),
    (8000, "tcp"),
)
#: Who may stand at an end: labels of pod and namespace, or an address outside the cluster.
STRANGERS: dict[str, Object] = {
    "dns": {"pod": {"k8s-app": "kube-dns"}, "namespace": "kube-system"},
    "monitoring": {"pod": {"app": "prometheus"}, "namespace": "monitoring"},
    "public": {"pod": {"app": "ingress"}, "namespace": "ingress"},
    "internet": {"address": "198.51.100.7"},
    "node metadata": {"address": "169.254.169.254"},
    "other pod": {"pod": {"app.kubernetes.io/name": "booking", "app.kubernetes.io/instance": "x"}, "namespace": "elsewhere"},
    "private": {"address": "10.20.30.40"},
}  # fmt: skip


class Cluster:
    """The policies of one rendering, asked as a network would."""

    def __init__(self, found: tuple[Object, ...] | list[Object], namespace: str) -> None:
        self.policies = list(of_kind(found, "NetworkPolicy").values())
        self.namespace = namespace
        names = [o["metadata"]["name"] for o in found if o["kind"] == "Deployment"]
        self.ends: dict[str, Object] = {
            name: {"pod": self.labels(name), "namespace": namespace}
            for name in (*names, "migrate", "helm-test", "bystander")
        }
        cnpg = any(o["kind"] == "Cluster" for o in found)
        database = {"cnpg.io/cluster": "database"} if cnpg else self.labels("database")
        self.ends["database"] = {"pod": database, "namespace": namespace}
        self.ends |= STRANGERS

    @staticmethod
    def labels(name: str) -> Object:
        return {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": "barberpro"}

    def allows(self, source: str, destination: str, port: int, protocol: str) -> bool:
        return self._side("egress", source, destination, port, protocol) and self._side(
            "ingress", destination, source, port, protocol
        )

    def _side(self, way: str, own: str, other: str, port: int, protocol: str) -> bool:
        """Pods outside this namespace have no policies of ours."""
        end = self.ends[own]
        if end.get("namespace") != self.namespace:
            return True
        chosen = [
            p["spec"] for p in self.policies if self._selects(p["spec"]["podSelector"], end["pod"])
        ]
        chosen = [spec for spec in chosen if way.capitalize() in spec["policyTypes"]]
        if not chosen:
            return True
        return any(
            self._rule(rule, way, self.ends[other], port, protocol)
            for spec in chosen
            for rule in spec.get(way) or []
        )

    def _rule(self, rule: Object, way: str, other: Object, port: int, protocol: str) -> bool:
        ports = rule.get("ports")
        if ports and not any(
            p["port"] == port and p["protocol"].lower() == protocol for p in ports
        ):
            return False
        peers = rule.get("to" if way == "egress" else "from")
        return not peers or any(self._peer(peer, other) for peer in peers)

    def _peer(self, peer: Object, other: Object) -> bool:
        if "ipBlock" in peer:
            block = peer["ipBlock"]
            if "address" not in other:
                return False
            address = ip_address(other["address"])
            inside = address in ip_network(block["cidr"])
            return inside and not any(address in ip_network(e) for e in block.get("except", []))
        if "pod" not in other:
            return False
        if "namespaceSelector" in peer:
            wanted = peer["namespaceSelector"].get("matchLabels", {})
            if wanted.get("kubernetes.io/metadata.name", other["namespace"]) != other["namespace"]:
                return False
        elif other["namespace"] != self.namespace:
            return False
        return self._selects(peer.get("podSelector", {}), other["pod"])

    @staticmethod
    def _selects(selector: Object, labels: Object) -> bool:
        assert not selector.get("matchExpressions"), "not understood here"
        return all(labels.get(k) == v for k, v in selector.get("matchLabels", {}).items())

    def open(self) -> Iterator[tuple[str, str, int, str]]:
        for source in self.ends:
            for destination in self.ends:
                outside = {source, destination} <= STRANGERS.keys()
                if source == destination or outside:
                    continue
                for port, protocol in PORTS:
                    if self.allows(source, destination, port, protocol):
                        yield source, destination, port, protocol


def declared(plan: Plan, *, cnpg: bool) -> set[tuple[str, str, int, str]]:
    """The plan's flows and the chart's own. The app lives without a cache, and the chart has none;
    mail goes to a server on the internet."""
    flows = set(OWN)
    for flow in plan.network.flows:
        if flow.destination != "cache":
            to = "internet" if flow.destination == "mail" else flow.destination
            flows.add((flow.source, to, flow.port, flow.protocol))
    # whoever stands outside may knock at the gateway: the ingress controller may be anywhere
    flows |= {(who, "api-gateway", 8080, "tcp") for who in STRANGERS}
    if cnpg:  # its instance manager asks the API server and object storage
        flows |= {("database", who, 443, "tcp") for who in STRANGERS}
        flows.add(("database", "dns", 53, "udp"))
    return flows


@pytest.mark.parametrize(("vertical", "market"), COMBINATIONS)
def test_exactly_the_declared_flows_are_allowed(vertical: str, market: str) -> None:
    plan = plan_for(vertical, market)
    cluster = Cluster(rendered(vertical, market), plan.deployment_id)
    allowed = set(cluster.open())
    wanted = declared(plan, cnpg=database_mode(plan, installation()) == "cnpg")
    assert len(wanted) > 40
    assert allowed - wanted == set(), "allowed and not declared"
    assert wanted - allowed == set(), "declared and not allowed"


def test_an_outside_database_is_reached_at_its_address_alone() -> None:
    plan = plan_for("barbershop", "small")
    found = rendered_with(
        plan, database_mode="external",
        extra={"database": {"external": {"appSecret": "a", "ownerSecret": "o", "cidrs": ["10.20.30.0/24"]}}},
    )  # fmt: skip
    cluster = Cluster(found, plan.deployment_id)
    assert cluster.allows("booking", "private", 5432, "tcp")
    assert cluster.allows("migrate", "private", 5432, "tcp")
    assert not cluster.allows("booking", "private", 443, "tcp")
    assert not cluster.allows("booking", "internet", 5432, "tcp")
    assert not cluster.allows("bystander", "private", 5432, "tcp")


def test_the_public_can_be_narrowed_to_the_ingress_controller() -> None:
    plan = plan_for("barbershop", "small")
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}]
    found = rendered_with(plan, extra={"network": {"publicFrom": peers}})
    cluster = Cluster(found, plan.deployment_id)
    assert cluster.allows("public", "api-gateway", 8080, "tcp")
    assert not cluster.allows("other pod", "api-gateway", 8080, "tcp")


def test_the_check_itself_sees_an_opening() -> None:
    plan = plan_for("barbershop", "small")
    found = rendered_with(plan)
    of_kind(found, "NetworkPolicy")["booking"]["spec"]["egress"].append({})
    extra = set(Cluster(found, plan.deployment_id).open()) - declared(plan, cnpg=False)
    assert ("booking", "internet", 443, "tcp") in extra
