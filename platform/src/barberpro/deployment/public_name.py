"""The public name of a deployment: its DNS records, and who may certify it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from barberpro.adapters.cdn.rules import Cdn
from barberpro.adapters.dns.ownership import (
    Owner,
    check_free,
    read_owner,
    remove_all,
    write_all,
)
from barberpro.adapters.dns.providers import MANUAL, NO_CDN, look_up, open_cdn, open_provider
from barberpro.adapters.dns.records import (
    DnsPassingError,
    DnsProvider,
    RecordSet,
    canonical,
    record_set,
)
from barberpro.deployment.context import DeployContext
from barberpro.errors import BarberProError
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import DnsRecord
from barberpro.targets.protocol import PassingFaultError, Publishing

KINDS = ("A", "AAAA", "CNAME", "CAA")
ADDRESSES = ("A", "AAAA", "CNAME")
SEEN_SECONDS = 5.0  # between two looks at a resolver


def is_public(context: DeployContext) -> bool:
    """Whether the public name is kept from here. On a cluster its own operators obtain the certificate,
    and the address that the name has to lead to is known only after its controller took it up."""
    plan = context.plan
    return plan.network.certificate_issuer == "acme" and plan.request.target == "local"


def provider_of(publishing: Publishing) -> DnsProvider | None:
    """The provider that writes records for us; None where somebody else does."""
    if publishing.dns == MANUAL or publishing.credentials is None:
        return None
    return open_provider(publishing.dns, publishing.credentials)


@contextmanager
def passing(title: str) -> Iterator[None]:
    """A peer that asks for patience is asked again later."""
    try:
        yield
    except DnsPassingError as error:
        raise PassingFaultError(
            error.what, seconds=SEEN_SECONDS, where=error.where or title
        ) from error


def cdn_of(publishing: Publishing) -> Cdn | None:
    if publishing.cdn == NO_CDN or publishing.credentials is None:
        return None
    return open_cdn(publishing.cdn, publishing.credentials)


def wanted_records(records: tuple[DnsRecord, ...], publishing: Publishing) -> tuple[RecordSet, ...]:
    """The plan's records, gathered to record sets; a network in front answers for the addresses."""
    fronted = publishing.cdn != NO_CDN
    values: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in records:
        values[record.name, record.type].append(record.value)
    return tuple(
        replace(record_set(name, kind, found), proxied=fronted and kind in ADDRESSES)
        for (name, kind), found in values.items()
    )


def write_records(context: DeployContext) -> Iterator[Finding]:
    """Writes the records where we may, and sees that the world knows them.

    Raises ``PassingFaultError`` while it does not: resolvers keep an old answer until its time is up.
    """
    domain = _domain(context)
    publishing = context.target.publishing()
    wanted = wanted_records(context.plan.network.dns_records, publishing)
    provider = provider_of(publishing)
    if provider is not None:
        owner = Owner(context.plan.deployment_id, context.revision)
        with passing(provider.title):
            changed = write_all(provider, domain, owner, wanted)
        yield _info(
            "dns-records-written",
            f"{provider.title}: {_count(len(changed))} changed, {_count(len(wanted))} in all",
            domain,
            "; ".join(entry.shown() for entry in wanted),
        )
    yield from _visible(domain, wanted, publishing)
    yield from check_authority(domain, publishing)


def check_records(context: DeployContext) -> str:
    """Before anything is made: that the provider knows us and the records are free. What was seen,
    in words; empty where somebody else writes them.

    Raises ``DnsError`` where a record of that name is somebody else's.
    """
    publishing = context.target.publishing()
    provider = provider_of(publishing)
    if provider is None:
        return ""
    wanted = wanted_records(context.plan.network.dns_records, publishing)
    domain = _domain(context)
    with passing(provider.title):
        ours = check_free(provider, domain, context.plan.deployment_id, wanted)
    return f"{domain} at {provider.title} is {'ours' if ours else 'free'}"


def take_back_records(context: DeployContext) -> None:
    """Undo: removes what this very revision made; records from before stay, for they lead here."""
    if not is_public(context):
        return
    provider = provider_of(context.target.publishing())
    if provider is None:
        return
    domain = _domain(context)
    owner = read_owner(provider, domain)
    if owner == Owner(context.plan.deployment_id, context.revision):
        removed = remove_all(provider, domain, owner.deployment, KINDS)
        context.log(f"removed the records {', '.join(removed) or 'none'} of {domain}")


def _visible(
    domain: str, wanted: tuple[RecordSet, ...], publishing: Publishing
) -> Iterator[Finding]:
    for entry in wanted:
        if entry.type not in ADDRESSES:
            continue
        seen = look_up(domain, entry.type, publishing.resolvers)
        if entry.proxied and seen.values:
            yield _info("dns-network-seen", f"{domain} leads to the network's addresses", domain)
            return  # of whatever kind it likes
        if {canonical(entry.type, value) for value in seen.values} != set(entry.values):
            raise PassingFaultError(
                f"{domain} {entry.type} is not known yet: "
                f"{seen.problem or 'it is ' + ', '.join(seen.values)}, wanted {', '.join(entry.values)}",
                seconds=SEEN_SECONDS,
                where=", ".join(publishing.resolvers) or "this machine's resolver",
            )
        yield _info(
            f"dns-{entry.type.lower()}-seen", f"{domain} leads to {', '.join(seen.values)}", domain
        )


def check_authority(domain: str, publishing: Publishing) -> Iterator[Finding]:
    """The nearest CAA records above the name must allow our authority (RFC 8659 §3)."""
    authority = publishing.certificate_authority
    labels = domain.split(".")
    for place in range(len(labels) - 1):
        name = ".".join(labels[place:])
        values = [canonical("CAA", v) for v in look_up(name, "CAA", publishing.resolvers).values]
        issuers = [
            value.split('"')[1].split(";")[0].strip() for value in values if " issue " in value
        ]
        if not issuers:
            continue
        if authority and authority not in issuers:
            yield Finding(
                id="dns-caa-forbids",
                severity=Severity.BLOCKING,
                what=f"{name} lets only {', '.join(filter(None, issuers)) or 'nobody'} certify it",
                where=name,
                why="RFC 8659 §3",
                mend=f'add the record {name}. CAA 0 issue "{authority}"',
                evidence="; ".join(values),
            )
        return


def remove_records(publishing: Publishing, deployment: str, domain: str) -> str:
    """For a deployment that is destroyed: what was done, in words. A provider that does not answer
    does not keep a deployment alive; what is left there is said."""
    try:
        provider = provider_of(publishing)
        if provider is None:
            return f"remove the records of {domain} where you made them"
        network = cdn_of(publishing)
        if network is not None:
            network.forget(deployment)
        removed = remove_all(provider, domain, deployment, KINDS)
    except BarberProError as error:
        return f"the records of {domain} are still there ({error.what}): remove them by hand"
    return f"removed the records {', '.join(removed)} of {domain}" if removed else ""


def _domain(context: DeployContext) -> str:
    return context.plan.network.domain or context.plan.network.hostname


def _count(number: int) -> str:
    return f"{number} record set" + ("" if number == 1 else "s")


def _info(id_: str, what: str, where: str, evidence: str = "") -> Finding:
    return Finding(id=id_, severity=Severity.INFO, what=what, where=where, evidence=evidence)
