"""``barberpro cluster check``: one cluster looked at whole, as far as it lets itself be looked at."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from barberpro.errors import BarberProError
from barberpro.kube.contexts import Context, choose
from barberpro.kube.helm import helm_version
from barberpro.kube.kubectl import Kubectl
from barberpro.operations.cluster.checks import Wanted, check_cluster, check_helm
from barberpro.operations.cluster.facts import read_facts
from barberpro.operations.cluster.pull import check_pull
from barberpro.operations.cluster.rights import needed_rights
from barberpro.planning.findings import Finding, Severity

NAMESPACE = "barberpro-check"  # stands for any namespace; it is only asked about, not made


@dataclass(frozen=True, slots=True)
class Examined:
    """``reached`` is False where the cluster could not be asked at all."""

    context: Context
    findings: tuple[Finding, ...]
    reached: bool

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.severity is Severity.BLOCKING)


def examine(context: str | None, wanted: Wanted, image: str | None = None) -> Examined:
    """Look at the cluster of this context, or of the current one. Nothing is changed; with ``image``
    one pod is made for a moment, to see that a node can pull it.

    Raises:
        InvalidInputError: there is no such context.
        NoContextError, ProgramMissingError: there is nothing to ask, or nothing to ask with.
    """
    chosen = choose(context)
    findings = [_helm()]
    kubectl = Kubectl(chosen)
    try:
        facts = read_facts(kubectl, needed_rights(NAMESPACE))
    except BarberProError as error:
        lost = Finding(
            id="cluster-reach",
            severity=Severity.BLOCKING,
            what=error.what,
            where=error.where,
            mend=error.mend,
        )
        return Examined(chosen, (*findings, lost), reached=False)
    findings += check_cluster(facts, wanted)
    if image is not None:
        findings.append(check_pull(kubectl, image))
    if context is not None:
        findings = [_aimed(one, context) for one in findings]
    return Examined(chosen, tuple(findings), reached=True)


def _aimed(finding: Finding, context: str) -> Finding:
    """The same cluster in the command that mends it, where it was not the current one by default."""
    for program, flag in (
        ("kubectl", "--context"),
        ("barberpro cluster prepare", "--kube-context"),
    ):
        if finding.mend.startswith(f"{program} "):
            mend = f"{program} {flag} {shlex.quote(context)}{finding.mend.removeprefix(program)}"
            return finding.model_copy(update={"mend": mend})
    return finding


def _helm() -> Finding:
    try:
        return check_helm(*helm_version())
    except BarberProError as error:
        return Finding(
            id="cluster-helm",
            severity=Severity.BLOCKING,
            what=error.what,
            where=error.where,
            mend=error.mend,
        )
