"""Refusals of measures and goals."""

from __future__ import annotations

from barberpro_app.kit.errors import ConflictError, InvalidRequestError


class OutOfRangeError(InvalidRequestError):
    """This value is out of the plausible range of the measure."""

    code = "measure_range"
    field = "value"


class CountedKindError(InvalidRequestError):
    """This is counted from activities, not typed."""

    code = "measure_counted"
    field = "kind"


class GoalOpenError(ConflictError):
    """There is a goal for this measure already; end it first."""

    code = "goal_open"
    field = "kind"


class NothingMeasuredError(ConflictError):
    """Measure once before setting a goal, or say where you start."""

    code = "goal_start"
    field = "start_value"
