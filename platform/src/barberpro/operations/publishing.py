"""What this machine can do about a public name, as planning needs to know it."""

from __future__ import annotations

from barberpro.adapters.dns.providers import MANUAL, look_up
from barberpro.planning.inventory import TargetFacts
from barberpro.targets.local.state import Public


def target_facts(public: Public | None, domain: str | None) -> TargetFacts:
    """Nothing, where the machine was not opened to the world. Whether ``domain`` leads here already
    is asked of DNS, and only where nobody else keeps the records."""
    if public is None:
        return TargetFacts()
    manages = public.dns != MANUAL
    ready = domain is not None and not manages and leads_here(public, domain)
    return TargetFacts(
        domains_ready=frozenset({domain}) if ready and domain else frozenset(),
        manages_dns=manages,
        public_ipv4=public.ipv4,
        public_ipv6=public.ipv6,
        public_name=public.name,
        certificate_authority=public.certificate_authority,
    )


def leads_here(public: Public, domain: str) -> bool:
    """Whether a client that asks for ``domain`` is sent to this machine's public address."""
    for kind, wanted in (("A", public.ipv4), ("AAAA", public.ipv6)):
        if not wanted:
            continue
        if wanted not in look_up(domain, kind, public.resolvers).values:
            return False
    return bool(public.ipv4 or public.ipv6) or _follows(public, domain)


def _follows(public: Public, domain: str) -> bool:
    wanted = public.name.rstrip(".").lower() + "."
    return any(v.lower() == wanted for v in look_up(domain, "CNAME", public.resolvers).values)
