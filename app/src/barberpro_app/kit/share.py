"""Which of a deployment's services one process serves, and where the others are.

By default a process serves them all. Where each service runs apart, every process is told its own;
the gateway is told too where its peers are, and passes on what is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

GATEWAY = "api-gateway"
PLACE = "{service}"


@dataclass(frozen=True, slots=True)
class Share:
    """`services` None: all. `peers` is a URL with `{service}` in it, for those that run elsewhere."""

    services: frozenset[str] | None = None
    peers: str = ""

    @property
    def whole(self) -> bool:
        return self.services is None

    @property
    def gateway(self) -> bool:
        """Whether the pages that every business has are here."""
        return self.services is None or GATEWAY in self.services

    def has(self, service: str) -> bool:
        return self.services is None or service in self.services

    def own(self, enabled: Iterable[str]) -> tuple[str, ...]:
        """Those of the enabled services that this process serves, in their order."""
        return tuple(name for name in enabled if self.has(name))

    def elsewhere(self, enabled: Iterable[str]) -> tuple[str, ...]:
        """Those that a gateway passes on; none where it knows no peers."""
        return tuple(name for name in enabled if self.peers and not self.has(name))

    def address(self, service: str) -> str:
        return self.peers.replace(PLACE, service)


WHOLE = Share()
