"""Each kind of check holds on what is shipped and breaks on what it forbids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from support_planning import PSYCHOLOGY, plan_of, shipped_catalog

from barberpro.catalog.model import Catalog, Control
from barberpro.planning.cases import Case
from barberpro.planning.checks import CHECKS
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.inventory import Inventory, Known
from barberpro.planning.model import DataLocation, Flow, Retention

CATALOG = shipped_catalog()
Damage = Callable[[Case], Case]


def whole() -> Case:
    """Psychology in a cloud at home with two zones and encrypted volumes: nothing is wrong with it."""
    provider = CATALOG.providers["huawei"]
    plan = plan_of(PSYCHOLOGY, target="kubernetes", provider="huawei")
    assert len(provider.default.zones) > 1
    return Case(
        plan.deployment_id, plan.request, plan.protection, plan.database, plan.network, CATALOG,
        Inventory({plan.deployment_id: Known(plan.request.name, "psychology", plan)}),
    )  # fmt: skip


def protecting(**changes: object) -> Damage:
    return lambda case: replace(case, protection=case.protection.model_copy(update=changes))


def asking(**changes: object) -> Damage:
    return lambda case: replace(case, request=case.request.model_copy(update=changes))


def kept(*records: Retention) -> Damage:
    return protecting(retention=records)


def clinical(years: int, on_expiry: str = "review") -> Retention:
    return Retention.model_validate(
        {
            "record_class": "clinical-record",
            "years": years,
            "clinical": True,
            "on_expiry": on_expiry,
        }
    )


def general(years: int) -> Retention:
    return Retention(
        record_class="booking-and-client", years=years, clinical=False, on_expiry="erase"
    )


def abroad(country: str) -> Damage:
    return protecting(locations=(DataLocation(what="backups", country=country, place="elsewhere"),))


def complying(**changes: object) -> Damage:
    """The vertical with other keys of compliance."""

    def damage(case: Case) -> Case:
        vertical = case.vertical
        changed = vertical.model_copy(
            update={"compliance": vertical.compliance.model_copy(update=changes)}
        )
        return with_catalog(case, verticals={**case.catalog.verticals, vertical.id: changed})

    return damage


def with_catalog(case: Case, **changes: object) -> Case:
    catalog: Catalog = case.catalog.model_copy(update=changes)
    return replace(case, catalog=catalog)


def one_zone(case: Case) -> Case:
    provider = case.provider
    place = provider.default.model_copy(update={"zones": ("only",)})
    changed = provider.model_copy(update={"locations": {provider.default_location: place}})
    return with_catalog(case, providers={**case.catalog.providers, "huawei": changed})


def other_currency(case: Case) -> Case:
    region = case.catalog.regions[case.request.region].model_copy(update={"currency": "USD"})
    return with_catalog(case, regions={**case.catalog.regions, case.request.region: region})


def open_service(case: Case) -> Case:
    hole = Flow(source="public", destination="booking", port=8080, why="a hole")
    network = case.network.model_copy(update={"flows": (*case.network.flows, hole)})
    return replace(case, network=network)


def no_flows(case: Case) -> Case:
    return replace(case, network=case.network.model_copy(update={"flows": ()}))


def shared_role(case: Case) -> Case:
    other = plan_of(name="Otra")
    database = other.database.model_copy(update={"app_role": case.database.app_role})
    stolen = other.model_copy(update={"database": database})
    return replace(case, inventory=Inventory({"otra": Known("Otra", "barbershop", stolen)}))


BROKEN: list[tuple[str, Damage]] = [
    ("append-only-record", protecting(audit_trail="standard")),
    ("audit-trail", protecting(audit_trail="none")),
    ("backup-offsite", one_zone),
    ("clinical-retention-floor", kept(clinical(9))),
    ("clinical-retention-floor", kept(clinical(10, "erase"))),
    ("prescription-retention-floor", kept(clinical(2))),
    ("data-localization", abroad("US")),
    ("data-localization", abroad("UY")),
    ("transfer-instrument", abroad("US")),
    ("double-encryption", protecting(encryption_layers=("volume",))),
    ("double-encryption", protecting(encryption_layers=("field",))),
    ("encryption-at-rest", protecting(encryption_layers=())),
    ("network-policies", open_service),
    ("network-policies", no_flows),
    ("no-card-data", protecting(card_data=True)),
    ("payment-log-retention", kept(general(0))),
    ("prices-in-currency", other_currency),
    ("professional-secrecy", complying(provider_verification="basic")),
    ("professional-verification", complying(provider_verification="none")),
    ("retention-declared", kept(general(11))),
    ("retention-declared", kept(general(0))),
    ("retention-maximum", kept(general(11))),
    ("security-measures", protecting(tls_minimum="1.1")),
    ("security-measures", protecting(audit_trail="none")),
    ("sensitive-classification", protecting(data_classification="personal_data")),
    ("sensitive-fields-optional", protecting(required_health_fields=("diagnosis",))),
    ("tenant-isolation", shared_role),
    ("tls-minimum", protecting(tls_minimum="1.2")),
    ("video-encryption", complying(session_recording_encryption="none")),
]


def controls_of(check: str) -> list[Control]:
    return [c for c in CATALOG.controls.values() if c.check == check and "plan" in c.when]


def findings(check: str, case: Case) -> list[Finding]:
    return [finding for control in controls_of(check) for finding in CHECKS[check](case, control)]


def test_every_check_is_seen_to_break() -> None:
    assert {check for check, _ in BROKEN} == set(CHECKS)


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_a_whole_plan_leaves_no_finding(check: str) -> None:
    assert controls_of(check)
    assert findings(check, whole()) == []


@pytest.mark.parametrize(("check", "damage"), BROKEN, ids=[check for check, _ in BROKEN])
def test_what_a_check_forbids_is_found(check: str, damage: Damage) -> None:
    found = findings(check, damage(whole()))
    assert found
    severities = {control.id: control.severity for control in controls_of(check)}
    for finding in found:
        control = CATALOG.controls[finding.control]
        assert finding.severity == severities[control.id]
        assert control.citation in finding.why
        assert finding.mend
        assert finding.where


def test_the_clinical_record_is_exempt_from_the_maximum() -> None:
    for check in ("retention-maximum", "retention-declared"):
        assert findings(check, kept(clinical(40), general(10))(whole())) == []


def test_an_adequate_country_is_lawful_and_still_against_policy() -> None:
    case = abroad("UY")(whole())
    (lawful,) = findings("transfer-instrument", case)
    (against,) = findings("data-localization", case)
    assert lawful.severity is Severity.INFO
    assert against.severity is Severity.BLOCKING


def test_the_disk_of_ones_own_machine_is_never_a_refusal() -> None:
    case = asking(provider="on-premises")(protecting(encryption_layers=("field",))(whole()))
    for check in ("double-encryption", "encryption-at-rest"):
        assert {f.severity for f in findings(check, case)} == {Severity.WARNING}
