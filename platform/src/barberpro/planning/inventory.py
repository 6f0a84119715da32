"""What already exists, as planning needs to know it: plain data that the caller reads elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from barberpro.planning.model import Plan


@dataclass(frozen=True, slots=True)
class Known:
    """One deployment that exists. ``plan`` is the one applied last, or None before the first."""

    name: str
    vertical: str
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What the target can do about public names.

    ``domains_ready`` are the domains whose public DNS leads here already and for which the target
    can obtain certificates; ``manages_dns`` says that the target writes the records itself.
    ``public_ipv4``, ``public_ipv6`` and ``public_name`` are where such records must lead.
    """

    domains_ready: frozenset[str] = frozenset()
    manages_dns: bool = False
    public_ipv4: str = ""
    public_ipv6: str = ""
    public_name: str = ""
    certificate_authority: str = "letsencrypt.org"  # its name in CAA records; empty: none is made


def _nothing() -> Mapping[str, Known]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Inventory:
    """All deployments that share the target, by id, and the facts of that target."""

    deployments: Mapping[str, Known] = field(default_factory=_nothing)
    facts: TargetFacts = TargetFacts()

    @cached_property
    def database_users(self) -> Mapping[str, tuple[str, ...]]:
        """Which deployments use a PostgreSQL name; gathered once, however many plans ask."""
        users: dict[str, tuple[str, ...]] = {}
        for identifier, known in self.deployments.items():
            if known.plan is not None:
                database = known.plan.database
                for name in {database.name, database.owner_role, database.app_role}:
                    users[name] = (*users.get(name, ()), identifier)
        return users
