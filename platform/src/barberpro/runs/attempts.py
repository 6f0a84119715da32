"""One attempt of a step or of an undo, turned into its durable record.

This is the one place where an exception becomes an outcome. KeyboardInterrupt and SystemExit
pass; nothing else does, and nothing is lost: what was not expected is in the step's log in full.
"""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable
from typing import Any

from barberpro.errors import BarberProError, RefusedError
from barberpro.runs.kinds import StepContext
from barberpro.runs.outcomes import Done, Failed, Json, Outcome, RetryAfter, Skipped
from barberpro.runs.pipelines import Step
from barberpro.runs.records import Phase, describe, encode
from barberpro.targets.protocol import PassingFaultError

LONGEST_WAIT_SECONDS = 3600.0

AnyStep = Step[Any]


def attempt(
    work: Callable[[], Outcome],
    context: StepContext,
    *,
    phase: Phase,
    stage: str,
    step: str,
    number: int,
) -> dict[str, Json]:
    """Calls ``work`` and returns the record of it (``records.StepRecord`` as JSON)."""
    context.take_log()  # what was logged between steps belongs to no step
    started = time.time()
    try:
        outcome = _checked(work())
    except Exception as error:  # noqa: BLE001 - the one place: see the module's docstring
        outcome = _outcome_of(error, context)
    record: dict[str, Json] = {
        "phase": phase,
        "stage": stage,
        "step": step,
        "attempt": number,
        **describe(outcome),
        "started": started,
        "ended": time.time(),
    }
    record["log"] = list(context.take_log())
    return record


def running(step: AnyStep, context: StepContext) -> Callable[[], Outcome]:
    return lambda: step.run(context)


def undoing(step: AnyStep, context: StepContext) -> Callable[[], Outcome]:
    def work() -> Outcome:
        if step.undo is not None:
            step.undo(context)
        return Done("undone")

    return work


def _checked(outcome: object) -> Outcome:
    """A step that returns something else than an outcome, or facts that are not JSON, is wrong."""
    match outcome:
        case Done(detail, facts):
            encode(dict(facts))
            return Done(str(detail), facts)
        case RetryAfter(seconds, reason):
            if not math.isfinite(seconds):
                raise ValueError(f"RetryAfter of {seconds} seconds")
            return RetryAfter(min(max(0.0, seconds), LONGEST_WAIT_SECONDS), str(reason))
        case Skipped() | Failed():
            return outcome
    raise TypeError(f"the step returned {outcome!r}, which is not an outcome")


def _outcome_of(error: Exception, context: StepContext) -> Outcome:
    if isinstance(error, PassingFaultError):
        return RetryAfter(min(max(0.0, error.seconds), LONGEST_WAIT_SECONDS), error.what)
    if isinstance(error, BarberProError):
        return Failed(error.what, error.where, error.mend, isinstance(error, RefusedError))
    for line in "".join(traceback.format_exception(error)).splitlines():
        context.log(line)
    message = " ".join(str(error).split())
    return Failed(
        f"{type(error).__name__}: {message}" if message else type(error).__name__,
        mend="the step's log has the traceback (barberpro runs RUN --log); this is a defect"
        " or a fault of the machine",
    )
