"""The steps, where the owner stands, and what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Step = Literal["business", "team", "services", "money", "messages", "look", "open"]
Answer = Literal["done", "skipped"]

#: In the order in which they are shown; `money` is there where payments are kept.
STEPS: tuple[Step, ...] = ("business", "team", "services", "money", "messages", "look", "open")


@dataclass(frozen=True)
class Opening:
    """Where the owner stands. `ended`: opened, or does not want to be asked any more."""

    steps: tuple[Step, ...]
    answers: Mapping[str, Answer] = field(default_factory=dict)
    ended: bool = False

    @property
    def answered(self) -> int:
        return sum(step in self.answers for step in self.steps)

    @property
    def next(self) -> Step | None:
        """The first that was neither done nor skipped."""
        return next((step for step in self.steps if step not in self.answers), None)


@dataclass(frozen=True)
class Facts:
    """What the business has: counts, and of what is missing too."""

    locations: int
    without_address: int
    providers: int
    without_hours: int
    services: int
    not_given: int
    cheapest_centavos: int
    deposits: int
