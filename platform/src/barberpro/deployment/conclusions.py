"""From what a target or a check returns to the outcome of a step, in one place.

``guarded`` is the only wrapper that turns exceptions into outcomes: a ``PassingFaultError`` is
worth another try, a ``RefusedError`` ends with exit code 3, any other ``BarberProError`` is
permanent. Whatever is not a ``BarberProError`` is a defect and is left to the engine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from textwrap import shorten

from barberpro.deployment.context import DeployContext
from barberpro.errors import BarberProError, RefusedError
from barberpro.planning.findings import Finding, Severity
from barberpro.runs.outcomes import Done, Failed, Json, Outcome, RetryAfter, Skipped
from barberpro.runs.pipelines import Step
from barberpro.targets.protocol import PassingFaultError, Report

SHOWN_WARNINGS, SHOWN_CHARACTERS = 2, 90
Work = Callable[[DeployContext], Outcome]
Undo = Callable[[DeployContext], None]


def guarded(work: Work) -> Work:
    """``work`` with faults turned into outcomes."""

    @wraps(work)
    def run(context: DeployContext) -> Outcome:
        try:
            return work(context)
        except PassingFaultError as fault:
            return RetryAfter(fault.seconds, str(fault))
        except BarberProError as error:
            mend, refused = _named(error.mend, context), isinstance(error, RefusedError)
            return Failed(error.what, error.where, mend, refused=refused)

    return run


def _named(mend: str, context: DeployContext) -> str:
    """Checks know no deployment: their remedies say ``DEPLOYMENT`` where its id belongs."""
    return mend.replace("DEPLOYMENT", context.plan.deployment_id)


def step(title: str, work: Work, undo: Undo | None = None) -> Step[DeployContext]:
    """A step named by the manual's words; its id is the title in kebab-case."""
    return Step(id=title.lower().replace(" ", "-"), title=title, run=guarded(work), undo=undo)


def plain(values: Mapping[str, object]) -> dict[str, Json]:
    """Facts as plain JSON values, so that they can be recorded and read back unchanged."""
    copied: dict[str, Json] = json.loads(json.dumps(values, default=str))
    return copied


def done(report: Report) -> Outcome:
    """What the target did; a sub-step that does not apply there is skipped, with its reason."""
    if report.not_applicable:
        return Skipped(report.detail)
    return Done(report.detail, plain(report.facts))


def conclude(
    context: DeployContext,
    findings: Iterable[Finding],
    detail: str,
    *,
    refused: bool = False,
    facts: Mapping[str, object] | None = None,
) -> Outcome:
    """Failed if a finding blocks (all of them named, with their evidence), else done with all
    findings on record. ``refused``: the fault lies in what was asked, not in what runs."""
    seen = tuple(
        finding.model_copy(update={"mend": _named(finding.mend, context)}) for finding in findings
    )
    context.record(seen)
    blocking = [finding for finding in seen if finding.severity is Severity.BLOCKING]
    if blocking:
        return Failed(
            "; ".join(describe(finding) for finding in blocking),
            "; ".join(dict.fromkeys(f.where for f in blocking if f.where)),
            "; ".join(dict.fromkeys(f.mend for f in blocking if f.mend)),
            refused=refused,
        )
    warnings = [finding for finding in seen if finding.severity is Severity.WARNING]
    if warnings:
        detail = f"{detail}; {_warned(warnings)}"
    recorded: list[Json] = [finding.model_dump(mode="json") for finding in seen]
    return Done(detail, {**plain(facts or {}), "findings": recorded})


def _warned(warnings: list[Finding]) -> str:
    """The number of warnings and the first few in short; all stand in the registry and runbook."""
    noun = "warning" if len(warnings) == 1 else "warnings"
    listed = [shorten(finding.what, SHOWN_CHARACTERS) for finding in warnings[:SHOWN_WARNINGS]]
    if len(warnings) > SHOWN_WARNINGS:
        listed.append(f"and {len(warnings) - SHOWN_WARNINGS} more")
    return f"{len(warnings)} {noun}: {'; '.join(listed)}"


def describe(finding: Finding) -> str:
    """A finding in one line: what, on what ground, with which evidence."""
    text = finding.what
    if finding.why:
        text += f" ({finding.why})"
    if finding.evidence:
        text += f" [{finding.evidence}]"
    return text
