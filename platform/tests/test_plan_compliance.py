"""What law and policy refuse before anything runs, by article, and what they leave alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from support_planning import (
    BARBERSHOP,
    FOLDER,
    PSYCHOLOGY,
    changed_catalog,
    extended_catalog,
    plan_of,
    shipped_catalog,
)

from barberpro.catalog.model import Catalog
from barberpro.errors import ExitCode, InvalidInputError, RefusedError
from barberpro.planning.checks import CHECKS
from barberpro.planning.compliance import blocking, refuse_if_blocked
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.inventory import Inventory, Known
from barberpro.planning.model import Plan
from barberpro.planning.plans import make_plan
from barberpro.planning.requests import parse_request

PSYCHOLOGY_FILE = "verticals/psychology/vertical.yaml"


def planned(catalog: Catalog, fields: Mapping[str, object]) -> Plan:
    return make_plan(parse_request(fields, catalog), catalog, Inventory())


def of_control(plan: Plan, control: str) -> tuple[Finding, ...]:
    return tuple(finding for finding in plan.findings if finding.control == control)


def test_every_check_that_the_catalog_names_for_a_plan_exists() -> None:
    controls = shipped_catalog().controls.values()
    named = {c.check for c in controls if c.kind == "check" and "plan" in c.when}
    assert named <= set(CHECKS)
    assert set(CHECKS) <= named, "a kind that no control uses is dead code"


@pytest.mark.parametrize("vertical", sorted(shipped_catalog().verticals))
def test_what_is_shipped_is_lawful_on_this_machine(vertical: str) -> None:
    plan = plan_of(vertical=vertical)
    assert blocking(plan) == ()
    refuse_if_blocked(plan)


def test_findings_come_heaviest_first_and_name_what_they_rest_on() -> None:
    plan = plan_of(PSYCHOLOGY, target="kubernetes", provider="aws")
    order = [list(Severity)[::-1].index(finding.severity) for finding in plan.findings]
    assert order == sorted(order)
    for finding in plan.findings:
        if finding.control:
            assert finding.why
        if finding.severity is Severity.BLOCKING:
            assert finding.mend


def test_psychology_on_aws_is_refused_by_ley_25326_article_12() -> None:
    plan = plan_of(PSYCHOLOGY, target="kubernetes", provider="aws")
    with pytest.raises(RefusedError) as caught:
        refuse_if_blocked(plan)
    text = str(caught.value)
    assert caught.value.exit_code is ExitCode.REFUSED
    assert "Ley 25.326 art. 12" in text
    assert "US" in text
    assert "--transfer-instrument US=" in text
    assert "on-premises" in text


def test_a_transfer_instrument_lifts_the_refusal_and_stays_visible() -> None:
    instrument = ["US=scc-60e-annex-ii:contract 2026-14"]
    plan = plan_of(PSYCHOLOGY, target="kubernetes", provider="aws", transfer_instruments=instrument)
    assert blocking(plan) == ()
    (finding,) = of_control(plan, "AR-25326-12")
    assert finding.severity is Severity.INFO
    assert finding.evidence == "contract 2026-14"


@pytest.mark.parametrize("instruments", [["US=handshake"], ["BR=scc-60e-annex-ii"]])
def test_an_instrument_must_be_accepted_and_of_that_country(instruments: list[str]) -> None:
    plan = plan_of(
        PSYCHOLOGY, target="kubernetes", provider="aws", transfer_instruments=instruments
    )
    assert {finding.control for finding in blocking(plan)} >= {"AR-25326-12"}


def test_each_destination_needs_its_own_instrument() -> None:
    fields = {"target": "kubernetes", "provider": "aws", "provider_location": "sa-east-1"}
    assert any("BR" in f.evidence for f in blocking(plan_of(**fields)))
    only_us = plan_of(**fields, transfer_instruments=["US=express-consent"])
    assert blocking(only_us)
    assert not blocking(plan_of(**fields, transfer_instruments=["BR=express-consent"]))


def test_clinical_records_below_ten_years_are_refused_by_ley_26529_article_18() -> None:
    plan = plan_of(PSYCHOLOGY, clinical_retention_years=7)
    with pytest.raises(RefusedError) as caught:
        refuse_if_blocked(plan)
    text = str(caught.value)
    assert "Ley 26.529 art. 18" in text
    assert "7 years" in text
    assert "10" in text
    (finding,) = of_control(plan, "AR-26529-18")
    assert finding.evidence == "7 < 10"


def test_a_catalog_below_the_floor_is_refused_too() -> None:
    for new in ("clinical_record_retention: 7_years", "# the general figure applies"):
        catalog = changed_catalog(PSYCHOLOGY_FILE, "clinical_record_retention: 10_years", new)
        plan = planned(catalog, PSYCHOLOGY)
        assert "AR-26529-18" in {finding.control for finding in blocking(plan)}


def test_clinical_records_above_the_floor_are_fine() -> None:
    plan = plan_of(PSYCHOLOGY, clinical_retention_years=20)
    assert blocking(plan) == ()
    clinical, general = plan.protection.retention
    assert (clinical.years, clinical.on_expiry, clinical.clinical) == (20, "review", True)
    assert (general.years, general.on_expiry, general.clinical) == (7, "erase", False)


def test_data_without_a_floor_are_not_kept_over_the_maximum() -> None:
    catalog = changed_catalog(
        PSYCHOLOGY_FILE, "data_retention_default: 7_years", "data_retention_default: 11_years"
    )
    found = {finding.control for finding in blocking(planned(catalog, PSYCHOLOGY))}
    assert "BP-RETENTION-MAXIMUM" in found
    assert "AR-26529-18" not in found


def test_health_data_are_classified() -> None:
    assert plan_of(PSYCHOLOGY).protection.data_classification == "sensitive_health_data"
    assert plan_of(BARBERSHOP).protection.data_classification == "personal_data"


def test_unencrypted_video_is_refused() -> None:
    catalog = changed_catalog(
        PSYCHOLOGY_FILE,
        "session_recording_encryption: end_to_end",
        "session_recording_encryption: none",
    )
    found = {finding.control for finding in blocking(planned(catalog, PSYCHOLOGY))}
    assert "AR-98-2023-4" in found


def test_the_disk_of_ones_own_machine_is_a_doubt_and_no_refusal() -> None:
    plan = plan_of(PSYCHOLOGY)
    (finding,) = of_control(plan, "BP-DOUBLE-ENCRYPTION")
    assert finding.severity is Severity.WARNING
    assert "LUKS" in finding.mend
    assert "field" in plan.protection.encryption_layers


def test_what_only_a_person_can_decide_is_listed() -> None:
    attested = {f.control for f in plan_of(PSYCHOLOGY).findings if f.where == "attestations"}
    assert {"AR-RENAPDIS", "AR-25326-21", "PCI-11-4"} <= attested
    assert "AR-RENAPDIS" not in {f.control for f in plan_of(BARBERSHOP).findings}
    assert all(
        f.severity is not Severity.BLOCKING
        for f in plan_of(PSYCHOLOGY).findings
        if f.where == "attestations"
    )


def test_a_database_shared_with_another_deployment_is_refused() -> None:
    other = plan_of(name="Otra Barbería")
    stolen = other.model_copy(update={"database": plan_of().database})
    inventory = Inventory({"otra-barberia": Known("Otra Barbería", "barbershop", stolen)})
    found = blocking(plan_of(BARBERSHOP, inventory))
    assert {finding.control for finding in found} == {"AR-25326-11"}
    assert all("otra-barberia" in finding.what for finding in found)


CONTROL = """
controls:
  XX-1:
    law: Ley de prueba
    article: art. 99
    title: "A longer floor"
    text: Clinical records are kept longer here.
    severity: blocking
    kind: check
    when: [plan]
    applies_to: [psychology]
    check: {check}
    parameters: {parameters}
    source: none
    confidence: primary
