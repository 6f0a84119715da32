"""What every step of a deployment is handed: the approved plan, the target and what came before.

The context is built anew in each process that carries out or resumes a run, always from the run's
stored input, so a resumed run sees exactly the plan that was approved. ``scratch`` alone lives in
memory: it holds what must never be written into the registry, such as a test client's secret.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from barberpro.catalog.policies import Policies
from barberpro.errors import InvalidInputError
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import Plan
from barberpro.planning.plans import plan_from_json
from barberpro.runs.kinds import RunContext, RunInput
from barberpro.runs.outcomes import Json
from barberpro.runs.rows import Deployment
from barberpro.targets.protocol import Access, Target

DESTROYED = "destroyed"  # the state in the registry of a deployment that is gone


class Recorder(Protocol):
    """The share of the registry that a deployment uses (``runs.registry.Registry``)."""

    def deployment(self, id_: str) -> Deployment | None: ...

    def put_findings(self, run: str, findings: Sequence[Finding]) -> None: ...

    def put_evidence(self, run: str, control: str, body: Mapping[str, Json]) -> None: ...

    def put_baseline(self, deployment: str, revision: int, figures: Mapping[str, Json]) -> None: ...


def now_utc() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True)
class DeployContext(RunContext):
    """``previous`` is the revision that serves until this one is activated; None the first time.
    ``documents`` is the deployment's folder of generated documents."""

    plan: Plan
    checksum: str
    revision: int
    previous: int | None
    target: Target
    documents: Path
    run: str
    recorder: Recorder | None = None
    policies: Policies | None = None  # contacts and hours, for the runbook
    clock: Callable[[], datetime] = now_utc
    scratch: dict[str, object] = field(default_factory=dict, repr=False)

    @property
    def first(self) -> bool:
        """True where nothing of this deployment ran before, so that undo may remove all of it."""
        return self.previous is None

    def preview(self) -> Access:
        """The way to the revision being deployed, live or not."""
        return self.target.access(self.plan, self.revision)

    def fact(self, step: str, name: str) -> Json:
        """What an earlier step recorded; None where it recorded nothing of that name."""
        return self.facts.get(step, {}).get(name)

    def record(self, findings: Sequence[Finding]) -> None:
        """Writes findings into the registry at once, so that they outlive a step that fails;
        one that shows a control kept is also the evidence for it."""
        if self.recorder is None or not findings:
            return
        self.recorder.put_findings(self.run, findings)
        for finding in findings:
            if finding.control and finding.severity is Severity.INFO:
                body: dict[str, Json] = {
                    "what": finding.what,
                    "where": finding.where,
                    "why": finding.why,
                    "evidence": finding.evidence,
                }
                self.recorder.put_evidence(self.run, finding.control, body)

    def findings(self) -> tuple[Finding, ...]:
        """What all steps up to now saw, in their order, each finding once."""
        return collect_findings(self.facts)


def collect_findings(facts: Mapping[str, Mapping[str, Json]]) -> tuple[Finding, ...]:
    """The findings that the finished steps of a run recorded, each once."""
    seen: dict[tuple[str, str], Finding] = {}
    for recorded in facts.values():
        entries = recorded.get("findings")
        for entry in entries if isinstance(entries, list) else []:
            finding = Finding.model_validate(entry)
            seen.setdefault((finding.id, finding.where), finding)
    return tuple(seen.values())


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a deployment works with, built once by the program's composition root.
    ``documents`` gives a deployment's folder of generated documents, ``recorder`` is the registry,
    ``policies`` are the catalog's, for contacts and hours in the runbook."""

    target: Target
    documents: Callable[[str], Path]
    recorder: Recorder | None = None
    policies: Policies | None = None


def read_context(given: RunInput, around: Surroundings) -> DeployContext:
    """The context of a run, from its stored input: ``payload`` holds ``plan`` (an object, or its
    canonical JSON) and ``checksum``; ``options.previous_revision``, where it is given, is what
    served before, which is otherwise what the registry says. Before a run has its revision, the
    context stands for its shape alone (revision 0).

    Raises ``InvalidInputError`` if the payload is not one of a deployment.
    """
    stored, checksum = given.payload.get("plan"), given.payload.get("checksum")
    if isinstance(stored, dict):
        stored = json.dumps(stored, ensure_ascii=False)
    if not isinstance(stored, str) or not isinstance(checksum, str):
        raise InvalidInputError(
            f"the input of run {given.run} holds no plan with its checksum",
            where=f"registry, run {given.run}",
            mend="was it written by another version? take it back: "
            f"barberpro resume {given.deployment} --undo",
        )
    return DeployContext(
        plan=plan_from_json(stored),
        checksum=checksum,
        revision=given.revision or 0,
        previous=_previous(given, around.recorder),
        target=around.target,
        documents=around.documents(given.deployment),
        run=given.run,
        recorder=around.recorder,
        policies=around.policies,
    )


def _previous(given: RunInput, recorder: Recorder | None) -> int | None:
    options = given.payload.get("options")
    if isinstance(options, dict) and "previous_revision" in options:
        chosen = options["previous_revision"]
        return chosen if isinstance(chosen, int) else None
    known = recorder.deployment(given.deployment) if recorder is not None else None
    if known is None or known.state == DESTROYED:
        return None
    return known.current_revision
