"""What law and policy say about a plan, before anything runs.

The rules are data: each control of the catalog names a check by its kind (``checks.CHECKS``) and gives
its parameters. What a machine cannot decide (``attest``) is listed for the operator, who answers for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from barberpro.catalog.model import Control
from barberpro.errors import InvalidInputError, RefusedError
from barberpro.planning.cases import Case, Check
from barberpro.planning.checks import CHECKS
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import Plan

_ORDER = {Severity.BLOCKING: 0, Severity.WARNING: 1, Severity.INFO: 2}


def judge(case: Case) -> Iterator[Finding]:
    """The findings of every control that applies to the vertical and can be decided on the plan,
    and what is to be attested. A control that holds leaves no finding."""
    for control in case.catalog.controls_for(case.vertical):
        if control.kind == "attest":
            yield _to_attest(control)
        elif "plan" in control.when:
            yield from _check(control)(case, control)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Blocking first, then warnings, then the rest; by id among equals."""
    return tuple(sorted(findings, key=lambda f: (_ORDER[f.severity], f.id, f.where)))


def blocking(plan: Plan) -> tuple[Finding, ...]:
    return tuple(f for f in plan.findings if f.severity is Severity.BLOCKING)


def refuse_if_blocked(plan: Plan) -> None:
    """Raises ``RefusedError`` that lists the blocking findings, each with its article and mend."""
    found = blocking(plan)
    if not found:
        return
    lines = "".join(
        f"\n  - {finding.what}\n    rests on: {finding.why}\n    mend: {finding.mend}"
        for finding in found
    )
    count = (
        "1 blocking finding refuses"
        if len(found) == 1
        else f"{len(found)} blocking findings refuse"
    )
    raise RefusedError(f"{count} the plan of {plan.deployment_id}:{lines}")


def _check(control: Control) -> Check:
    check = CHECKS.get(control.check or "")
    if check is None:
        raise InvalidInputError(
            f"The control {control.id} names the check {control.check!r}, which a plan does not have.",
            where=f"catalog, controls, {control.id}",
            mend=f"Use one of: {', '.join(sorted(CHECKS))}; or leave `plan` out of its `when`.",
        )
    return check


def _to_attest(control: Control) -> Finding:
    severity = Severity.INFO if control.severity == "info" else Severity.WARNING
    return Finding(
        id=f"attest:{control.id.lower()}",
        severity=severity,
        what=f"To be attested by the operator: {control.title}.",
        where="attestations",
        why=control.citation,
        mend=control.text,
        control=control.id,
    )
