"""What this machine can do about a public name, as planning needs to know it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from barberpro.adapters.dns.providers import MANUAL
from barberpro.errors import BarberProError, InvalidInputError
from barberpro.kube.contexts import choose
from barberpro.operations.domain_check import examine, leads_here
from barberpro.planning.inventory import TargetFacts
from barberpro.planning.network import facts_of
from barberpro.targets.kubernetes.records import Records
from barberpro.targets.kubernetes.site import Site
from barberpro.targets.kubernetes.way import find_way
from barberpro.targets.local.state import Public


def target_facts(public: Public | None, domain: str | None) -> TargetFacts:
    """Nothing, where the machine was not opened to the world. Whether ``domain`` leads here already
    is asked of DNS, and only where nobody else keeps the records."""
    if public is None:
        return TargetFacts()
    facts = TargetFacts(
        manages_dns=public.dns != MANUAL,
        public_ipv4=public.ipv4,
        public_ipv6=public.ipv6,
        public_name=public.name,
        certificate_authority=public.certificate_authority,
    )
    if domain is None or facts.manages_dns:
        return facts
    states = examine(domain, facts, tuple(public.resolvers))
    return replace(facts, domains_ready=frozenset({domain})) if leads_here(states) else facts


def cluster_facts(records: Records, domain: str) -> TargetFacts | None:
    """Where ``domain`` has to lead to, as the cluster says that serves it; None where none does.

    Raises ``InvalidInputError`` while its Ingress or Gateway has no address.
    """
    for record in records.all():
        public = record.values.get("public")
        if not isinstance(public, dict) or public.get("kind", "none") == "none":
            continue
        way = find_way(Site.of(choose(record.context or None), record.id))
        if way is None or domain not in way.hosts:
            continue
        if not way.addresses:
            raise InvalidInputError(f"{domain}: {way.shown()}", where=record.id)
        return facts_of(way.addresses)
    return None


def left_on_cluster(records: Records, domain: str, resolvers: tuple[str, ...]) -> list[str] | None:
    """What is still to be done by hand until ``domain`` leads to its cluster: each record with its
    value. None where no public way is made. Raises as ``cluster_facts`` does."""
    facts = cluster_facts(records, domain)
    if facts is None:
        return None
    missing = [state for state in examine(domain, facts, resolvers) if not state.there]
    if not missing:
        return []
    return [
        *(
            f"Ask whoever administers the DNS zone of {domain} to add the record: "
            f"{state.name}. {state.type} {state.wanted}"
            for state in missing
        ),
        f"Nothing is deployed again: the cluster obtains the certificate once it leads there; "
        f"barberpro public check {domain} --wait 30m waits for that.",
    ]


@dataclass(frozen=True, slots=True)
class ClusterWay:
    """The public way of one deployment on a cluster, in words."""

    deployment: str
    domain: str
    shown: str
    certified: bool


def cluster_ways(records: Records) -> Iterator[ClusterWay]:
    """Of each deployment on a cluster that has one. A cluster that does not answer is told so."""
    for record in records.all():
        public = record.values.get("public")
        if not isinstance(public, dict) or public.get("kind", "none") == "none":
            continue
        try:
            way = find_way(Site.of(choose(record.context or None), record.id))
        except BarberProError as error:
            yield ClusterWay(record.id, "", error.what, certified=False)
            continue
        if way is not None:
            yield ClusterWay(record.id, ", ".join(way.hosts), way.shown(), way.certified)
