"""What this machine can do about a public name, as planning needs to know it."""

from __future__ import annotations

from dataclasses import replace

from barberpro.adapters.dns.providers import MANUAL
from barberpro.errors import InvalidInputError
from barberpro.kube.contexts import choose
from barberpro.operations.domain_check import examine, leads_here
from barberpro.planning.inventory import TargetFacts
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
        return _led_to(way.addresses)
    return None


def _led_to(addresses: tuple[str, ...]) -> TargetFacts:
    """An IPv4 address first, for not every client has IPv6; a name where the balancer has only that."""
    four = [place for place in addresses if place.replace(".", "").isdigit()]
    six = [place for place in addresses if ":" in place]
    names = [place for place in addresses if place not in four + six]
    if not four and names:
        return TargetFacts(public_name=names[0].rstrip("."), certificate_authority="")
    return TargetFacts(
        public_ipv4=next(iter(four), ""),
        public_ipv6=next(iter(six), ""),
        certificate_authority="",
    )
