"""The doctor changes nothing and sees what is wrong; start, stop and destroy tell their faults."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from support_local import local_home
from support_planning import plan_of

from barberpro.deployment.testing import RecordingTarget
from barberpro.errors import BarberProError, InvalidInputError
from barberpro.operations.doctor import Doctor
from barberpro.operations.lifecycle import lifecycle_factories
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.plans import canonical_json, checksum
from barberpro.runs.kinds import Bound, RunInput
from barberpro.runs.outcomes import Done, Failed, Outcome, RetryAfter, Skipped
from barberpro.runs.rows import Deployment, Revision
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.supervision import MARK
from barberpro.targets.protocol import PassingFaultError, Report

PLAN = plan_of(market="small")


@pytest.fixture
def platform() -> Iterator[LocalPlatform]:
    with local_home("home") as home:
        yield LocalPlatform.open(home)


def found(platform: LocalPlatform) -> dict[str, Finding]:
    return {finding.id: finding for finding in Doctor(platform).examine()}


def test_a_machine_without_a_deployment_is_healthy_and_left_alone(platform: LocalPlatform) -> None:
    findings = found(platform)
    assert [f.what for f in findings.values() if f.severity is Severity.BLOCKING] == []
    assert findings["doctor-postgresql"].what.startswith(
        "PostgreSQL runs: postgres (PostgreSQL) 18"
    )
    assert "Caddy runs: v2" in findings["doctor-caddy"].what
    assert findings["doctor-runs"].mend == "barberpro start"
    assert not platform.layout.home.exists()


def test_a_port_that_another_program_holds_is_named_with_its_holder(
    platform: LocalPlatform,
) -> None:
    port = int(os.environ["BARBERPRO_HTTPS_PORT"])
    with socket.create_server(("127.0.0.1", port)):
        finding = found(platform)["doctor-port-https"]
    assert finding.severity is Severity.WARNING
    assert f"(process {os.getpid()})" in finding.what
    assert finding.mend


def test_a_process_without_a_supervisor_is_seen_and_not_ended(platform: LocalPlatform) -> None:
    environment = {**os.environ, MARK: platform.layout.identity}
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment
    )
    try:
        finding = found(platform)["doctor-orphans"]
        assert psutil.pid_exists(process.pid)
    finally:
        process.communicate(b"\n")
    assert finding.severity is Severity.BLOCKING
    assert str(process.pid) in finding.what


def test_a_check_that_fails_does_not_stop_the_others(platform: LocalPlatform) -> None:
    platform.layout.home.mkdir(parents=True)
    (platform.layout.home / "state.json").write_text('{"https_port": "many"}')
    findings = found(platform)
    assert findings["doctor-listening"].severity is Severity.BLOCKING
    assert "https_port" in findings["doctor-listening"].what
    assert "doctor-orphans" in findings


@dataclass
class States:
    """The registry's share that these runs use, in memory."""

    state: str = "live"
    number: int | None = 1
    written: list[str] = field(default_factory=list)

    def deployment(self, id_: str) -> Deployment | None:
        if id_ != PLAN.deployment_id:
            return None
        now = datetime.now(UTC)
        return Deployment(id_, "x", "barbershop", "local", self.number, self.state, {}, now, now)

    def current_revision(self, deployment: str) -> Revision | None:
        if self.number is None:
            return None
        text = canonical_json(PLAN)
        return Revision(deployment, self.number, text, checksum(PLAN), "r", "applied", None)

    def set_deployment_state(
        self, id_: str, state: str, *, current_revision: int | None = None
    ) -> None:
        self.written.append(state)


def bind(kind: str, target: RecordingTarget, states: States, **options: bool) -> Bound:
    given = RunInput("r", kind, PLAN.deployment_id, None, {"options": dict(options)})
    return lifecycle_factories(target, states)[kind](given)


def last(bound: Bound) -> Outcome:
    """What a run's last step comes to; the ones before it say what does not apply."""
    *before, final = (step.run(bound.context) for step in bound.pipeline.steps())
    assert all(isinstance(outcome, Skipped) for outcome in before)
    return final


@pytest.mark.parametrize("options", [{}, {"keep_backup": True}, {"keep_backup": False}])
def test_destroy_keeps_a_backup_unless_told_not_to(options: dict[str, bool]) -> None:
    answers = {"destroy": Report("gone", {"backup": "/b/x.dump"})}
    target, states = RecordingTarget(answers=answers), States()
    assert last(bind("destroy", target, states, **options)) == Done("gone", {"backup": "/b/x.dump"})
    assert target.calls == [("destroy", (PLAN.deployment_id, options.get("keep_backup", True)))]
    assert states.written == ["destroyed"]


def test_what_does_not_end_well_is_not_written_down_as_done() -> None:
    states = States()
    faults: dict[str, Exception] = {"destroy": BarberProError("disk full", mend="free space")}
    target = RecordingTarget(faults=faults)
    assert last(bind("destroy", target, states)) == Failed("disk full", "", "free space")
    target.faults = {"stop": PassingFaultError("busy", seconds=0.1)}
    assert last(bind("stop", target, states)) == RetryAfter(0.1, "busy")
    assert states.written == []


def test_a_start_is_done_only_when_the_address_answers(tmp_path: Path) -> None:
    states = States(number=None)
    bound = bind("start", RecordingTarget(), states)
    start, verify = bound.pipeline.steps()
    assert isinstance(start.run(bound.context), Done)
    assert verify.run(bound.context) == Done("nothing was deployed yet, so nothing answers")
    bound = bind("start", RecordingTarget(), States())
    _start, verify = bound.pipeline.steps()
    outcome = verify.run(bound.context)  # its CA does not exist: nobody can be reached
    assert isinstance(outcome, Failed)
    assert "CA" in outcome.what


@pytest.mark.parametrize("kind", ["start", "stop", "destroy"])
def test_a_deployment_that_is_not_there_is_refused_before_a_run_begins(kind: str) -> None:
    factory = lifecycle_factories(RecordingTarget(), States())[kind]
    with pytest.raises(InvalidInputError, match="no deployment 'nobody'"):
        factory(RunInput("r", kind, "nobody", None, {}))
