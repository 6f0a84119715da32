"""Which record sets a deployment may write: those of its domain that nobody else has.

A TXT record beside the domain says whose it is, as ExternalDNS does it: written first and removed
last, so that a kill in between never leaves records that nobody owns. A record that somebody else
made is never overwritten in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from barberpro.adapters.dns.records import (
    NEVER_TOGETHER,
    DnsError,
    DnsProvider,
    RecordSet,
    record_set,
)

_OWNER = re.compile(r"barberpro deployment=([a-z0-9-]+) revision=([0-9]+)")


@dataclass(frozen=True, slots=True)
class Owner:
    """``revision`` is the one that wrote the records first."""

    deployment: str
    revision: int

    def text(self) -> str:
        return f"barberpro deployment={self.deployment} revision={self.revision}"


class ForeignRecordError(DnsError):
    """A record of that name is somebody else's."""


def owner_name(domain: str) -> str:
    return f"_barberpro.{domain}"


def read_owner(provider: DnsProvider, domain: str) -> Owner | None:
    found = provider.read(owner_name(domain), "TXT")
    for value in found.values if found else ():
        match = _OWNER.fullmatch(value)
        if match:
            return Owner(match[1], int(match[2]))
    return None


def write_all(
    provider: DnsProvider, domain: str, owner: Owner, wanted: Iterable[RecordSet]
) -> tuple[RecordSet, ...]:
    """Brings the domain's records to ``wanted``; the record sets that had to be changed.

    Raises ``ForeignRecordError`` before anything is changed.
    """
    sets = tuple(wanted)
    if not check_free(provider, domain, owner.deployment, sets):
        provider.write(record_set(owner_name(domain), "TXT", [owner.text()]))
    changed = [entry for entry in sets if not entry.same(provider.read(entry.name, entry.type))]
    kinds = {entry.type for entry in sets}
    for stale in sorted(NEVER_TOGETHER - kinds):  # ours from before: a move from A to CNAME
        if provider.read(domain, stale) is not None:
            provider.remove(domain, stale)
    for entry in changed:
        provider.write(entry)
    return tuple(changed)


def check_free(
    provider: DnsProvider, domain: str, deployment: str, wanted: tuple[RecordSet, ...]
) -> bool:
    """Whether the domain's records are this deployment's already; False where they are nobody's.

    Raises ``ForeignRecordError`` where they are somebody else's. Changes nothing.
    """
    held = read_owner(provider, domain)
    if held is None:
        _refuse_foreign(provider, domain, wanted)
    elif held.deployment != deployment:
        raise ForeignRecordError(
            f"the records of {domain} belong to the deployment {held.deployment}",
            where=provider.title,
            mend=f"choose another --domain, or first `barberpro destroy {held.deployment}`",
        )
    return held is not None


def _refuse_foreign(provider: DnsProvider, domain: str, wanted: tuple[RecordSet, ...]) -> None:
    """What is there already must be what is wanted, or the operator has to clear it."""
    by_kind = {entry.type: entry for entry in wanted if entry.name == domain}
    for kind in sorted(NEVER_TOGETHER | set(by_kind)):
        found = provider.read(domain, kind)
        if found is not None and not found.same(by_kind.get(kind)):
            raise ForeignRecordError(
                f"{domain} has a record that BarberPro did not make: {found.shown()}",
                where=provider.title,
                mend="remove it there if the name is to lead here, then run the same command again",
            )


def remove_all(
    provider: DnsProvider, domain: str, deployment: str, kinds: Iterable[str]
) -> tuple[str, ...]:
    """Removes the deployment's records of ``domain``, the owner's mark last; the kinds removed.
    Does nothing where the domain is not this deployment's."""
    held = read_owner(provider, domain)
    if held is None or held.deployment != deployment:
        return ()
    removed = [kind for kind in kinds if provider.read(domain, kind) is not None]
    for kind in removed:
        provider.remove(domain, kind)
    provider.remove(owner_name(domain), "TXT")
    return tuple(removed)
