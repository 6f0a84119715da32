"""Asks the DNS where a name leads. The library is loaded with the first question."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from barberpro_app.own_domain.schemas import Addresses

SECONDS = 4.0


@dataclass(frozen=True)
class Resolver:
    """The machine's resolvers, or given ones."""

    servers: tuple[str, ...] = ()
    port: int = 53

    async def addresses(self, name: str) -> Addresses:
        """Its alias if it has one, and its addresses; never raises for what the DNS does."""
        answers = [await self._ask(name, kind) for kind in ("CNAME", "A", "AAAA")]
        aliases, four, six = ([] if found is None else found for found in answers)
        return Addresses(
            alias=aliases[0] if aliases else "",
            values=tuple(sorted({*four, *six})),
            answered=any(found is not None for found in answers),
        )

    async def _ask(self, name: str, kind: str) -> list[str] | None:
        """The values of one kind; None if nobody answered."""
        library: Any = import_module("dns.asyncresolver")
        errors: Any = import_module("dns.exception")
        resolver = library.Resolver(configure=not self.servers)
        if self.servers:
            resolver.nameservers, resolver.port = list(self.servers), self.port
        resolver.lifetime = resolver.timeout = SECONDS
        try:
            answer = await resolver.resolve(name, kind, search=False)
        except (library.NXDOMAIN, library.NoAnswer):
            return []
        except (errors.DNSException, OSError):
            return None
        return [record.to_text().rstrip(".").lower() for record in answer]
