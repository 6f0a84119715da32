"""Why two records were not made one; the database function names the code, this names the status."""

from __future__ import annotations

import psycopg

from barberpro_app.kit.errors import AppError, ConflictError, NotFoundError, StaleVersionError
from barberpro_app.kit.routines import refusals


class MergeItselfError(ConflictError):
    """These are the same record."""

    code = "merge_itself"
    field = "other_id"


class MergeClinicalError(ConflictError):
    """The record that would go has a clinical file, which the law ties to it (Ley 26.529)."""

    code = "merge_clinical"
    field = "other_id"


class MergeConflictError(ConflictError):
    """Both records have rows that exclude each other."""

    code = "merge_conflict"


class MergeBusyError(ConflictError):
    """Somebody is booking for one of them just now; try again in a moment."""

    code = "merge_busy"


class TooManyTagsError(ConflictError):
    """A client has at most ten tags."""

    code = "too_many_tags"
    field = "tags"


def _in_the_way(error: psycopg.Error) -> AppError | None:
    waited = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
    return MergeBusyError() if isinstance(error, waited) else None


refusal = refusals(
    (MergeItselfError, MergeClinicalError, MergeConflictError, NotFoundError, StaleVersionError),
    _in_the_way,
)
