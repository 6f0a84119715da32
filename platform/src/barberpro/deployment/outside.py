"""A public name as a client on the internet meets it: where DNS leads, the certificate, plain HTTP."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import certifi

from barberpro.adapters.dns.providers import look_up
from barberpro.adapters.dns.records import canonical
from barberpro.deployment.checks.transport import check_certificate
from barberpro.deployment.context import DeployContext
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import DnsRecord
from barberpro.planning.network import HTTPS_PORT, records_to
from barberpro.targets.protocol import Access, PassingFaultError, Report

CONNECT_SECONDS = 5.0
HTTP_PORT = 80
TAKEN_UP_SECONDS = 15.0  # a controller loads a new certificate within moments
POLL_SECONDS = 0.5


def look_from_outside(context: DeployContext) -> Iterator[Finding]:
    """What a client on the internet meets: the address that DNS gives, its certificate, and plain
    HTTP that sends on to HTTPS. A network that cannot reach its own outer address is told so."""
    domain = _domain(context)
    publishing = context.target.publishing()
    inner = context.target.access(context.plan, None)
    addresses = look_up(domain, "A", publishing.resolvers).values or (
        look_up(domain, "AAAA", publishing.resolvers).values
    )
    for address in addresses[:1]:
        outer = Access(inner.url, domain, address, inner.port, inner.ca_certificate)
        if not _reachable(address, outer.port):
            yield _not_reached(outer)
            return
        yield from check_certificate(outer, context.clock())
        yield from _redirects(domain, address, publishing.http_port)


def look_at_cluster(context: DeployContext, activated: Report) -> Iterator[Finding]:
    """The same on a cluster, whose own operators publish the name. Where DNS does not lead there yet,
    nothing is waited for: exactly what is missing is said. ``activated`` holds its ``addresses``."""
    domain = _domain(context)
    places = activated.facts.get("addresses")
    found = [str(place) for place in places] if isinstance(places, list) else []
    if not found:
        yield _no_way(domain, asked=places is not None)
        return
    missing = _missing(domain, found, context.target.publishing().resolvers)
    if missing:
        yield from missing
        return
    try:
        context.target.publish(context.plan)
    except PassingFaultError as fault:
        yield Finding(
            id="certificate-awaited",
            severity=Severity.WARNING,
            what=fault.what,
            where=fault.where,
            mend="kubectl describe certificate,order,challenge -n DEPLOYMENT says what it waits for; "
            "nothing is deployed again",
        )
        return
    roots = context.target.publishing().trusted_roots or Path(certifi.where())
    outer = Access(f"https://{domain}", domain, found[0], HTTPS_PORT, roots)
    if not _reachable(outer.address, outer.port):
        yield _not_reached(outer)
        return
    for seen in _certificate(outer, context.clock()):
        # what serves is the cluster's: it is told, and what was tested stays live
        worst = Severity.WARNING if seen.severity is Severity.BLOCKING else seen.severity
        yield seen.model_copy(update={"severity": worst})
    yield from _redirects(domain, outer.address, HTTP_PORT)


def _certificate(outer: Access, now: datetime) -> list[Finding]:
    """What is served once the controller has taken the new certificate up."""
    deadline = time.monotonic() + TAKEN_UP_SECONDS
    while True:
        findings = list(check_certificate(outer, now))
        bad = any(found.severity is Severity.BLOCKING for found in findings)
        if not bad or time.monotonic() > deadline:
            return findings
        time.sleep(POLL_SECONDS)


def _missing(domain: str, places: list[str], resolvers: tuple[str, ...]) -> list[Finding]:
    """The records that lead to the cluster and are not there."""
    missing = []
    for record in records_to(domain, places):
        seen = look_up(record.name, record.type, resolvers)
        if canonical(record.type, record.value) not in {
            canonical(record.type, value) for value in seen.values
        }:
            missing.append(_to_be_made(record, ", ".join(seen.values) or seen.problem))
    return missing


def _to_be_made(record: DnsRecord, instead: str) -> Finding:
    return Finding(
        id=f"dns-record-missing-{record.type.lower()}",
        severity=Severity.WARNING,
        what=f"record to be made: {record.name} {record.type} {record.value}",
        where=record.name,
        mend=f"whoever administers the DNS zone adds it; then barberpro public check {record.name}. "
        "Nothing is deployed again: the cluster obtains the certificate by itself",
        evidence=f"now: {instead}" if instead else "",
    )


def _no_way(domain: str, *, asked: bool) -> Finding:
    """``asked``: an Ingress or Gateway is there, which no controller has taken up."""
    if asked:
        what = "no controller of the cluster gave the public way an address"
        mend = "kubectl get ingress,gateway -n DEPLOYMENT; see that public.className names a controller's"
    else:
        what = f"nothing leads {domain} to the deployment: no public way is asked for"
        mend = "public: {kind: ingress, ...} in --kube-values, then deploy again; barberpro cluster check"
    return Finding(
        id="public-way-missing", severity=Severity.WARNING, what=what, where=domain, mend=mend
    )


def _reachable(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _not_reached(outer: Access) -> Finding:
    return Finding(
        id="public-address-not-reached",
        severity=Severity.WARNING,
        what=f"{outer.address}:{outer.port} cannot be reached from this machine itself",
        where=f"https://{outer.hostname}",
        why="some routers do not lead a network back to its own outer address; the "
        "certificate authority did reach it",
        mend=f"look from elsewhere, such as a phone without Wi-Fi: https://{outer.hostname}",
    )


def _redirects(domain: str, address: str, port: int) -> Iterator[Finding]:
    connection = http.client.HTTPConnection(address, port, timeout=CONNECT_SECONDS)
    try:
        connection.request("GET", "/", headers={"Host": domain})
        answer = connection.getresponse()
        location = answer.headers.get("Location", "")
    except (OSError, http.client.HTTPException) as error:
        answer, location = None, str(error)
    finally:
        connection.close()
    if answer is not None and location.startswith(f"https://{domain}"):
        yield Finding(
            id="http-redirects",
            severity=Severity.INFO,
            what=f"plain HTTP sends on to {location}",
            where=domain,
        )
        return
    yield Finding(
        id="http-not-redirected",
        severity=Severity.WARNING,
        what=f"http://{domain} does not lead to HTTPS",
        where=f"{address}:{port}",
        mend="let port 80 of the public address reach this machine",
        evidence=location,
    )


def _domain(context: DeployContext) -> str:
    return context.plan.network.domain or context.plan.network.hostname
