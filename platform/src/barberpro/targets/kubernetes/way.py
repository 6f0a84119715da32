"""The public way of a deployment as the cluster made it: where it is, and how its certificate stands."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from barberpro.targets.kubernetes.site import POLL_SECONDS, Object, Site

NAME, CERTIFICATE = "public", "public-tls"  # as the chart calls them
GATEWAYS = "gateways.gateway.networking.k8s.io"
CERTIFICATES = "certificates.cert-manager.io"


@dataclass(frozen=True, slots=True)
class Way:
    """``addresses`` are where a controller answers, IP addresses or names; ``certificate`` says in words
    how cert-manager stands, empty where it is not asked; ``certified`` is False until it is done."""

    kind: str
    hosts: tuple[str, ...]
    addresses: tuple[str, ...]
    certificate: str
    certified: bool

    def place(self) -> str:
        places = ", ".join(self.addresses) or "no address yet: its controller has not taken it up"
        return f"{self.kind} at {places}"

    def shown(self) -> str:
        words = self.place()
        return f"{words}; {self.certificate}" if self.certificate else words


def find_way(site: Site) -> Way | None:
    """None where no public way is made. Raises as ``kubectl`` does."""
    ingress = site.get("ingress", NAME)
    if ingress is not None:
        spec, status = ingress.get("spec", {}), ingress.get("status", {})
        hosts = [rule.get("host", "") for rule in spec.get("rules") or ()]
        found = [_place(one) for one in status.get("loadBalancer", {}).get("ingress") or ()]
        return Way("Ingress", tuple(hosts), tuple(filter(None, found)), *_certificate(site))
    gateway = site.get(GATEWAYS, NAME) if site.has_kind(GATEWAYS) else None
    if gateway is None:
        return None
    listeners = gateway.get("spec", {}).get("listeners") or ()
    hosts = [one.get("hostname", "") for one in listeners]
    places = [str(one.get("value", "")) for one in gateway.get("status", {}).get("addresses") or ()]
    return Way("Gateway", tuple(dict.fromkeys(hosts)), tuple(places), *_certificate(site))


def wait_for_way(site: Site, wanted: Callable[[Way], bool], seconds: float) -> Way | None:
    """The public way once it is as ``wanted``, or as it is when ``seconds`` have passed; None where none
    is made."""
    deadline = time.monotonic() + seconds
    while (way := find_way(site)) is not None and not wanted(way) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return way


def _place(one: dict[str, Any]) -> str:
    return str(one.get("ip") or one.get("hostname") or "")


def _certificate(site: Site) -> tuple[str, bool]:
    found: Object | None = None
    if site.has_kind(CERTIFICATES):
        found = site.get(CERTIFICATES, CERTIFICATE)
    if found is None:
        return "", True
    status = found.get("status", {})
    for condition in status.get("conditions") or ():
        if condition.get("type") == "Ready":
            if condition.get("status") == "True":
                return f"certificate ready until {status.get('notAfter', 'its end')}", True
            return f"certificate not ready: {condition.get('message', '')}", False
    return "certificate not looked at yet by cert-manager", False
