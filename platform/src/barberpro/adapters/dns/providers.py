"""The DNS providers by the name that an operator gives, and what the world sees of a name.

A module is loaded when it is asked for: each brings a client of its own, and most deployments have no
public name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from barberpro.adapters.cdn.rules import Cdn
from barberpro.adapters.dns.credentials import read_credentials
from barberpro.adapters.dns.records import DnsProvider, Seen
from barberpro.errors import InvalidInputError

MANUAL = "manual"  # somebody else writes the records; we say which, and look


@dataclass(frozen=True, slots=True)
class _Kind:
    module: str
    provider: str
    credentials: str


_KINDS = {
    "cloudflare": _Kind("cloudflare", "Cloudflare", "CloudflareCredentials"),
    "rfc2136": _Kind("rfc2136", "Rfc2136", "Rfc2136Credentials"),
    "route53": _Kind("route53", "Route53", "Route53Credentials"),
}
NAMES = (MANUAL, *_KINDS)
NO_CDN = "none"
CDNS = (NO_CDN, "cloudflare")


def open_provider(name: str, credentials: Path) -> DnsProvider:
    """The provider ``name`` with the credentials in that file. Nothing is asked of it yet.

    Raises ``InvalidInputError`` for an unknown name and for credentials that are not valid.
    """
    kind = _KINDS.get(name)
    if kind is None:
        raise InvalidInputError(
            f"there is no DNS provider {name!r}", mend=f"one of: {', '.join(_KINDS)}"
        )
    module = import_module(f"barberpro.adapters.dns.{kind.module}")
    given = read_credentials(credentials, getattr(module, kind.credentials))
    provider: DnsProvider = getattr(module, kind.provider)(given)
    return provider


def open_cdn(name: str, credentials: Path) -> Cdn:
    """The network ``name`` with the credentials of the DNS provider of that name."""
    module = import_module(f"barberpro.adapters.cdn.{name}")
    made = import_module(f"barberpro.adapters.dns.{name}")
    kind = _KINDS[name]
    network: Cdn = getattr(module, f"{kind.provider}Cdn")(
        read_credentials(credentials, getattr(made, kind.credentials))
    )
    return network


def look_up(name: str, kind: str, servers: Sequence[str] = ()) -> Seen:
    """What the machine's resolver, or each of ``servers`` in turn, says of ``name``."""
    seen: Seen = import_module("barberpro.adapters.dns.lookup").look_up(name, kind, servers)
    return seen
