"""Whole plans: the manual's calls, every combination, and text that cannot be tampered with."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_planning import BARBERSHOP, PSYCHOLOGY, plan_of, request_of, shipped_catalog

from barberpro.errors import ExitCode
from barberpro.planning.compliance import blocking
from barberpro.planning.inventory import Inventory
from barberpro.planning.plans import (
    InvalidPlanError,
    canonical_json,
    checksum,
    make_plan,
    plan_document,
    plan_from_json,
)
from barberpro_app.settings import AppConfiguration

CATALOG = shipped_catalog()
PLAN = plan_of(PSYCHOLOGY)


def test_the_manuals_first_call() -> None:
    plan = plan_of(PSYCHOLOGY)
    assert plan.deployment_id == "mentalhealth-buenos-aires"
    assert plan.sizes.cpu_cores == 24.0
    assert plan.latency_target_ms == 80
    assert "encrypted-notes-service" in {workload.name for workload in plan.workloads}
    assert blocking(plan) == ()
    assert plan.requirements


def test_the_manuals_second_call() -> None:
    plan = plan_of(BARBERSHOP)
    assert plan.deployment_id == "barbershop-palermo"
    assert plan.database.name == "bp_barbershop_palermo"
    assert "portfolio-service" in {workload.name for workload in plan.workloads}
    assert blocking(plan) == ()
    assert plan.requirements == ()


@pytest.mark.parametrize("vertical", sorted(CATALOG.verticals))
def test_everything_in_the_catalog_can_be_planned_on_this_machine(vertical: str) -> None:
    for market, region in itertools.product(CATALOG.markets, CATALOG.regions):
        plan = plan_of(vertical=vertical, market=market, region=region)
        assert blocking(plan) == ()
        assert plan.latency_target_ms == CATALOG.regions[region].latency_target
        assert plan_from_json(canonical_json(plan)) == plan


@pytest.mark.parametrize("provider", sorted(CATALOG.providers))
def test_every_provider_can_be_planned_at_every_location(provider: str) -> None:
    known = CATALOG.providers[provider]
    for target, location in itertools.product(known.targets, known.locations):
        fields = {"provider": provider, "target": target, "provider_location": location}
        plan = plan_of(vertical="dental", **fields)
        assert plan.cost.lines


@pytest.mark.parametrize("vertical", sorted(CATALOG.verticals))
def test_the_app_takes_what_it_is_given(vertical: str) -> None:
    plan = plan_of(PSYCHOLOGY, vertical=vertical, owner_email="ana@example.com")
    given: dict[str, Any] = json.loads(json.dumps(plan.application))
    given["public_url"] = f"https://{plan.network.hostname}:8443"
    given["mail"] |= {"host": "127.0.0.1", "port": 2525, "username": "", "starttls": False}
    taken = AppConfiguration.model_validate_json(json.dumps(given))
    assert taken.brand.name == "MentalHealth Buenos Aires"
    assert taken.brand.contact_email == "ana@example.com"
    assert taken.compliance.clinical_retention_years == (
        10 if vertical in {"psychology", "dental"} else None
    )
    assert plan.seed["owner"] == {"name": "MentalHealth Buenos Aires", "email": "ana@example.com"}
    named = {"schema_version", "owner", "locations", "providers", "services"}
    assert set(plan.seed) == named | ({"classes"} if vertical == "fitness" else set())


def test_a_plan_is_the_same_in_another_process() -> None:
    program = (
        "from support_planning import plan_of, PSYCHOLOGY\n"
        "from barberpro.planning.plans import checksum\n"
        "import sys; sys.stdout.write(checksum(plan_of(PSYCHOLOGY)))"
    )
    environment = {
        "PYTHONPATH": ":".join(path for path in sys.path if path),
        "PYTHONHASHSEED": "4711",
    }
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )  # fmt: skip
    assert answer.stdout == checksum(PLAN)


def shuffled(value: Any, draw: Any) -> Any:
    """``value`` with the keys of every object in another order."""
    if isinstance(value, dict):
        keys = draw(st.permutations(list(value)))
        return {key: shuffled(value[key], draw) for key in keys}
    if isinstance(value, list):
        return [shuffled(item, draw) for item in value]
    return value


@settings(deadline=None, max_examples=30)
@given(st.data(), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_order_blanks_and_escapes_do_not_matter(
    data: st.DataObject, indent: int | str | None, ascii_only: bool
) -> None:
    value = json.loads(plan_document(PLAN))
    top = {
        key: shuffled(value[key], data.draw) if key == "checksum" else value[key] for key in value
    }
    top["plan"] = {
        key: value["plan"][key] for key in data.draw(st.permutations(list(value["plan"])))
    }
    top["plan"]["request"] = shuffled(top["plan"]["request"], data.draw)
    text = json.dumps(top, indent=indent, ensure_ascii=ascii_only)
    assert plan_from_json(text) == PLAN
    assert canonical_json(plan_from_json(text)) == canonical_json(PLAN)


def test_canonical_json_is_canonical() -> None:
    text = canonical_json(PLAN)
    value = json.loads(text)
    assert json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")) == text
    assert checksum(plan_from_json(text)) == checksum(PLAN)
    assert "Psic" in text
    assert "\\u" not in text


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all numbers and texts in ``value``."""
    if isinstance(value, dict):
        return [leaf for key in value for leaf in leaves(value[key], (*path, key))]
    if isinstance(value, list):
        return [leaf for place, item in enumerate(value) for leaf in leaves(item, (*path, place))]
    return [path]


