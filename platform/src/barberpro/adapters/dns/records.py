"""Records as all providers share them, and what a provider has to be able to do.

A record set is all values of one name and type (RFC 2181 §5): it is read, written and removed whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from barberpro.errors import BarberProError

TTL_SECONDS = 300  # short enough that a move is seen in minutes, long enough for any resolver
NEVER_TOGETHER = frozenset({"A", "AAAA", "CNAME"})  # address records of one name (RFC 1034 §3.6.2)


class DnsError(BarberProError):
    """A DNS provider refused or did not understand."""


class DnsPassingError(DnsError):
    """A DNS provider did not answer, or asked for patience; another try may succeed."""


@dataclass(frozen=True, slots=True)
class RecordSet:
    """``name`` without final dot, ``values`` in the presentation form of RFC 1035 §5.1, sorted;
    texts of TXT records without their quotes."""

    name: str
    type: str
    values: tuple[str, ...]
    ttl: int = TTL_SECONDS
    proxied: bool = False  # a network answers in its place

    def same(self, other: RecordSet | None) -> bool:
        """Whether both lead clients to the same place; how long it is remembered does not count."""
        return other is not None and replace(other, ttl=self.ttl) == self

    def shown(self) -> str:
        return "; ".join(f"{self.name}. {self.type} {value}" for value in self.values)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a resolver answered: the values, or none and why."""

    values: tuple[str, ...]
    problem: str = ""


class DnsProvider(Protocol):
    """One zone at one provider. Every method is safe to repeat.

    Raises ``DnsPassingError`` for what another try may mend and ``DnsError`` for the rest.
    """

    title: str  # as a message names it, such as "Cloudflare, zone example.org"

    def read(self, name: str, kind: str) -> RecordSet | None:
        """The record set, None where there is none."""
        ...

    def write(self, wanted: RecordSet) -> None:
        """Makes the record set exactly as wanted, whatever was there."""
        ...

    def remove(self, name: str, kind: str) -> None:
        """Removes the record set; nothing happens where there is none."""
        ...


def canonical(kind: str, value: str) -> str:
    """``value`` so that two ways of writing the same one compare equal."""
    text = value.strip()
    if kind == "TXT":
        return text[1:-1].replace('" "', "") if text.startswith('"') else text
    if kind in {"CNAME", "NS"}:
        return text.rstrip(".").lower() + "."
    if kind == "CAA":
        flags, tag, rest = text.split(None, 2)
        return f'{int(flags)} {tag.lower()} "{rest.strip(chr(34))}"'
    return text.lower()


def record_set(name: str, kind: str, values: Sequence[str], ttl: int = TTL_SECONDS) -> RecordSet:
    cleaned = tuple(sorted({canonical(kind, value) for value in values}))
    return RecordSet(name.rstrip(".").lower(), kind, cleaned, ttl)
