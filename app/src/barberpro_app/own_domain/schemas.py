"""A domain, the records that it needs, and what a query found."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

#: `absent`: the name has no records; `elsewhere`: it leads somewhere else; `pointing`: it leads here;
#: `unanswered`: nobody said.
State = Literal["absent", "elsewhere", "pointing", "unanswered"]


@dataclass(frozen=True)
class WantedRecord:
    """One record to write; `name` is whole, without the last dot."""

    kind: Literal["CNAME", "A", "AAAA"]
    name: str
    value: str


@dataclass(frozen=True)
class Found:
    """What the DNS says of a name now."""

    state: State
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnDomain:
    """What the owner typed, as the DNS writes it; "" if nothing. `found` is of the last look."""

    name: str = ""
    found: Found | None = None
    checked_at: datetime | None = None


@dataclass(frozen=True)
class Addresses:
    """Where a name leads: by another name, or by addresses."""

    alias: str = ""
    values: tuple[str, ...] = field(default=())
    answered: bool = True
