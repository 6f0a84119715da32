"""The durable record of one attempt: the outcome, when, how long, and what was logged.

One attempt is one DBOS step, and this record is its stored output (JSON, ``format`` 1), so that
the audit trail costs no write of its own and can be read without DBOS.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from barberpro.runs.outcomes import Done, Failed, Json, Outcome, RetryAfter, Skipped

RECORD_FORMAT = 1

Phase = Literal["run", "undo"]
Result = Literal["done", "skipped", "retry", "failed"]


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One attempt of one step. Times are seconds since the epoch (UTC)."""

    phase: Phase
    stage: str
    step: str
    attempt: int  # from 1
    result: Result
    detail: str
    started: float
    ended: float
    facts: Mapping[str, Json] = field(default_factory=dict)
    where: str = ""
    mend: str = ""
    refused: bool = False
    retry_seconds: float = 0.0
    log: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return self.ended - self.started

    def outcome(self) -> Outcome:
        if self.result == "done":
            return Done(self.detail, self.facts)
        if self.result == "skipped":
            return Skipped(self.detail)
        if self.result == "retry":
            return RetryAfter(self.retry_seconds, self.detail)
        return Failed(self.detail, self.where, self.mend, self.refused)


def describe(outcome: Outcome) -> dict[str, Json]:
    """The outcome's share of the record."""
    match outcome:
        case Done(detail, facts):
            return {"result": "done", "detail": detail, "facts": dict(facts)}
        case Skipped(reason):
            return {"result": "skipped", "detail": reason}
        case RetryAfter(seconds, reason):
            return {"result": "retry", "detail": reason, "retry_seconds": seconds}
        case Failed(what, where, mend, refused):
            return {
                "result": "failed", "detail": what, "where": where, "mend": mend,
                "refused": refused,
            }  # fmt: skip


def encode(value: object) -> str:
    """JSON in ASCII: whatever a step logged can be stored by PostgreSQL in any encoding."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def storable(text: str) -> str:
    """Text that PostgreSQL takes: no NUL, no half of a surrogate pair."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def parse(record: Mapping[str, Json]) -> StepRecord:
    """The inverse of what ``attempts`` wrote; keys that a newer version added are left out."""
    known = {name: record[name] for name in StepRecord.__dataclass_fields__ if name in record}
    known["log"] = tuple(known.get("log") or ())  # type: ignore[arg-type, assignment]
    return StepRecord(**known)  # type: ignore[arg-type]
