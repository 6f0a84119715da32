"""Who a request acts for, and the one table that maps roles to scopes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

PrincipalKind = Literal["client", "staff", "api", "system", "anonymous"]

#: Every scope with what it permits; the same words in tokens, in OpenAPI and in checks.
SCOPES: dict[str, str] = {
    "availability:read": "See free times (public: needs no token)",
    "catalog:read": "See services, prices and locations (public: needs no token)",
    "catalog:write": "Change services, prices, locations and holidays",
    "providers:read": "See providers with their hours and time off",
    "providers:write": "Change providers, hours and time off",
    "clients:read": "See clients",
    "clients:write": "Change clients",
    "bookings:read": "See bookings",
    "bookings:write": "Make and change bookings",
    "settings:read": "See settings, staff and messages",
    "settings:write": "Change settings and staff, send a message again",
    "audit:read": "Read the audit trail",
}

PUBLIC_SCOPES = frozenset({"availability:read", "catalog:read"})

_FRONT_DESK = PUBLIC_SCOPES | {
    "providers:read",
    "clients:read",
    "clients:write",
    "bookings:read",
    "bookings:write",
}
_MANAGER = _FRONT_DESK | {
    "catalog:write",
    "providers:write",
    "settings:read",
    "settings:write",
    "audit:read",
}

#: A provider sees and changes the own agenda only: `Principal.own_agenda_only` says so to services.
ROLE_SCOPES: dict[str, frozenset[str]] = {
    "owner": frozenset(SCOPES),
    "manager": frozenset(_MANAGER),
    "reception": frozenset(_FRONT_DESK),
    "provider": PUBLIC_SCOPES | {"providers:read", "bookings:read", "bookings:write"},
}
ROLES = tuple(ROLE_SCOPES)


@dataclass(frozen=True, slots=True)
class Principal:
    """The actor of a request or a job.

    `id` is the key of the client, staff user or API client as text; "" for anonymous and system.
    `name` is for the audit trail: the staff user's name or the API client's name, for a client "".
    """

    kind: PrincipalKind
    id: str = ""
    name: str = ""
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = field(default=PUBLIC_SCOPES)
    provider_id: UUID | None = None
    client_id: UUID | None = None

    @property
    def is_anonymous(self) -> bool:
        return self.kind == "anonymous"

    @property
    def is_staff(self) -> bool:
        return self.kind == "staff"

    @property
    def own_agenda_only(self) -> bool:
        """A provider without a wider role acts on the own agenda alone."""
        return self.kind == "staff" and self.roles == frozenset({"provider"})

    def has_scope(self, scope: str) -> bool:
        return scope in self.scopes

    def has_role(self, *roles: str) -> bool:
        return not self.roles.isdisjoint(roles)


ANONYMOUS = Principal("anonymous")
SYSTEM = Principal("system", name="system", scopes=frozenset(SCOPES))


def staff_principal(user_id: UUID, name: str, role: str, provider_id: UUID | None) -> Principal:
    """The principal of a signed-in staff user."""
    return Principal(
        "staff", str(user_id), name, frozenset({role}), ROLE_SCOPES[role], provider_id=provider_id
    )


def client_principal(client_id: UUID) -> Principal:
    """The principal of a signed-in client: acts on the own bookings, which services check."""
    return Principal("client", str(client_id), client_id=client_id)
