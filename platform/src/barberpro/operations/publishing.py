"""What this machine can do about a public name, as planning needs to know it."""

from __future__ import annotations

from dataclasses import replace

from barberpro.adapters.dns.providers import MANUAL
from barberpro.operations.domain_check import examine, leads_here
from barberpro.planning.inventory import TargetFacts
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
