"""The pipeline is the manual's, its context is rebuilt from what is stored, faults become outcomes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support_planning import plan_of, shipped_catalog

from barberpro.deployment.conclusions import conclude, guarded
from barberpro.deployment.context import DeployContext, Surroundings, read_context
from barberpro.deployment.pipeline import deploy_factory, deploy_pipeline
from barberpro.deployment.testing import RecordingTarget
from barberpro.errors import BarberProError, InvalidInputError, RefusedError
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import Plan
from barberpro.planning.plans import canonical_json, checksum
from barberpro.runs.kinds import RunInput
from barberpro.runs.outcomes import Done, Failed, Outcome, RetryAfter, Skipped
from barberpro.targets.protocol import PassingFaultError, Report

STEPS = {step.title: step for step in deploy_pipeline().steps()}


def given(plan: Plan, revision: int | None = 1, **payload: object) -> RunInput:
    stored = {"plan": json.loads(canonical_json(plan)), "checksum": checksum(plan), **payload}
    return RunInput("run-1", "deploy", plan.deployment_id, revision, stored)  # type: ignore[arg-type]


def context_of(
    target: RecordingTarget, tmp_path: Path, plan: Plan | None = None, **payload: object
) -> DeployContext:
    around = Surroundings(target, lambda deployment: tmp_path / deployment)
    return read_context(given(plan or plan_of(market="small"), **payload), around)


def carry_out(title: str, context: DeployContext) -> Outcome:
    outcome = STEPS[title].run(context)
    if isinstance(outcome, Done):
        context.facts[STEPS[title].id] = outcome.facts
    return outcome


def finding(severity: Severity) -> Finding:
    return Finding(
        id="disk", severity=severity, what="the disk is small", where="/home", mend="free space"
    )


def test_stages_steps_and_budgets_are_the_manual_s() -> None:
    manual = shipped_catalog().policies.deployment_stages
    stages = deploy_pipeline().stages
    assert [(s.title, s.budget_seconds) for s in stages] == [
        (m.title, m.minutes * 60) for m in manual
    ]
    assert [tuple(step.title for step in s.steps) for s in stages] == [m.steps for m in manual]
    ids = [step.id for step in deploy_pipeline().steps()]
    assert len(ids) == len(set(ids)) == 28
    assert all(id_ == id_.lower() and " " not in id_ for id_ in ids)


def test_whatever_changes_something_can_be_undone() -> None:
    with_undo = {title for title, step in STEPS.items() if step.undo}
    assert with_undo == {
        "Cloud resources provisioning", "Load balancer configuration", "Base containers deployment",
        "Specialized containers deployment", "Automated testing suite", "Performance validation",
        "Security scanning", "DNS configuration", "SSL certificate provisioning",
        "CDN setup",
        "Domain activation",
    }  # fmt: skip


def test_a_resumed_run_gets_the_same_plan_and_knows_what_served_before(tmp_path: Path) -> None:
    around = Surroundings(RecordingTarget(), lambda deployment: tmp_path / deployment)
    plan = plan_of(market="small")
    bound = deploy_factory(around)(given(plan, 4, options={"previous_revision": 3}))
    again = deploy_factory(around)(given(plan, 4, options={"previous_revision": 3}))
    assert isinstance(bound.context, DeployContext)
    assert isinstance(again.context, DeployContext)
    assert bound.context.plan == again.context.plan == plan
    assert (bound.context.revision, bound.context.previous, bound.context.first) == (4, 3, False)
    assert bound.context.documents == tmp_path / plan.deployment_id


def test_before_a_run_has_its_revision_its_shape_can_be_told(tmp_path: Path) -> None:
    around = Surroundings(RecordingTarget(), lambda deployment: tmp_path / deployment)
    bound = deploy_factory(around)(given(plan_of(market="small"), None))
    assert len(list(bound.pipeline.steps())) == 28


@pytest.mark.parametrize(
    "payload", [{"plan": None}, {"checksum": 5}, {"plan": {"schema_version": 1}}]
)
def test_an_input_that_is_no_deployment_is_refused_with_a_remedy(
    tmp_path: Path, payload: dict[str, object]
) -> None:
    around = Surroundings(RecordingTarget(), lambda deployment: tmp_path / deployment)
    run = given(plan_of(market="small"))
    spoilt = replace(run, payload={**run.payload, **payload})  # type: ignore[dict-item]
    with pytest.raises(InvalidInputError) as caught:
        read_context(spoilt, around)
    assert caught.value.mend


def test_another_plan_than_the_approved_one_is_not_carried_out(tmp_path: Path) -> None:
    plan = plan_of(market="small")
    other = plan.model_copy(update={"latency_target_ms": 1})
    run = given(plan)
    changed = replace(run, payload={**run.payload, "plan": json.loads(canonical_json(other))})
    around = Surroundings(RecordingTarget(), lambda deployment: tmp_path / deployment)
    outcome = STEPS["Template configuration validation"].run(read_context(changed, around))
    assert isinstance(outcome, Failed)
    assert "not the plan that was approved" in outcome.what


@pytest.mark.parametrize("vertical", ["barbershop", "psychology", "fitness", "dental"])
def test_the_templates_that_come_with_the_product_are_valid(tmp_path: Path, vertical: str) -> None:
    plan = plan_of(vertical=vertical, name=f"Casa {vertical}", market="small")
    outcome = carry_out(
        "Template configuration validation", context_of(RecordingTarget(), tmp_path, plan)
    )
    assert isinstance(outcome, Done), outcome
    assert checksum(plan)[:12] in outcome.detail


def spoilt(plan: Plan, part: str, change: dict[str, object]) -> Plan:
    return plan.model_copy(update={part: {**getattr(plan, part), **change}})


@pytest.mark.parametrize(
    ("part", "change", "named"),
    [
        ("application", {"colour": "red"}, "app.json: colour"),
        ("application", {"currency": "pesos"}, "app.json: currency"),
        ("application", {"words": {}}, "words are missing"),
        ("seed", {"locations": []}, "seed.json: locations"),
    ],
)
def test_a_mistake_in_a_template_is_named_by_its_key(
    tmp_path: Path, part: str, change: dict[str, object], named: str
) -> None:
    plan = spoilt(plan_of(market="small"), part, change)
    outcome = carry_out(
        "Template configuration validation", context_of(RecordingTarget(), tmp_path, plan)
    )
    assert isinstance(outcome, Failed)
    assert outcome.refused
    assert named in outcome.what


def test_a_seed_that_names_nobody_is_found(tmp_path: Path) -> None:
    plan = plan_of(market="small")
    services = [{**entry, "providers": ["nadie"]} for entry in plan.seed["services"]]  # type: ignore[union-attr,dict-item]
    outcome = carry_out(
        "Template configuration validation",
        context_of(RecordingTarget(), tmp_path, spoilt(plan, "seed", {"services": services})),
    )
    assert isinstance(outcome, Failed)
    assert "no provider 'nadie'" in outcome.what


def test_a_blocking_finding_of_the_target_refuses_and_a_warning_does_not(tmp_path: Path) -> None:
    target = RecordingTarget(findings={"check_resources": [finding(Severity.BLOCKING)]})
    outcome = carry_out("Resource availability check", context_of(target, tmp_path))
    assert isinstance(outcome, Failed)
    assert (outcome.refused, outcome.mend) == (True, "free space")
    target.findings["check_resources"] = [finding(Severity.WARNING)]
    context = context_of(target, tmp_path)
    outcome = carry_out("Resource availability check", context)
    assert isinstance(outcome, Done)
    assert "1 warning: the disk is small" in outcome.detail
    assert context.findings() == (finding(Severity.WARNING),)


def test_clinical_records_below_the_legal_floor_are_refused_again(tmp_path: Path) -> None:
    plan = plan_of(vertical="psychology", name="Casa", market="small")
    compliance = {**plan.application["compliance"], "clinical_retention_years": 7}  # type: ignore[dict-item]
    outcome = carry_out(
        "Compliance requirements verification",
        context_of(
            RecordingTarget(), tmp_path, spoilt(plan, "application", {"compliance": compliance})
        ),
    )
    assert isinstance(outcome, Failed)
    assert outcome.refused
    assert "Ley 26.529 art. 18" in outcome.what


def test_a_public_domain_is_named_with_what_is_still_to_be_done(tmp_path: Path) -> None:
    plan = plan_of(market="small", domain="palermo.example.com.ar")
    outcome = carry_out(
        "Domain availability verification", context_of(RecordingTarget(), tmp_path, plan)
    )
    assert isinstance(outcome, Done)
    assert "palermo.example.com.ar" in outcome.detail
    (entry,) = outcome.facts["findings"]  # type: ignore[misc]
    assert "Ask whoever administers the DNS zone" in entry["mend"]  # type: ignore[index, operator]


def test_a_domain_on_a_cluster_is_live_before_its_records_are_made(tmp_path: Path) -> None:
    """The address is the load balancer's, which nobody knows before: nothing waits for DNS."""
    plan = plan_of(
        market="small", domain="palermo.example.com.ar", target="kubernetes", provider="on-premises"
    )
    assert plan.network.hostname == "palermo.example.com.ar"
    outcome = carry_out("DNS configuration", context_of(RecordingTarget(), tmp_path, plan))
    assert isinstance(outcome, Done)
    found = outcome.facts["findings"]
    assert isinstance(found, list)
    assert [entry["id"] for entry in found if isinstance(entry, dict)] == [
        "dns-record-pending-a", "dns-record-pending-caa",
    ]  # fmt: skip


