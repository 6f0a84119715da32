"""The public way of a deployment as the cluster made it: where it is, and how its certificate stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from barberpro.targets.kubernetes.site import Object, Site

NAME, CERTIFICATE = "public", "public-tls"  # as the chart calls them
GATEWAYS = "gateways.gateway.networking.k8s.io"
CERTIFICATES = "certificates.cert-manager.io"


@dataclass(frozen=True, slots=True)
class Way:
    """``addresses`` are where a controller answers, IP addresses or names; ``certificate`` says in words
    how cert-manager stands, empty where it is not asked."""

    kind: str
    hosts: tuple[str, ...]
    addresses: tuple[str, ...]
    certificate: str

    def shown(self) -> str:
        place = ", ".join(self.addresses) or "no address yet: its controller has not taken it up"
        words = f"{self.kind} at {place}"
        return f"{words}; {self.certificate}" if self.certificate else words


def find_way(site: Site) -> Way | None:
    """None where no public way is made. Raises as ``kubectl`` does."""
    ingress = site.get("ingress", NAME)
    if ingress is not None:
        spec, status = ingress.get("spec", {}), ingress.get("status", {})
        hosts = [rule.get("host", "") for rule in spec.get("rules") or ()]
        found = [_place(one) for one in status.get("loadBalancer", {}).get("ingress") or ()]
        return Way("Ingress", tuple(hosts), tuple(filter(None, found)), _certificate(site))
    gateway = site.get(GATEWAYS, NAME) if site.has_kind(GATEWAYS) else None
    if gateway is None:
        return None
    listeners = gateway.get("spec", {}).get("listeners") or ()
    hosts = [one.get("hostname", "") for one in listeners]
    places = [str(one.get("value", "")) for one in gateway.get("status", {}).get("addresses") or ()]
    return Way("Gateway", tuple(dict.fromkeys(hosts)), tuple(places), _certificate(site))


def _place(one: dict[str, Any]) -> str:
    return str(one.get("ip") or one.get("hostname") or "")


def _certificate(site: Site) -> str:
    found: Object | None = None
    if site.has_kind(CERTIFICATES):
        found = site.get(CERTIFICATES, CERTIFICATE)
    if found is None:
        return ""
    status = found.get("status", {})
    for condition in status.get("conditions") or ():
        if condition.get("type") == "Ready":
            if condition.get("status") == "True":
                return f"certificate ready until {status.get('notAfter', 'its end')}"
            return f"certificate not ready: {condition.get('message', '')}"
    return "certificate not looked at yet by cert-manager"
