"""Carries out one run inside its DBOS workflow: steps in order, and after a failure the undos.

Everything here is decided by the run's shape and by the outcomes that DBOS recorded, so that a
resumed run takes the same way through it up to the step that was in flight.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dbos import DBOS

from barberpro.runs import attempts
from barberpro.runs.events import Listener
from barberpro.runs.kinds import Bound
from barberpro.runs.locks import DeploymentLock, LockLostError
from barberpro.runs.narrate import Narrator
from barberpro.runs.outcomes import Done, Failed, Json, Outcome, RetryAfter, Skipped
from barberpro.runs.patience import StopRunError
from barberpro.runs.records import Phase, StepRecord, parse
from barberpro.runs.rows import Run, StepShape

ABANDONED = "the run was given up by the operator"


@dataclass(slots=True)
class Execution:
    """One attempt by this process to carry a run out. ``recorded`` names the attempts that an
    earlier process finished (DBOS gives their records back instead of running them)."""

    run: Run
    bound: Bound
    lock: DeploymentLock
    listener: Listener
    stop: threading.Event
    recorded: frozenset[str]
    narrator: Narrator = field(init=False)
    code: Mapping[str, attempts.AnyStep] = field(init=False)
    begun: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.narrator = Narrator(self.run.id, self.run.deployment, self.run.shape)
        self.code = {step.id: step for step in self.bound.pipeline.steps()}

    def carry_out(self) -> dict[str, Json]:
        """The workflow's body. Returns how the run ended, as plain JSON (``ending``)."""
        for stage, step in self.run.shape.steps():
            outcome = self._step(stage.id, step)
            if isinstance(outcome, Failed):
                return self._fail(step.id, outcome)
        return ending("done")

    def _step(self, stage: str, step: StepShape) -> Outcome:
        context = self.bound.context
        work = attempts.running(self.code[step.id], context)
        self.begun.append(step.id)
        for number in range(1, step.attempts + 1):
            if self._given_up(step.id, number):
                return Failed(ABANDONED)  # it may have been in flight, so it is undone too
            record = self._attempt("run", stage, step.id, number, work)
            outcome = record.outcome()
            if not isinstance(outcome, RetryAfter):
                break
            if number < step.attempts and not self._given_up(step.id, number + 1):
                self._wait_until(record.ended + outcome.seconds, outcome.seconds)
        if isinstance(outcome, RetryAfter):
            return Failed(f"{outcome.reason} (given up after {step.attempts} attempts)")
        if isinstance(outcome, Done):
            context.facts[step.id] = outcome.facts
        if isinstance(outcome, Skipped):  # it changed nothing, so there is nothing to undo
            self.begun.remove(step.id)
        return outcome

    def _given_up(self, step: str, number: int) -> bool:
        """Whether the operator took the run back before this attempt was made."""
        return self.run.undo_requested and _name("run", step, number) not in self.recorded

    def _fail(self, step: str, failure: Failed) -> dict[str, Json]:
        if not self.run.undo_on_failure and not self.run.undo_requested:
            return ending("failed", step, failure)
        failures = [message for id_ in reversed(self.begun) if (message := self._undo(id_))]
        return ending("failed" if failures else "undone", step, failure, failures)

    def _undo(self, id_: str) -> str:
        """Why the undo did not work, or nothing."""
        step = self.code[id_]
        stage, shape = next(place for place in self.run.shape.steps() if place[1].id == id_)
        if not shape.undo:
            return ""
        work = attempts.undoing(step, self.bound.context)
        for number in range(1, shape.attempts + 1):
            record = self._attempt("undo", stage.id, id_, number, work)
            if record.result != "retry":
                break
            if number < shape.attempts:
                self._wait_until(record.ended + record.retry_seconds, record.retry_seconds)
        return "" if record.result == "done" else f"undo of {id_}: {record.detail}"

    def _attempt(
        self, phase: Phase, stage: str, step: str, number: int, work: Callable[[], Outcome]
    ) -> StepRecord:
        """Exactly one DBOS step, whose stored output is the record."""
        name = _name(phase, step, number)
        replayed = name in self.recorded
        if not replayed:
            self._may_go_on()
            for event in self.narrator.before(phase, step, number):
                self.listener(event)
        stored = DBOS.run_step(
            {"name": name},
            lambda: attempts.attempt(
                work, self.bound.context, phase=phase, stage=stage, step=step, number=number
            ),
        )
        record = parse(stored)
        if replayed:
            for event in self.narrator.before(
                phase, step, number, at=record.started, replayed=True
            ):
                self.listener(event)
        for event in self.narrator.after(record, replayed=replayed):
            self.listener(event)
        return record

    def _may_go_on(self) -> None:
        if self.stop.is_set():
            raise StopRunError("stopped on request", requested=True)
        try:
            self.lock.check()
        except LockLostError as error:
            raise StopRunError(str(error)) from error

    def _wait_until(self, moment: float, longest: float) -> None:
        """The wait is durable without a record of its own: its end follows from the attempt's."""
        remaining = min(moment - time.time(), longest)
        if remaining > 0 and self.stop.wait(remaining):
            raise StopRunError("stopped on request", requested=True)


def _name(phase: Phase, step: str, number: int) -> str:
    return f"{phase}:{step}:{number}"


def ending(
    status: str,
    step: str = "",
    failure: Failed | None = None,
    undo_failures: list[str] | None = None,
) -> dict[str, Json]:
    """What the workflow returns, and DBOS stores."""
    return {
        "status": status,
        "failed_step": step,
        "what": failure.what if failure else "",
        "where": failure.where if failure else "",
        "mend": failure.mend if failure else "",
        "refused": failure.refused if failure else False,
        "undo_failures": list(undo_failures or []),
        "given_up": failure is not None and failure.what == ABANDONED,
    }