def test_what_does_not_apply_is_skipped_with_the_target_s_reason(tmp_path: Path) -> None:
    reason = "private sockets: mTLS does not apply"
    target = RecordingTarget(answers={"configure_mesh": Report(reason, not_applicable=True)})
    outcome = carry_out("Service mesh configuration", context_of(target, tmp_path))
    assert outcome == Skipped(reason)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (PassingFaultError("not yet", seconds=0.2), RetryAfter(0.2, "not yet")),
        (BarberProError("no", where="here", mend="so"), Failed("no", "here", "so")),
        (RefusedError("law", mend="ask"), Failed("law", "", "ask", refused=True)),
    ],
)
def test_faults_become_outcomes(tmp_path: Path, fault: Exception, expected: Outcome) -> None:
    target = RecordingTarget(faults={"configure_network": fault})
    assert carry_out("Network configuration", context_of(target, tmp_path)) == expected


def test_a_defect_is_not_taken_for_a_fault(tmp_path: Path) -> None:
    target = RecordingTarget(faults={"configure_network": KeyError("x")})
    with pytest.raises(KeyError):
        carry_out("Network configuration", context_of(target, tmp_path))


def test_only_a_first_deployment_loses_its_resources_when_undone(tmp_path: Path) -> None:
    undo = STEPS["Cloud resources provisioning"].undo
    assert undo is not None
    target = RecordingTarget()
    undo(context_of(target, tmp_path, options={"previous_revision": 1}))
    assert target.names() == []
    undo(context_of(target, tmp_path, options={"previous_revision": None}))
    assert target.names() == ["remove_resources"]


