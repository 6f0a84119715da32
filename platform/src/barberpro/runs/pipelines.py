"""What a pipeline is made of: stages with a time budget, steps with ``run`` and ``undo``.

Definitions only; the engine (``engine.py``) carries them out. ``C`` is the context that a
pipeline's composition root builds anew in every process that executes or resumes the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from barberpro.runs.outcomes import Outcome

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Step(Generic[C]):
    """One unit of durable work. ``run`` compares desired with actual, so that a second call after
    a kill is safe; ``undo`` is needed where ``run`` changes anything, and is safe to repeat too."""

    id: str  # stable, kebab-case, unique in the pipeline: it is written in the registry
    title: str  # the manual's words
    run: Callable[[C], Outcome]
    undo: Callable[[C], None] | None = None
    attempts: int = 5  # how many times RetryAfter is honoured before it counts as a failure


@dataclass(frozen=True, slots=True)
class Stage(Generic[C]):
    """An ordered group of steps with a budget in seconds (manual, "Deployment Stages")."""

    id: str
    title: str
    budget_seconds: int
    steps: tuple[Step[C], ...]


@dataclass(frozen=True, slots=True)
class Pipeline(Generic[C]):
    """An ordered list of stages. ``kind`` names the sort of run: deploy, destroy, start ..."""

    kind: str
    stages: tuple[Stage[C], ...]

    def steps(self) -> Iterator[Step[C]]:
        for stage in self.stages:
            yield from stage.steps
