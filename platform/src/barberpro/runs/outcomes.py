"""How an attempt of a step ended: a value, never an exception (DESIGN §2).

An outcome is plain data: the engine stores it as the step's durable record and reads it back
when a run is resumed, so whatever a later step needs of an earlier one stands in ``facts``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Done:
    """The step did its work, or found it done already. ``detail`` says what, in one line."""

    detail: str
    facts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """The step does not apply here; ``reason`` says why, and goes into the report."""

    reason: str


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """A passing fault: try again after ``seconds``."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A permanent fault: the run is undone, newest step first."""

    what: str
    where: str = ""
    mend: str = ""
    refused: bool = False  # a blocking finding rather than a fault: exit code 3


Outcome = Done | Skipped | RetryAfter | Failed