"""


def with_control(check: str, parameters: str) -> Catalog:
    text = CONTROL.format(check=check, parameters=parameters)
    return extended_catalog("controls/own.yaml", text)


def test_a_new_control_of_an_existing_kind_is_data_only() -> None:
    catalog = with_control("clinical-retention-floor", "{minimum_years: 15}")
    found = blocking(planned(catalog, PSYCHOLOGY))
    assert [finding.control for finding in found] == ["XX-1"]
    assert "Ley de prueba art. 99" in found[0].why
    assert blocking(planned(catalog, BARBERSHOP)) == ()


@pytest.mark.parametrize(
    ("check", "parameters", "said"),
    [
        ("no-such-check", "{}", "no-such-check"),
        ("clinical-retention-floor", "{}", "minimum_years"),
        ("clinical-retention-floor", "{minimum_years: true}", "minimum_years"),
        ("tls-minimum", "{tls_minimum: 3}", "tls_minimum"),
        ("double-encryption", "{layers: both}", "layers"),
    ],
)
def test_a_control_that_cannot_be_judged_is_the_catalogs_fault(
    check: str, parameters: str, said: str
) -> None:
    catalog = with_control(check, parameters)
    with pytest.raises(InvalidInputError, match=said) as caught:
        planned(catalog, PSYCHOLOGY)
    assert "XX-1" in str(caught.value)


def test_a_stricter_tls_is_asked_for() -> None:
    catalog = with_control("tls-minimum", '{tls_minimum: "1.4"}')
    assert [f.evidence for f in blocking(planned(catalog, PSYCHOLOGY))] == ["1.3"]


def test_the_reference_names_every_check_and_its_parameters() -> None:
    reference = (FOLDER.parent / "docs" / "reference" / "plan.md").read_text(encoding="utf-8")
    rows = [line for line in reference.splitlines() if line.startswith("| `")]
    for check in CHECKS:
        (row,) = [row for row in rows if f"`{check}`" in row.split("|")[1]]
        parameters = {
            name
            for control in shipped_catalog().controls.values()
            if control.check == check and "plan" in control.when
            for name in control.parameters
        }
        documented = {name for name in parameters if f"`{name}`" in row.split("|")[2]}
        assert documented or not row.split("|")[2].strip()
