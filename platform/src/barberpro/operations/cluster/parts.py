"""Findings on what runs in a cluster for all: metrics, ingress, certificates, names, database, mesh,
network policies; and on what only a person can vouch for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from barberpro.operations.cluster.facts import Facts
from barberpro.operations.cluster.words import bad, doubt, good, note
from barberpro.planning.findings import Finding, Severity

ENFORCING = ("calico-node", "cilium", "antrea-agent", "weave-net", "kube-router", "aws-network-policy-agent", "anetd")  # fmt: skip
NAMES = "external-dns"
ATTESTED = {
    "cdn": "a CDN with presence in Argentina, such as Cloudflare or CloudFront",
    "vpn": "VPN access for administration and maintenance",
    "bandwidth": "an internet connection of 100 Mbps or more",
}
PREPARE = "barberpro cluster prepare --only {0}"


def check_parts(facts: Facts, market: str) -> list[Finding]:
    """All that the cluster should bring beside nodes and volumes."""
    return [*_entrance(facts), *_care(facts, market), _policies(facts)]


def _entrance(facts: Facts) -> Iterator[Finding]:
    if facts.metrics:
        yield good("metrics-server", "the metrics API answers")
    else:
        yield bad(
            "metrics-server",
            "the metrics API does not answer",
            "autoscaling and kubectl top need it",
            PREPARE.format("metrics-server"),
        )
    ways = [f"ingress class {name}" for name in facts.ingress_classes] + [
        f"gateway class {name}" for name in facts.gateway_classes
    ]
    if ways:
        yield good("ingress", ", ".join(ways))
    else:
        yield bad(
            "ingress",
            "there is neither an ingress class nor a gateway class",
            "the manual asks for a load balancer that ends TLS",
            PREPARE.format("ingress"),
        )
    if "cert-manager.io" not in facts.groups:
        yield doubt(
            "cert-manager",
            "cert-manager is not there: a public domain would have no certificate",
            "the manual asks for Let's Encrypt or a CA of your own",
            PREPARE.format("cert-manager"),
        )
    else:
        yield good(
            "cert-manager",
            f"cert-manager, issuers: {', '.join(facts.issuers) or 'the deployment brings its own'}",
        )
    if NAMES in facts.parts:
        yield good("external-dns", "ExternalDNS looks after the records")
    else:
        yield note(
            "external-dns",
            "ExternalDNS is not there: the records of a public domain are set by another --dns provider, or by hand",
            "https://kubernetes-sigs.github.io/external-dns/",
        )


def _care(facts: Facts, market: str) -> Iterator[Finding]:
    if "postgresql.cnpg.io" in facts.groups:
        yield good("cloudnative-pg", "CloudNativePG looks after the database")
    elif market == "small":
        yield note(
            "cloudnative-pg",
            "CloudNativePG is not there; the small market runs without",
            PREPARE.format("cloudnative-pg"),
        )
    else:
        yield doubt(
            "cloudnative-pg",
            "CloudNativePG is not there: no replicas, no point-in-time recovery",
            f"the {market} market has read replicas",
            PREPARE.format("cloudnative-pg"),
        )
    if "monitoring.coreos.com" in facts.groups:
        yield good("prometheus", "the Prometheus operator is there")
    else:
        yield note(
            "prometheus",
            "the Prometheus operator is not there: dashboards and alerts are files to load elsewhere",
            "https://prometheus-operator.dev/docs/getting-started/installation/",
        )
    mesh = (
        "Linkerd"
        if "policy.linkerd.io" in facts.groups
        else "Istio"
        if "networking.istio.io" in facts.groups
        else ""
    )
    yield good(
        "mesh",
        f"service mesh: {mesh}"
        if mesh
        else "no service mesh; services speak inside their network policies",
    )


def _policies(facts: Facts) -> Finding:
    known = next((name for name in ENFORCING if name in facts.parts), None)
    if known:
        return good("network-policies", f"network policies are enforced by {known}")
    return doubt(
        "network-policies", "it cannot be seen whether network policies are enforced",
        "without it every pod reaches every other", "ask your provider which network plugin enforces NetworkPolicy; Calico and Cilium do",
    )  # fmt: skip


def check_attested(attested: Mapping[str, str]) -> Iterator[Finding]:
    for name, what in ATTESTED.items():
        if name in attested:
            yield Finding(
                id=f"cluster-{name}",
                severity=Severity.INFO,
                what=f"vouched for: {what}",
                evidence=attested[name],
            )
        else:
            yield note(
                name, f"only you can know: {what}", f"--attest {name}='where this is written down'"
            )
