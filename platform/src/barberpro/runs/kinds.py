"""What a kind of run brings along: its input, its pipeline and the context that steps work on.

The engine knows no kind; a composition root hands it ``{"deploy": factory, "destroy": factory ...}``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from barberpro.runs.outcomes import Json
from barberpro.runs.pipelines import Pipeline

LOG_LINES = 400  # of one attempt; more is cut in the middle, and the cut is written down
LOG_LINE_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class RunInput:
    """What a run was started with; read back from the registry when the run is resumed."""

    run: str
    kind: str
    deployment: str
    revision: int | None
    payload: Mapping[str, Json]


class StepContext(Protocol):
    """What the engine needs of a context. ``facts[step id]`` are the facts of a finished step;
    the engine fills them before the next step runs, in a resumed run too."""

    @property
    def facts(self) -> MutableMapping[str, Mapping[str, Json]]: ...

    def log(self, line: str) -> None: ...

    def take_log(self) -> list[str]: ...


@dataclass(kw_only=True)
class RunContext:
    """The base that contexts inherit: facts of earlier steps, and the log of the step that runs.

    ``log`` may be called from any thread; the lines go into the step's durable record, at most
    ``LOG_LINES`` of them, the first and the last half when there are more.
    """

    facts: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    _lines: list[str] = field(default_factory=list, repr=False)

    def log(self, line: str) -> None:
        self._lines.append(line[:LOG_LINE_CHARACTERS])

    def take_log(self) -> list[str]:
        """The lines since the last call, within the cap."""
        lines, self._lines = self._lines, []
        if len(lines) <= LOG_LINES:
            return lines
        half = LOG_LINES // 2
        return [*lines[:half], f"... {len(lines) - 2 * half} lines left out ...", *lines[-half:]]


@dataclass(frozen=True, slots=True)
class Bound:
    """A pipeline with the context that its steps take."""

    pipeline: Pipeline[Any]
    context: StepContext


PipelineFactory = Callable[[RunInput], Bound]