def test_undoing_the_tests_removes_their_traces_even_where_they_never_ran(tmp_path: Path) -> None:
    undo = STEPS["Automated testing suite"].undo
    assert undo is not None
    target = RecordingTarget()
    undo(context_of(target, tmp_path))
    client, domain = "verification-r1", "verification-r1.invalid"
    expected = ("remove-test-data", "--marker", domain, "--api-client", client)
    assert target.calls == [("run_app_command", expected)]


def test_branding_reports_a_colour_that_cannot_be_read(tmp_path: Path) -> None:
    plan = plan_of(market="small")
    brand = {**plan.application["brand"], "primary_color": "#ffee88"}  # type: ignore[dict-item]
    target = RecordingTarget()
    context = context_of(target, tmp_path, spoilt(plan, "application", {"brand": brand}))
    outcome = carry_out("Branding customization", context)
    assert isinstance(outcome, Done)
    assert target.configuration["brand"] == brand
    assert any(f.id == "brand-contrast-primary-color" for f in context.findings())


def test_findings_reach_the_registry_even_when_they_end_the_run(tmp_path: Path) -> None:
    class Recorder:
        def __init__(self) -> None:
            self.found: list[str] = []
            self.proved: list[str] = []

        def deployment(self, id_: str) -> None:
            return None

        def put_findings(self, run: str, findings: object) -> None:
            self.found += [f.id for f in findings]  # type: ignore[attr-defined]

        def put_evidence(self, run: str, control: str, body: object) -> None:
            self.proved.append(control)

        def put_baseline(self, deployment: str, revision: int, figures: object) -> None:
            raise AssertionError

    recorder = Recorder()
    context = context_of(RecordingTarget(), tmp_path)
    context.recorder = recorder
    kept = Finding(id="kept", severity=Severity.INFO, what="kept", control="BP-TLS")
    outcome = guarded(lambda c: conclude(c, [finding(Severity.BLOCKING), kept], "x"))(context)
    assert isinstance(outcome, Failed)
    assert not outcome.refused
    assert (recorder.found, recorder.proved) == (["disk", "kept"], ["BP-TLS"])
