"""Why a run is not begun or not resumed; each says what to do instead."""

from __future__ import annotations

from collections.abc import Sequence

from barberpro.errors import BarberProError
from barberpro.runs.pipelines import Pipeline
from barberpro.runs.rows import RUN_FORMAT, Run


class UnfinishedRunError(BarberProError):
    """An earlier run of this deployment has to be resumed or undone first."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"{run.kind} run {run.id} of {run.deployment} was begun and not finished",
            where=f"deployment {run.deployment}",
            mend=f"finish it with: barberpro resume {run.deployment}, or take it back with:"
            f" barberpro resume {run.deployment} --undo",
        )
        self.run = run


class PipelineChangedError(BarberProError):
    """The run cannot be resumed by this version of the program."""


def unknown_kind(run: Run, known: Sequence[str]) -> PipelineChangedError:
    return PipelineChangedError(
        f"this program knows no runs of kind {run.kind}",
        where=f"run {run.id}",
        mend=f"use the version of BarberPro that started it; known are: {', '.join(known)}",
    )


def check_resumable(run: Run) -> None:
    """Raises ``PipelineChangedError`` where this version cannot read the run."""
    if run.format > RUN_FORMAT:
        raise PipelineChangedError(
            f"run {run.id} was written in format {run.format}, this version knows up to {RUN_FORMAT}",
            where=f"run {run.id}",
            mend="resume it with the newer BarberPro that started it",
        )


def check_steps(run: Run, pipeline: Pipeline[object]) -> None:
    """Raises ``PipelineChangedError`` where this version lacks a step that the run began with."""
    missing = {step.id for _, step in run.shape.steps()} - {step.id for step in pipeline.steps()}
    if missing:
        raise PipelineChangedError(
            f"this version no longer has the steps {', '.join(sorted(missing))} of run {run.id}",
            where=f"run {run.id}",
            mend="resume it with the version of BarberPro that started it",
        )
