"""What the world sees of a name: real queries to real resolvers."""

from __future__ import annotations

from collections.abc import Sequence

import dns.exception
import dns.resolver

from barberpro.adapters.dns.records import Seen

ANSWER_SECONDS = 4.0


def resolver(servers: Sequence[str] = ()) -> dns.resolver.Resolver:
    """The machine's resolver, or one that asks ``servers`` (``address`` or ``address:port``)."""
    made = dns.resolver.Resolver(configure=not servers)
    made.lifetime = ANSWER_SECONDS
    made.cache = None
    if servers:
        made.nameservers = [_address(server) for server in servers]
        made.nameserver_ports = {
            _address(server): int(server.rpartition(":")[2])
            for server in servers
            if _has_port(server)
        }
    return made


def look_up(name: str, kind: str, servers: Sequence[str] = ()) -> Seen:
    try:
        answer = resolver(servers).resolve(name + ".", kind, search=False)
    except dns.resolver.NXDOMAIN:
        return Seen((), "there is no such name")
    except dns.resolver.NoAnswer:
        return Seen((), f"it has no {kind} record")
    except dns.exception.DNSException as error:
        return Seen((), f"no answer: {error}")
    return Seen(tuple(sorted(str(entry) for entry in answer)))


def _has_port(server: str) -> bool:
    return server.count(":") == 1


def _address(server: str) -> str:
    return server.rpartition(":")[0] if _has_port(server) else server
