"""Whether the world's DNS leads a domain to this machine: record by record, by real queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from barberpro.adapters.dns.providers import look_up
from barberpro.adapters.dns.records import canonical
from barberpro.planning.inventory import TargetFacts
from barberpro.planning.network import wanted_records

MUST_BE = frozenset({"A", "AAAA", "CNAME"})


@dataclass(frozen=True, slots=True)
class RecordState:
    """``needed`` is False for a record that only makes things safer (CAA)."""

    name: str
    type: str
    wanted: str
    seen: tuple[str, ...]
    problem: str
    needed: bool

    @property
    def there(self) -> bool:
        return canonical(self.type, self.wanted) in {canonical(self.type, v) for v in self.seen}


def examine(domain: str, facts: TargetFacts, resolvers: tuple[str, ...]) -> list[RecordState]:
    """Each record that a deployment on ``domain`` wants, and what resolvers answer now."""
    return list(_states(domain, facts, resolvers))


def _states(domain: str, facts: TargetFacts, resolvers: tuple[str, ...]) -> Iterator[RecordState]:
    for record in wanted_records(domain, facts, "this machine"):
        seen = look_up(record.name, record.type, resolvers)
        yield RecordState(
            record.name,
            record.type,
            record.value,
            seen.values,
            seen.problem,
            record.type in MUST_BE,
        )


def leads_here(states: list[RecordState]) -> bool:
    return all(state.there for state in states if state.needed)
