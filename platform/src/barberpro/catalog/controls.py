"""Rules of law and policy, article by article, that a plan or a running deployment must meet."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from barberpro.catalog.figures import Model, Text
from barberpro.catalog.places import Confidence
from barberpro.catalog.verticals import Vertical

ControlId = Annotated[str, Field(pattern="^[A-Z0-9]+(?:-[A-Z0-9]+)*$", max_length=60)]
Parameter = bool | int | str | tuple[str, ...]
Phase = Literal["plan", "run", "operate"]


class Control(Model):
    """One rule. ``kind`` ``check`` is decided by the machine, ``attest`` by a person who signs for it.

    ``applies_to`` holds ``all``, a trait (``health-data``, ``clinical-records`` ...) or a vertical's id.
    ``check`` names the machine check, which reads ``parameters`` (names state the unit). ``when`` says
    where it can be decided: on the plan, on what a run just deployed, or in operation.
    """

    id: ControlId = ""
    law: Text
    article: Text
    title: Text
    text: Text
    severity: Literal["info", "warning", "blocking"]
    kind: Literal["check", "attest"]
    when: Annotated[tuple[Phase, ...], Field(min_length=1)]
    applies_to: Annotated[tuple[str, ...], Field(min_length=1)]
    check: Annotated[str, Field(pattern="^[a-z0-9]+(?:-[a-z0-9]+)*$")] | None = None
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    source: Text
    confidence: Confidence

    @property
    def citation(self) -> str:
        """As findings name it: ``Ley 26.529 art. 18``."""
        return f"{self.law} {self.article}".strip()

    def applies(self, vertical: Vertical) -> bool:
        return not {"all", vertical.id, *vertical.compliance.traits}.isdisjoint(self.applies_to)