LEAVES = leaves(json.loads(canonical_json(PLAN)))


@settings(deadline=None)
@given(st.sampled_from(LEAVES))
def test_a_plan_that_was_changed_anywhere_is_refused(path: tuple[Any, ...]) -> None:
    value = json.loads(plan_document(PLAN))
    inside = value["plan"]
    for step in path[:-1]:
        inside = inside[step]
    before = inside[path[-1]]
    inside[path[-1]] = (
        not before
        if isinstance(before, bool)
        else before + 1
        if isinstance(before, (int, float))
        else f"{before or ''}x"
    )
    with pytest.raises(InvalidPlanError) as caught:
        plan_from_json(json.dumps(value))
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.mend


def test_the_plan_that_was_approved_and_no_other() -> None:
    text = canonical_json(PLAN)
    assert plan_from_json(text, expected_checksum=checksum(PLAN)) == PLAN
    other = checksum(plan_of())
    for document in (text, plan_document(PLAN)):
        with pytest.raises(InvalidPlanError, match=other):
            plan_from_json(document, expected_checksum=other)


def test_a_plan_of_a_newer_release_says_so() -> None:
    value = json.loads(canonical_json(PLAN)) | {"schema_version": 2, "news": True}
    with pytest.raises(InvalidPlanError, match="schema version 2; this release knows 1"):
        plan_from_json(json.dumps(value))


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "[]", "null", "{}", '{"schema_version": 1}', '{"schema_version": true}',
        '{"schema_version": "1"}', '{"schema_version": 0}', '{"checksum": 1, "plan": {}}',
        '{"checksum": "x", "plan": []}', '{"schema_version": 1, "deployment_id": NaN}', "[" * 100_000,
        '{"schema_version": 1, "deployment_id": "\\ud800"}', '{"schema_version": 1e999}', "\x00",
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused_in_one_message(text: str) -> None:
    with pytest.raises(InvalidPlanError) as caught:
        plan_from_json(text)
    assert len(str(caught.value)) < 600


def test_unknown_keys_are_refused_by_name() -> None:
    value = json.loads(canonical_json(PLAN))
    value["network"]["backdoor"] = 1
    with pytest.raises(InvalidPlanError, match=r"network\.backdoor"):
        plan_from_json(json.dumps(value))


def test_monitors_hold_the_regions_latency_and_only_this_deployment() -> None:
    plan = plan_of(region="argentina-south")
    monitors = {monitor.id: monitor for monitor in plan.monitors}
    assert monitors["network_latency_by_region"].expression.endswith("> 0.15")
    for monitor in plan.monitors:
        assert monitor.expression.startswith(monitor.measure)
        assert 'deployment="barbershop-palermo"' in monitor.measure
        assert "{{" not in monitor.expression
        assert monitor.expression.count("{") == monitor.expression.count("}")
        assert monitor.expression.count("(") == monitor.expression.count(")")
    policies = CATALOG.policies
    wanted = {
        *policies.infrastructure_metrics,
        *policies.business_metrics,
        *policies.security_metrics,
    }
    explained = {f.id for f in plan.findings if f.id.startswith("no-monitor-")}
    for metric in wanted - set(monitors):
        assert f"no-monitor-{metric.replace('_', '-')}" in explained


def test_a_market_that_is_outgrown_is_noticed() -> None:
    for market, beyond, requests in (("small", "medium", 50), ("large", "enterprise", 1000)):
        monitors = {monitor.id: monitor for monitor in plan_of(market=market).monitors}
        assert monitors["market_outgrown"].expression.endswith(f"> {requests}")
        assert beyond in monitors["market_outgrown"].summary
    assert "market_outgrown" not in {m.id for m in plan_of(market="enterprise").monitors}


@pytest.mark.parametrize(
    "name", ['"; rm -rf / #', "$(reboot) `id`", "{{own}} {x} %s", "</script>", "O'Higgins\\"]
)
def test_hostile_names_are_data_and_nothing_else(name: str) -> None:
    plan = plan_of(name=name, vertical="dental")
    assert plan_from_json(plan_document(plan)) == plan
    brand = plan.application["brand"]
    assert isinstance(brand, dict)
    assert brand["name"] == name
    without = plan.model_dump(mode="json", exclude={"request", "application"})
    assert name not in json.dumps(without, ensure_ascii=False), "only where a name is shown"


def test_planning_leaves_its_arguments_alone() -> None:
    before = CATALOG.model_dump_json()
    plan = make_plan(request_of(owner_email="a@example.com"), CATALOG, Inventory())
    plan.application["brand"] = None
    plan.seed["owner"] = None
    assert CATALOG.model_dump_json() == before
    assert plan_of(owner_email="a@example.com").application["brand"] is not None
