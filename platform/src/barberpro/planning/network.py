"""Host names, allowed flows, DNS records and the certificate's issuer.

Only declared flows are allowed; everything else is denied, between the parts of a deployment and
between deployments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from barberpro.planning.inventory import TargetFacts
from barberpro.planning.model import DnsRecord, Flow, Network, Request, Workload
from barberpro.planning.names import local_hostname
from barberpro.planning.sizing import GATEWAY

HTTP_PORT = 8080
POSTGRESQL_PORT = 5432
REDIS_PORT = 6379
SMTP_PORT = 587
#: Where the app lets an owner's own server be.
SUBMISSION_PORTS = (465, 587, 2525)
HTTPS_PORT = 443
DNS_PORT = 53

# What a base service has to reach outside the deployment. A service that is not here reaches nothing.
_OUTSIDE: tuple[tuple[str, str, int, str], ...] = (
    ("calendar-sync", "internet", HTTPS_PORT, "reads and writes the providers' own calendars"),
    ("integration-processor", "internet", HTTPS_PORT, "calls the APIs of integrations"),
    ("notification", "mail", SMTP_PORT, "hands e-mail to the mail server"),
    *(
        ("notification", "internet", port, "hands e-mail to a server that the owner typed")
        for port in SUBMISSION_PORTS
    ),
    ("payment", "internet", HTTPS_PORT, "asks the payment provider for a payment's state"),
    ("whatsapp-webhook", "internet", HTTPS_PORT, "answers through the WhatsApp Cloud API"),
)
_CACHED = (GATEWAY, "booking", "catalog")


def make_network(
    identifier: str, request: Request, workloads: Iterable[Workload], facts: TargetFacts
) -> Network:
    """The network of the deployment ``identifier``.

    A public domain is served from the start on Kubernetes, where the cluster obtains the
    certificate, and on the local target once its DNS leads there; until then the deployment
    answers at ``<id>.localhost``.
    """
    local = local_hostname(identifier)
    domain = request.domain
    served = domain is not None and (request.target == "kubernetes" or is_ready(domain, facts))
    return Network(
        hostname=domain if domain is not None and served else local,
        local_hostname=local,
        flows=_flows(tuple(workload.name for workload in workloads)),
        dns_records=tuple(wanted_records(domain, facts, _place(request))) if domain else (),
        certificate_issuer="acme" if served else "local-ca",
        domain=domain,
    )


def is_ready(domain: str, facts: TargetFacts) -> bool:
    """Whether the target can serve ``domain`` without anybody's help."""
    return domain in facts.domains_ready or facts.manages_dns


def requirements(network: Network, request: Request, facts: TargetFacts) -> tuple[str, ...]:
    """What is still to be done by hand for the public domain, in order; empty where nothing is.

    Public DNS that the target does not manage is somebody else's: the texts name each record with
    its value, who writes it, and the command that continues.
    """
    domain = network.domain
    if domain is None or is_ready(domain, facts):
        return ()
    zone_owner = f"whoever administers the DNS zone of {domain}"
    written = tuple(
        f"Ask {zone_owner} to add the record: {_shown(record)}" for record in network.dns_records
    )
    if request.target == "kubernetes":
        return (
            *written,
            f"barberpro public check {domain} says which address that is, once --domain {domain} is "
            "deployed. After that nothing is deployed again: the cluster obtains the certificate by ACME "
            "once the name leads there.",
        )
    return (
        *written,
        f"Make ports 80 and {HTTPS_PORT} of that address reach this machine (router and firewall): "
        f"the certificate authority asks there for the proof that {domain} is yours.",
        f"Then repeat the deploy command with --domain {domain}; until then the deployment answers "
        f"at https://{network.local_hostname} on this machine alone, with the certificate of the "
        "local authority.",
    )


def _shown(record: DnsRecord) -> str:
    return f"{record.name}. {record.type} {record.value}"


def _place(request: Request) -> str:
    return "the load balancer" if request.target == "kubernetes" else "this machine"


def wanted_records(domain: str, facts: TargetFacts, place: str) -> Iterator[DnsRecord]:
    """Address records, and one that lets no other authority issue certificates for the name.
    ``place`` is what they lead to, in words, where its address is not known."""
    if facts.public_name:
        yield DnsRecord(name=domain, type="CNAME", value=f"{facts.public_name}.")
        return  # a name with a CNAME has no other record (RFC 1034 §3.6.2)
    yield DnsRecord(
        name=domain, type="A", value=facts.public_ipv4 or f"<public IPv4 address of {place}>"
    )
    if facts.public_ipv6:
        yield DnsRecord(name=domain, type="AAAA", value=facts.public_ipv6)
    if facts.certificate_authority:
        issuer = f'0 issue "{facts.certificate_authority}"'
        yield DnsRecord(name=domain, type="CAA", value=issuer)


def facts_of(places: Iterable[str]) -> TargetFacts:
    """What answers at ``places``, addresses or names: an IPv4 address first, for not every client has
    IPv6; a name where the balancer has only that. Nothing is said of who certifies."""
    found = list(places)
    four = [place for place in found if place.replace(".", "").isdigit()]
    six = [place for place in found if ":" in place]
    names = [place for place in found if place not in four + six]
    if not four and names:
        return TargetFacts(public_name=names[0].rstrip("."), certificate_authority="")
    return TargetFacts(
        public_ipv4=next(iter(four), ""),
        public_ipv6=next(iter(six), ""),
        certificate_authority="",
    )


def records_to(domain: str, places: Iterable[str]) -> Iterator[DnsRecord]:
    """The records that lead ``domain`` to what answers at ``places``."""
    return wanted_records(domain, facts_of(places), "the load balancer")


@lru_cache(maxsize=64)
def _flows(workloads: tuple[str, ...]) -> tuple[Flow, ...]:
    """All allowed flows, ordered by source, destination and port. They follow from the names of the
    workloads alone, which all deployments of a vertical share."""
    everything = (
        *_inside(workloads),
        *(
            Flow(source=source, destination=destination, port=port, why=why)
            for source, destination, port, why in _OUTSIDE
            if source in workloads
        ),
        *_naming(workloads),
    )
    return tuple(sorted(everything, key=lambda f: (f.source, f.destination, f.port, f.protocol)))


def _inside(workloads: tuple[str, ...]) -> Iterator[Flow]:
    yield Flow(
        source="public",
        destination=GATEWAY,
        port=HTTP_PORT,
        why="clients reach the gateway through the router, which ends TLS",
    )
    for name in workloads:
        yield Flow(
            source=name,
            destination="database",
            port=POSTGRESQL_PORT,
            why="keeps its data in the deployment's own database",
        )
        yield Flow(
            source="monitoring", destination=name, port=HTTP_PORT, why="Prometheus reads /metrics"
        )
        if name != GATEWAY:
            yield Flow(
                source=GATEWAY,
                destination=name,
                port=HTTP_PORT,
                why="the gateway passes requests on",
            )
        if name in _CACHED:
            yield Flow(
                source=name,
                destination="cache",
                port=REDIS_PORT,
                why="shares what is costly to compute between replicas",
            )


def _naming(workloads: tuple[str, ...]) -> Iterator[Flow]:
    for name in workloads:
        yield Flow(
            source=name,
            destination="dns",
            port=DNS_PORT,
            protocol="udp",
            why="finds the database and the other services by name",
        )
