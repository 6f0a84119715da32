"""The owner's domain: what it may look like, which records it needs, what is there."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime
from urllib.parse import urlsplit

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import InvalidRequestError
from barberpro_app.own_domain import repository
from barberpro_app.own_domain.lookup import Resolver
from barberpro_app.own_domain.schemas import Found, OwnDomain, State, WantedRecord

#: A label as the DNS carries it (RFC 1035 §2.3.1, RFC 1123 §2.1).
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
#: Names that nobody can have in the public DNS (RFC 6761, 6762, 8375, ICANN on .internal).
_PRIVATE = {"localhost", "local", "internal", "test", "example", "invalid", "onion", "arpa", "lan"}
#: Second levels under which names are registered, as nic.ar gives them and the usual ones elsewhere.
_REGISTRIES = {
    "com",
    "net",
    "org",
    "gob",
    "gov",
    "edu",
    "int",
    "mil",
    "tur",
    "coop",
    "musica",
    "co",
}


class DomainNameError(InvalidRequestError):
    """This is no name that can be had in the public DNS."""

    code = "domain_name"
    field = "domain"


def normal(typed: str) -> str:
    """The name as the DNS writes it, of what somebody typed or pasted. Raises `DomainNameError`."""
    value = typed.strip().lower()
    value = re.sub(r"^https?://", "", value).partition("/")[0].rstrip(".")
    try:
        name = value.encode("idna").decode("ascii") if value else ""
    except UnicodeError as error:
        raise DomainNameError from error
    labels = name.split(".")
    wrong = len(name) > 253 or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels))
    if wrong or labels[-1] in _PRIVATE or labels[-1].isdigit():
        raise DomainNameError
    return name


def is_apex(name: str) -> bool:
    """Whether a name is itself what is registered, so that it cannot be an alias (RFC 1034 §3.6.2)."""
    labels = name.split(".")
    below = 3 if len(labels[-1]) == 2 and len(labels) > 2 and labels[-2] in _REGISTRIES else 2
    return len(labels) <= below


def host_of(address: str) -> str:
    """Where this deployment answers now; "" if only the machine itself can reach it."""
    host = (urlsplit(address).hostname or "").lower()
    try:
        return host if ipaddress.ip_address(host).is_global else ""
    except ValueError:
        return "" if host.rpartition(".")[2] in _PRIVATE or "." not in host else host


async def get_domain(connection: Connection) -> OwnDomain:
    value = await repository.stored(connection)
    if not value.get("name"):
        return OwnDomain()
    found = value.get("found")
    at = value.get("checked_at")
    return OwnDomain(
        value["name"],
        Found(found["state"], tuple(found["values"])) if found else None,
        datetime.fromisoformat(at) if at else None,
    )


async def set_domain(connection: Connection, actor: Actor, name: str) -> None:
    """`name` is `normal`, or "" to forget it. Needs a transaction."""
    await repository.keep(connection, {"name": name})
    await record(connection, actor, "domain.chosen", AuditedObject("domain", name))


async def wanted(resolver: Resolver, name: str, host: str) -> list[WantedRecord]:
    """The records that lead a name to this deployment, which answers at `host` now."""
    if not host:
        return []
    if not is_apex(name):
        return [WantedRecord("CNAME", name, host)]
    there = await resolver.addresses(host)
    return [WantedRecord("AAAA" if ":" in value else "A", name, value) for value in there.values]


async def look(resolver: Resolver, name: str, host: str) -> Found:
    """What the DNS says of the name now."""
    found = await resolver.addresses(name)
    if not found.answered:
        return Found("unanswered")
    values = tuple(part for part in (found.alias, *found.values) if part)
    if not values:
        return Found("absent")
    here = await resolver.addresses(host) if host else None
    same = here is not None and bool(set(here.values) & set(found.values))
    state: State = "pointing" if host and (same or found.alias == host) else "elsewhere"
    return Found(state, values)


async def keep_found(connection: Connection, name: str, found: Found, at: datetime) -> None:
    """Needs no more than one statement: the last look counts."""
    await repository.keep(
        connection,
        {
            "name": name,
            "found": {"state": found.state, "values": list(found.values)},
            "checked_at": at.isoformat(),
        },
    )
